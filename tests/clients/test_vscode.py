"""VS Code with the entry that `config vscode --write` wrote into its file: without an account, so without a model."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api_document import OPERATIONS

from .catalogue import Client, read_catalogue
from .environments import Program, inherited_environment
from .record import write_record
from .turns import RECORD
from .vscode import mcp_file, open_vscode

pytestmark = pytest.mark.clients

VSCODE = [client for client in read_catalogue() if client.id == "vscode"]
TOKEN = "a-token-for-tests"

_WRAPPER = """\
#!{python}
import os, sys
if not sys.argv[1:]:
    open({given!r}, "w").write(os.environ["WEMASY_API_TOKEN"])
    os.environ["WEMASY_TIMEOUT_SECOND"] = "20"
from wemasy_mcp.__main__ import main
sys.exit(main())
"""
"""The real program, which keeps the token that it is started with, and has something to say in its log."""


@pytest.mark.parametrize("client", VSCODE, ids=lambda client: client.id)
def test_vs_code_starts_the_entry_asks_for_the_token_lists_the_tools_and_shows_the_servers_log(
    client: Client, programs: dict[str, Program], tmp_path: Path
) -> None:
    wemasy, given = tmp_path / "wemasy-mcp", tmp_path / "given"
    wemasy.write_text(_WRAPPER.format(python=sys.executable, given=str(given)))
    wemasy.chmod(0o755)
    subprocess.run(
        [wemasy, "config", "vscode", "--write", "--file", mcp_file(tmp_path)],
        check=True,
        env=inherited_environment() | {"HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
    )

    with open_vscode(programs[client.id], tmp_path) as window:
        before = window.list_servers("wemasy")
        window.choose("Start Server")
        kind = window.enter("Wemasy API token", TOKEN)
        window.list_servers("wemasy")
        window.choose("Show Output")
        log = window.output(f"Discovered {len(OPERATIONS)} tools")
        after = window.list_servers("wemasy")

    assert "Stopped" in before
    assert kind == "password"
    assert given.read_text() == TOKEN
    assert "WEMASY_TIMEOUT_SECOND" in log
    assert TOKEN not in log
    assert "Running" in after
    if RECORD in os.environ:
        write_record(client, {}, datetime.now(UTC).date())
