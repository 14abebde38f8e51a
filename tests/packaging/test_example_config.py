"""`claude_desktop_config.example.json`: each entry is started as far as this machine can."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters

from api_document import TOOLS
from config.documented import DOCUMENTED
from support.started import tools_and_outcome

ROOT = Path(__file__).parents[2]
SERVERS: dict[str, dict[str, Any]] = json.loads((ROOT / "claude_desktop_config.example.json").read_text())["mcpServers"]
DOCKER = ["run", "-i", "--rm", "-e", "WEMASY_API_TOKEN", "wemasy-mcp"]


def test_there_is_an_entry_for_the_program_for_docker_and_for_the_sandbox() -> None:
    # Not `uvx wemasy-mcp`: that would start whatever is published under the name, with the token.
    assert {name: entry["command"] for name, entry in SERVERS.items()} == {
        "wemasy": "/absolute/path/to/wemasy-mcp",
        "wemasy-docker": "docker",
        "wemasy-sandbox": "/absolute/path/to/wemasy-mcp",
    }


@pytest.mark.parametrize("entry", SERVERS.values(), ids=SERVERS)
def test_an_entry_has_only_documented_members(entry: dict[str, Any]) -> None:
    for name, value in entry.items():
        assert isinstance(value, DOCUMENTED["claude-desktop"].members[name])


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("wemasy", "not_configured"), ("wemasy-docker", "not_configured"), ("wemasy-sandbox", "applied")],
)
async def test_an_entry_starts_a_server_that_says_what_is_missing(name: str, outcome: str, tmp_path: Path) -> None:
    # All end up at the package's script, which has another path here; docker runs it in an image.
    entry = SERVERS[name]
    words = [] if entry["args"] == DOCKER else entry["args"]
    script = Path(sys.executable).with_name("wemasy-mcp")

    server = StdioServerParameters(command=str(script), args=words, env=entry.get("env", {}), cwd=tmp_path)
    assert await tools_and_outcome(server) == (TOOLS, outcome)
