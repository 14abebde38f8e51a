"""What `wemasy-mcp` over stdio must not import: every host pays for its start, in every window."""

import os
import subprocess
import sys

import pytest

NEEDED_BY_OTHER_COMMANDS = (
    "jsonschema",
    "mcp.client",
    "mcp.server.mcpserver",
    "opentelemetry.metrics",
    "opentelemetry.sdk",
    "redis",
    "rich",
    "sqlite3",
    "tomlkit",
    "typer",
    "wemasy_mcp.demo",
    "wemasy_mcp.doctor",
    "wemasy_mcp.config.config_command",
    "wemasy_mcp.transports.http",
    "wemasy_mcp.shared_state.redis_cooldown",
    "wemasy_mcp.reference",
    "wemasy_mcp.sandbox",
)


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules that a real server imported between its start and the end of input."""
    command = [sys.executable, "-X", "importtime", "-m", "wemasy_mcp"]
    # Where coverage is measured it starts itself in every child, and brings sqlite3 along.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, input=b"", env=environment, capture_output=True, timeout=60, check=True)
    lines = done.stderr.decode().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def test_the_list_is_read_from_a_server_that_did_start(imported: set[str]) -> None:
    assert {"mcp.server.lowlevel.server", "wemasy_mcp.core.server", "wemasy_mcp.transports.stdio.session"} <= imported


@pytest.mark.parametrize("module", NEEDED_BY_OTHER_COMMANDS)
def test_stdio_serving_does_not_import_what_other_commands_need(module: str, imported: set[str]) -> None:
    assert not [name for name in imported if name == module or name.startswith(f"{module}.")]
