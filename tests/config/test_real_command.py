"""`wemasy-mcp config claude-desktop` as a person runs it: a process of its own, in a home with letters of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.program import PROGRAM, TOKEN, environment

WINDOWS = sys.platform == "win32"
OLD = '{\r\n  "theme": "Größe",\r\n  "mcpServers": {\r\n    "other": {"command": "Łódź"}\r\n  }\r\n}\r\n'
"""A file as editors of Windows write it, without its byte order mark."""


@dataclass(frozen=True)
class Home:
    """One person's folders."""

    environment: Mapping[str, str]
    file: Path
    """The file that Claude Desktop reads."""
    decoy: Path | None = None
    """A folder where it does not look, though it did once."""

    def run(self, *words: str, status: int = 0, **settings: str) -> str:
        """Run the command with nobody at its terminal, and return what it said: the token is never in it."""
        done = subprocess.run(
            [*PROGRAM, *words],
            env=environment({**self.environment, "PYTHONIOENCODING": "utf-8", **settings}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        said = (done.stdout + done.stderr).decode(settings.get("PYTHONIOENCODING", "utf-8"))
        assert TOKEN not in said
        assert "Traceback" not in said
        assert done.returncode == status, said
        return said


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "Zoë Łukasz"
    if WINDOWS:
        # A package since February 2026, with a folder of its own; %APPDATA% is wherever a company has put it.
        local, roaming = folder / "Lokäl", folder / "Daten"
        private = local / "Packages" / "Claude_pzs8sxrjxfjjc" / "LocalCache" / "Roaming" / "Claude"
        private.mkdir(parents=True)
        folders = {"USERPROFILE": str(folder), "LOCALAPPDATA": str(local), "APPDATA": str(roaming)}
        return Home(folders, private / "claude_desktop_config.json", roaming / "Claude")
    folder.mkdir()
    parts = ("Library", "Application Support") if sys.platform == "darwin" else (".config",)
    return Home(
        {"HOME": str(folder), "XDG_CONFIG_HOME": ""}, folder.joinpath(*parts, "Claude", "claude_desktop_config.json")
    )


def test_the_entry_goes_where_claude_desktop_reads_it_and_doctor_finds_it_there(home: Home) -> None:
    said = home.run("config", "claude-desktop", "--write", WEMASY_API_TOKEN=TOKEN)

    assert said.splitlines()[0] == f"wemasy is in {home.file}."
    assert json.loads(home.file.read_text("utf-8"))["mcpServers"]["wemasy"]["env"] == {"WEMASY_API_TOKEN": TOKEN}
    assert [path.name for path in home.file.parent.iterdir()] == [home.file.name]
    assert home.decoy is None or not home.decoy.exists()

    home.run("config", "claude-desktop", "--write", "--sandbox")
    said = home.run("doctor", "--host", "claude-desktop", "--name", "wemasy-sandbox")
    assert f"✓ file      {home.file}\n" in said.replace("\r\n", "\n")
    assert "starts and offers wemasy_update_connection, wemasy_save_memory" in said


def test_a_file_of_windows_keeps_its_line_ends_and_letters_and_loses_its_mark(home: Home) -> None:
    home.file.parent.mkdir(parents=True, exist_ok=True)
    before = b"\xef\xbb\xbf" + OLD.encode()
    home.file.write_bytes(before)

    # A null device for stdin: nobody is asked, nothing waits.
    said = home.run("config", "claude-desktop", "--write")

    after = home.file.read_bytes()
    assert after.startswith(OLD.removesuffix("\r\n  }\r\n}\r\n").encode())
    assert after.count(b"\n") == after.count(b"\r\n")
    entry = json.loads(after)["mcpServers"]["wemasy"]
    assert entry["env"] == {"WEMASY_API_TOKEN": "YOUR_API_TOKEN"}
    assert home.file.with_name(f"{home.file.name}.bak1").read_bytes() == before
    assert "Put the token in place of YOUR_API_TOKEN." in said


@pytest.mark.parametrize("encoding", ["cp1252", "gbk"])
def test_what_a_pipe_cannot_carry_is_replaced_and_the_file_is_written(home: Home, encoding: str) -> None:
    said = home.run("config", "claude-desktop", "--write", "--sandbox", PYTHONIOENCODING=encoding)

    assert said.startswith("wemasy-sandbox is in ")
    assert "?ukasz" in said
    assert "wemasy-sandbox" in home.file.read_text("utf-8")


def test_a_file_that_the_host_holds_open_is_whole_afterwards(home: Home) -> None:
    home.file.parent.mkdir(parents=True, exist_ok=True)
    home.file.write_bytes(OLD.encode())
    hold = "import sys; held = open(sys.argv[1], 'rb'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(home.file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as host:
        assert host.stdout is not None
        assert host.stdin is not None
        host.stdout.readline()
        # On Windows a file that is open elsewhere cannot be replaced.
        said = home.run("config", "claude-desktop", "--write", "--sandbox", status=2 if WINDOWS else 0)
        host.stdin.close()

    names = {path.name for path in home.file.parent.iterdir()}
    if WINDOWS:
        assert said.startswith(f"wemasy-mcp: {home.file} cannot be written: ")
        assert "(if a program has it open, close that first); it was not changed." in said
        assert home.file.read_bytes() == OLD.encode()
        assert names == {home.file.name}
    else:
        assert names == {home.file.name, f"{home.file.name}.bak1"}
        assert "wemasy-sandbox" in json.loads(home.file.read_bytes())["mcpServers"]
