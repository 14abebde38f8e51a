"""A client that has given up on `server/discover` and fallen back to `initialize` before the server reads either."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api_document import TOOLS

from .catalogue import Client, read_catalogue
from .environments import Program
from .judge import shown_results
from .runs import run_script
from .scenarios import SAVED
from .serving import stdio_server
from .sessions import MAIN
from .upstream import Upstream

AI_SDK = [client for client in read_catalogue() if client.id == "ai-sdk"]

CLIENT = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
MODERN = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": CLIENT["clientInfo"],
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}


def test_a_handshake_that_waits_behind_a_discovery_is_served() -> None:
    answers = _answers_to(
        {"id": 1, "method": "server/discover", "params": MODERN},
        {"id": 2, "method": "initialize", "params": CLIENT},
        {"method": "notifications/initialized"},
        {"id": 3, "method": "tools/list"},
    )

    assert answers[2]["result"]["protocolVersion"] == "2025-11-25"
    assert [tool["name"] for tool in answers[3]["result"]["tools"]] == TOOLS


def _answers_to(*messages: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Put every message into the server's stdin before it is started; return its answers by id."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stdin:
        stdin.writelines(json.dumps({"jsonrpc": "2.0"} | message) + "\n" for message in messages)
    with os.fdopen(reading) as stdin:
        done = subprocess.run(
            (sys.executable, "-m", "wemasy_mcp"), stdin=stdin, capture_output=True, text=True, timeout=30, check=True
        )
    return {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}


@pytest.mark.clients
@pytest.mark.parametrize("client", AI_SDK, ids=lambda client: client.id)
def test_the_ai_sdk_can_use_a_server_that_starts_late(
    client: Client, programs: dict[str, Program], upstream: Upstream, tmp_path: Path
) -> None:
    settings = MAIN.settings | {"WEMASY_BASE_URL": upstream.base_url("late")}
    late = stdio_server(settings, str(Path(__file__).with_name("serve_late.py")))
    call = {"name": SAVED.name, "tool": SAVED.tool, "arguments": SAVED.arguments}

    (line,) = run_script(
        programs[client.id], {"mode": "", "sessions": [{"name": "late", "server": late, "calls": [call]}]}, tmp_path
    )

    assert line["protocol"] == "2025-11-25"
    assert shown_results(line) == [SAVED.result]
