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

from support.program import TOKEN
from support.wire import Recorded, client_over
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


def test_the_page_leaves_nothing_out_that_the_contract_asks_for(tmp_path: Path) -> None:
    # Under another name, so that it also holds where the worked endpoint has become a real one.
    renamed = [
        text.replace("create_", "again_").replace("/create", "/again").replace("CREATE", "AGAIN")
        for text in (MODULE, OPERATION)
    ]
    changed = _follow_the_page(tmp_path, "again", *renamed)

    run = functools.partial(_run, tmp_path, PYTHONPATH=str(tmp_path))
    run("pytest", "-q", "tests/endpoints/test_contract.py", UPDATE_SNAPSHOTS="1")
    script = [sys.executable, "scripts/reference.py", "README.md", "docs/errors.md"]
    _check(*script, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    run("pytest", "-q", "tests/endpoints/test_contract.py", "tests/repository/test_reference.py")
    run("ruff", "format", "--no-cache", "--check", *changed[:1])
    run("ruff", "format", "--no-cache", *changed[1:])
    run("ruff", "check", "--no-cache", *changed)


@pytest.mark.contributing
def test_who_follows_the_page_to_the_letter_in_a_clone_has_every_test_green(tmp_path: Path) -> None:
    _follow_the_page(tmp_path, "create", MODULE, OPERATION)
    install, test = _test_command(PAGE).rsplit(" && ", 1)

    for command in (
        "git init --quiet && git add --all",
        install,
        "UPDATE_SNAPSHOTS=1 .venv-test/bin/pytest -q tests/endpoints/test_contract.py",
        ".venv-test/bin/python scripts/reference.py README.md docs/errors.md",
        test,
    ):
        _check("bash", "-c", command, cwd=tmp_path, HOME=str(tmp_path))


def test_the_page_names_the_readmes_own_test_command() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert f"\n{_test_command(PAGE)}\n" in readme


def _test_command(page: str) -> str:
    (command,) = re.findall(r"^python3 -m venv \.venv-test .*$", page, re.MULTILINE)
    return str(command)


def _follow_the_page(clone: Path, name: str, module: str, operation: str) -> list[str]:
    """Copy what git tracks, and do by hand what the page leaves to do; return the files that were changed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for tracked in filter(None, listed.stdout.split("\0")):
        if (ROOT / tracked).is_file():
            (clone / tracked).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / tracked, clone / tracked)
    made, offered, documented = (
        clone / file
        for file in (
            f"wemasy_mcp/endpoints/connections_{name}.py",
            "wemasy_mcp/endpoints/__init__.py",
            "tests/api_document.py",
        )
    )
    made.write_text(module, "utf-8")
    imported = f"from wemasy_mcp.endpoints.connections_{name} import CONNECTIONS_{name.upper()}\n"
    _edit(offered, r"(?<=import Endpoint\n)", imported)
    _edit(offered, r"(?<=^ENDPOINTS: tuple\[Endpoint, \.\.\.\] = \()[^)]*", f", CONNECTIONS_{name.upper()}")
    _edit(documented, r"^(?=OPERATIONS = )", f"{operation}\n")
    _edit(documented, r"(?<=^OPERATIONS = \()[^)]*", f", {name.upper()}_CONNECTION")
    return [str(made), str(offered), str(documented)]


def _edit(file: Path, place: str, inserted: str) -> None:
    """Put a text at the end of the one place that matches."""
    text, count = re.subn(
        place, lambda found: found[0].rstrip(", \n") + inserted, file.read_text("utf-8"), flags=re.MULTILINE
    )
    assert count == 1, f"{place} is in {file.name} {count} times"
    file.write_text(text, "utf-8")


def _run(clone: Path, module: str, *arguments: str, **variables: str) -> None:
    _check(sys.executable, "-m", module, *arguments, cwd=clone, **variables)


def _check(*command: str, cwd: Path, **variables: str) -> None:
    # A bare environment: else coverage would count the clone's files as the package's.
    environment = {"PATH": os.environ["PATH"]} | variables
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
