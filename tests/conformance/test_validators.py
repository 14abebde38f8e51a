"""Other public validators: whatever they find is answered in docs/conformance.md, and nothing else is found."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from clients.catalogue import read_catalogue
from clients.environments import install
from support.processes import serving
from support.program import PROGRAM

from . import page

pytestmark = pytest.mark.conformance

SERVER = (*PROGRAM, "--sandbox")
SECONDS = 240
NEWEST = "2026-11-30T00:00:00Z"
"""What the validators themselves stand on is not newer than this."""


@dataclass(frozen=True)
class Validator:
    """A validator from PyPI."""

    package: str
    arguments: tuple[str, ...]
    """`{server}` stands for the server's command line, `{url}` for its address, `{tools}` for a file of its tools."""
    read: Callable[[str], Iterator[str]] | None = None
    """Reads the findings out of what it prints. Without it there may be none, and its exit status says so."""


def _issues(printed: str) -> Iterator[str]:
    yield from (issue["check"] for issue in json.loads(printed)["issues"])


def _card_issues(printed: str) -> Iterator[str]:
    yield from (issue["code"] for tool in json.loads(printed)["tools"] for issue in tool["issues"])


def _family_findings(printed: str) -> Iterator[str]:
    families = json.loads(printed)["families"].values()
    yield from (finding["code"] for family in families for finding in family["findings"])


def _failed_checks(printed: str) -> Iterator[str]:
    """Leave out the two checks that are about time: they say how busy the machine is."""
    checks = re.findall(r"^  (\S+) +([a-z][a-z-]+)  ", printed, re.MULTILINE)
    assert len(checks) >= 20, printed
    yield from (name for mark, name in checks if mark != "\N{WHITE HEAVY CHECK MARK}" and not name.startswith("perf-"))


VALIDATORS = {
    "stdio": Validator("mcp-lighthouse", ("scan", "--stdio", "{server}"), _failed_checks),
    "http": Validator("mcp-lighthouse", ("scan", "--http", "{url}"), _failed_checks),
    "2026": Validator("jbt-mcpcheck", ("--strict", "--legacy-probes", "--probe", "all", "--timeout", "60", "{url}")),
    "calls": Validator("amagi-mcp-probe", ("--strict", "--allow-destructive", "--", *SERVER)),
    "poisoning": Validator(
        "mcp-gauntlet", ("run", "--no-agentic", "--no-track-drift", "--allow-writes", "--fail-on", "low", "{server}")
    ),
    "contract": Validator("mcp-quality", ("static", "--json", "{tools}"), _family_findings),
    "cards": Validator(
        "mcp-tool-card-linter",
        ("lint", "--profile", "strict", "--format", "json", "--tools-file", "{tools}"),
        _card_issues,
    ),
    "schemas": Validator("agent-friend", ("validate", "--json", "{tools}"), _issues),
}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server lists, in a file."""

    async def read() -> list[dict[str, Any]]:
        async with Client(StdioServerParameters(command=SERVER[0], args=list(SERVER[1:]))) as client:
            listed = (await client.list_tools()).tools
        return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]

    file = tmp_path_factory.mktemp("tools") / "tools.json"
    file.write_text(json.dumps(anyio.run(read)))
    return file


@pytest.mark.parametrize("name", VALIDATORS)
def test_what_a_validator_finds_is_answered(name: str, tools: Path, tmp_path: Path) -> None:
    validator = VALIDATORS[name]
    with serving("--transport", "streamable-http", "--sandbox") as server:
        places = {"{server}": shlex.join(SERVER), "{url}": server.url, "{tools}": str(tools)}
        arguments = [places.get(argument, argument) for argument in validator.arguments]
        done = _run(_uv_run(validator, *arguments), tmp_path)

    if validator.read is None:
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    else:
        assert set(validator.read(done.stdout)) == page.answered(validator.package)


def test_the_inspector_finds_no_schema_that_a_client_cannot_take(tmp_path: Path) -> None:
    (inspector,) = (client for client in read_catalogue() if client.id == "inspector")
    program = install((inspector,))["inspector"]
    places = (folder / "node_modules" for folder in (program.directory, *program.directory.parents))
    packages = next(folder for folder in places if (folder / inspector.package).exists())
    launcher = packages / inspector.package / "clients" / "launcher" / "build" / "index.js"
    options = ("--cli", "--strict", "--format", "json", "--method", "tools/list")
    done = _run((program.command[0], str(launcher), *options, *SERVER), tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["result"]["tools"]
    assert page.version_of("MCP Inspector") == inspector.version


def _uv_run(validator: Validator, *arguments: str) -> tuple[str, ...]:
    uv = shutil.which("uv", path=Path(sys.executable).parent)
    assert uv is not None, "pip install uv"
    pinned = f"{validator.package}=={page.version_of(validator.package)}"
    run = ("tool", "run", "-q", "--python", sys.executable, "--exclude-newer", NEWEST, "--from", pinned)
    return (uv, *run, validator.package, *arguments)


def _run(command: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a validator where it may leave its reports, on a terminal wide enough for its lines."""
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
