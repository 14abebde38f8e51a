"""CONTRIBUTING.md's worked endpoint, taken from the page and used: the tool, the call, the answer and the sandbox."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from pydantic import SecretStr

from support.wire import TOKEN, Recorded, client_over
from wemasy_mcp.core.client import WemasyClient
from wemasy_mcp.core.server import build_server
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.sandbox import SANDBOX_TOKEN, build_sandbox

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
MODULE, OPERATION = map(textwrap.dedent, re.findall(r"^ *```python\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL))
ARGUMENTS = {"provider": "openai", "name": "Support chat", "model_name": None}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    # A module of that name, because pydantic looks the annotations up in it.
    module = types.ModuleType("connections_create")
    sys.modules[module.__name__] = module
    exec(compile(MODULE, "CONTRIBUTING.md", "exec"), module.__dict__)
    (found,) = [value for value in vars(module).values() if isinstance(value, Endpoint)]
    yield found
    del sys.modules[module.__name__]


async def test_the_worked_endpoint_is_a_tool_that_makes_its_request(endpoint: Endpoint, recorded: Recorded) -> None:
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


async def test_the_sandbox_serves_the_worked_endpoint(endpoint: Endpoint) -> None:
    sandbox = build_sandbox(endpoints=(*ENDPOINTS, endpoint))
    client = WemasyClient("http://localhost/api", timeout_seconds=20, transport=httpx2.ASGITransport(sandbox))
    server = build_server(client, (endpoint,), lambda ctx: SecretStr(SANDBOX_TOKEN))

    async with Client(server) as mcp_client:
        result = await mcp_client.call_tool(endpoint.tool, endpoint.examples[0])
    await client.aclose()

    assert result.structured_content is not None
    assert result.structured_content["success"] is True
    assert result.structured_content["data"]["name"] == "Support chat"


def test_who_follows_the_page_in_a_clone_has_green_tests_and_lint(endpoint: Endpoint, tmp_path: Path) -> None:
    # Under another name, so that it also holds where the worked endpoint has become a real one.
    code, operation = (
        text.replace("create_", "again_").replace("/create", "/again").replace("CREATE", "AGAIN")
        for text in (MODULE, OPERATION)
    )
    for folder in ("wemasy_mcp", "tests", "bundle", "docs", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    offered, documented, manifest = (
        tmp_path / name
        for name in ("wemasy_mcp/endpoints/__init__.py", "tests/api_document.py", "bundle/manifest.json")
    )

    module = tmp_path / "wemasy_mcp" / "endpoints" / "connections_again.py"
    module.write_text(code, "utf-8")
    imported = "from wemasy_mcp.endpoints.connections_again import CONNECTIONS_AGAIN\n"
    _edit(offered, r"(?<=import Endpoint\n)", imported)
    _edit(offered, r"(?<=^ENDPOINTS: tuple\[Endpoint, \.\.\.\] = \()[^)]*", ", CONNECTIONS_AGAIN")
    _edit(documented, r"^(?=OPERATIONS = )", f"{operation}\n")
    _edit(documented, r"(?<=^OPERATIONS = \()[^)]*", ", AGAIN_CONNECTION")
    listed = json.loads(manifest.read_text("utf-8"))
    listed["tools"].append({"name": "wemasy_again_connection", "description": endpoint.description})
    manifest.write_text(json.dumps(listed), "utf-8")

    tests = (
        "endpoints/test_contract.py",
        "core/test_protocol.py",
        "repository/test_reference.py",
        "sandbox/test_api.py",
        "packaging/test_bundle.py",
    )
    run = functools.partial(_run, tmp_path)
    run("pytest", "-q", "tests/endpoints/test_contract.py", UPDATE_SNAPSHOTS="1")
    run("scripts.reference", "README.md", "docs/errors.md")
    run("pytest", "-q", "-k", "not unpacked and not starts", *(f"tests/{test}" for test in tests))
    run("ruff", "format", "--no-cache", str(offered), str(documented))
    run("ruff", "format", "--no-cache", "--check", str(module))
    run("ruff", "check", "--no-cache", str(module), str(offered), str(documented))


def test_the_page_names_the_readmes_own_test_command() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (command,) = re.findall(r"^python3 -m venv \.venv-test .*$", PAGE, re.MULTILINE)

    assert f"\n{command}\n" in readme


def _edit(file: Path, place: str, inserted: str) -> None:
    """Put a text at the end of the one place that matches."""
    text, count = re.subn(
        place, lambda found: found[0].rstrip(", \n") + inserted, file.read_text("utf-8"), flags=re.MULTILINE
    )
    assert count == 1, f"{place} is in {file.name} {count} times"
    file.write_text(text, "utf-8")


def _run(clone: Path, module: str, *arguments: str, **variables: str) -> None:
    # A bare environment: else coverage would count the clone's files as the package's.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(clone)} | variables
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
