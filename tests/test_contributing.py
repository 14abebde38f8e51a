"""CONTRIBUTING.md's worked endpoint, taken from the page and used: the tool, the call, the answer and the sandbox."""

import json
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from pydantic import SecretStr

from wemasy_mcp.client import WemasyClient
from wemasy_mcp.endpoint import AnyEndpoint, Endpoint
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.sandbox import SANDBOX_TOKEN, build_sandbox
from wemasy_mcp.server import build_server
from wire import TOKEN, Recorded, client_over

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")
ARGUMENTS = {"provider": "openai", "name": "Support chat", "model_name": None}


@pytest.fixture
def endpoint() -> Iterator[AnyEndpoint]:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    # A module of that name, because pydantic looks the annotations up in it.
    module = types.ModuleType("connections_create")
    sys.modules[module.__name__] = module
    exec(compile(code, "CONTRIBUTING.md", "exec"), module.__dict__)
    (found,) = [value for value in vars(module).values() if isinstance(value, Endpoint)]
    yield found
    del sys.modules[module.__name__]


async def test_the_worked_endpoint_is_a_tool_that_makes_its_request(endpoint: AnyEndpoint, recorded: Recorded) -> None:
    recorded.answer(200, {"success": True, "data": {"id": 6, "name": "Support chat"}})
    server = build_server(client_over(recorded), (*ENDPOINTS, endpoint), lambda ctx: SecretStr(TOKEN))

    async with Client(server) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool(endpoint.tool, ARGUMENTS)
        refused = await client.call_tool(endpoint.tool, {"provider": "none"})

    assert listed[-1] == "wemasy_create_connection"
    assert result.structured_content == {"success": True, "data": {"id": 6, "name": "Support chat"}}
    (request,) = recorded.requests
    assert request.url.path == "/api/services/ai/v1/user/connections/create"
    assert json.loads(request.content) == ARGUMENTS
    assert refused.structured_content is not None
    assert set(refused.structured_content["error"]["field_errors"]) == {"provider", "name"}


async def test_the_sandbox_serves_the_worked_endpoint(endpoint: AnyEndpoint) -> None:
    sandbox = build_sandbox(endpoints=(*ENDPOINTS, endpoint))
    client = WemasyClient("http://localhost/api", timeout_seconds=20, transport=httpx2.ASGITransport(sandbox))
    server = build_server(client, (endpoint,), lambda ctx: SecretStr(SANDBOX_TOKEN))

    async with Client(server) as mcp_client:
        result = await mcp_client.call_tool(endpoint.tool, endpoint.examples[0])
    await client.aclose()

    assert result.structured_content is not None
    assert result.structured_content["success"] is True
    assert result.structured_content["data"]["name"] == "Support chat"


def test_the_page_names_the_readmes_own_test_command() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    (command,) = re.findall(r"^python3 -m venv \.venv-test .*$", PAGE, re.MULTILINE)

    assert f"\n{command}\n" in readme
