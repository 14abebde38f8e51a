"""What becomes of settings that cannot be used, or are misspelt, once the server serves over stdio."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from api_document import SAVE_MEMORY, TOOLS
from support.launching import launched, serving
from support.program import PROGRAM

SAVE = SAVE_MEMORY.tool
FACT = {"kind": "fact"}
IN_THE_ENVIRONMENT = (
    "It is set in the environment of this server (in most hosts the `env` of its entry), or in the file named with "
    "--env-file."
)


async def called(variables: Mapping[str, str], *arguments: str) -> tuple[list[str], dict[str, Any], str]:
    """The tools that a server offers, what a call of one brings, and the server's log."""
    async with serving(variables, command=(*PROGRAM, *arguments)) as server:
        listed = await server.request("tools/list")
        result = await server.call(SAVE, FACT)
    return [tool["name"] for tool in listed["result"]["tools"]], result["structuredContent"], server.stderr.decode()


async def test_what_only_http_uses_does_not_matter_over_stdio() -> None:
    links = {"WEMASY_SERVICE_HOST": "10.96.0.7", "WEMASY_PORT_8000_TCP": "tcp://10.96.0.7:8000"}
    tools, result, log = await called(
        {"WEMASY_SANDBOX": "1", "WEMASY_PORT": "tcp://10.96.0.7:8000", "WEMASY_TOOLS": SAVE, **links}
    )

    assert (tools, result["success"]) == ([SAVE], True)
    assert "ignored, because it applies only over HTTP: WEMASY_PORT holds an address" in log
    assert "no setting has that name" not in log


async def test_a_setting_that_cannot_be_used_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    missing = tmp_path / "missing.env"
    tools, result, log = await called(
        {"WEMASY_TOOLS": f"{SAVE},forget", "WEMASY_TIMEOUT_SECONDS": "soon"}, "--env-file", str(missing)
    )

    assert tools == [SAVE]
    assert result["error"]["code"] == "not_configured"
    assert result["error"]["message"] == (
        f"--env-file names no file: {missing}. It is an argument of this server's command, in most hosts in the `args` "
        "of its entry. Also unusable: WEMASY_TIMEOUT_SECONDS, WEMASY_TOOLS."
    )
    for variable in ("--env-file", "WEMASY_TIMEOUT_SECONDS", "WEMASY_TOOLS"):
        assert f"not configured: {variable} " in log


async def test_a_name_that_looks_like_a_setting_is_logged_and_named_where_a_setting_is_missing() -> None:
    tools, result, log = await called({"WEMASY_API_TOKEN": "", "WEMASY_TOKEN": "7|x", "WEMASY_SANDBX": "1"})

    sandbox = "WEMASY_SANDBX is set, but no setting has that name; did you mean WEMASY_SANDBOX?"
    token = "WEMASY_TOKEN is set, but no setting has that name; did you mean WEMASY_API_TOKEN?"
    assert tools == TOOLS
    assert result["error"]["message"] == (
        f"WEMASY_API_TOKEN is not set; put your Wemasy API token there. {IN_THE_ENVIRONMENT} {sandbox} {token}"
    )
    assert sandbox in log
    assert token in log


@pytest.mark.parametrize("variables", [{"WEMASY_TRANSPORT": "pigeon"}, {"WEMASY_TRANSPORT": "sse", "WEMASY_PORT": "x"}])
async def test_what_is_not_stdio_does_not_start_with_a_setting_that_cannot_be_used(variables: dict[str, str]) -> None:
    async with launched(variables) as server:
        assert await server.exit_status() == 2
        server.verify_streams()

    assert bytes(server.stderr).startswith(f"wemasy-mcp: {list(variables)[-1]} should be".encode())
