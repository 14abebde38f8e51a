"""`wemasy-mcp config HOST --write`: the host's file afterwards, and what is never in it or on the screen."""

import errno
import json
import os
import pty
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wemasy_mcp.cli import run
from wemasy_mcp.config import program_file
from wemasy_mcp.config.program_file import change
from wemasy_mcp.settings import SettingsError

TOKEN = "wmsy-0123456789abcdef"
ZED = """\
{
    // fonts
    "ui_font_size": 16,
    "context_servers": {
        "other": {"command": "y"},
    },
}
"""
CODEX = """\
# my settings
model = "o4"   # the good one

[mcp_servers.other]
command = "y"

[tui]
theme = "dark"
"""
Write = Callable[..., str]


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEMASY_API_TOKEN", raising=False)
    monkeypatch.delenv("WEMASY_SERVER_TOKEN", raising=False)


@pytest.fixture
def write(capsys: pytest.CaptureFixture[str]) -> Write:
    """Runs the command and returns what it said; the token is never in it."""

    def merge(*words: str, exit_status: int = 0) -> str:
        assert run(["config", *words, "--write"]) == exit_status
        said = capsys.readouterr()
        assert TOKEN not in said.out + said.err
        return said.out + said.err

    return merge


def test_every_other_entry_comment_and_byte_is_kept(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    before = ZED
    file.write_text(before)
    file.chmod(0o640)

    said = write("zed", "--file", str(file), "--sandbox")

    after = file.read_text()
    assert after.startswith(before.removesuffix("    },\n}\n"))
    assert '        "wemasy-sandbox": {\n            "command": ' in after
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    backup = tmp_path / "settings.json.bak1"
    assert backup.read_text() == before
    assert stat.S_IMODE(backup.stat().st_mode) == 0o640
    assert said == (f"wemasy-sandbox is in {file}; as it was, it is kept in {backup}.\nRestart Zed to use it.\n")
    assert {path.name for path in tmp_path.iterdir()} == {"settings.json", "settings.json.bak1"}


def test_a_missing_file_is_made_for_the_user_alone(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", f"Bearer {TOKEN}")
    file = tmp_path / "Claude" / "claude_desktop_config.json"

    said = write("claude-desktop", "--file", str(file))

    assert json.loads(file.read_text())["mcpServers"]["wemasy"]["env"] == {"WEMASY_API_TOKEN": TOKEN}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert said.splitlines() == [
        f"wemasy is in {file}.",
        "Restart Claude Desktop to use it.",
        "The token is in Claude Desktop's file now, which only you should be able to read.",
    ]


def test_the_usual_file_is_found_under_the_users_home(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    write("cursor")

    assert "wemasy" in json.loads((tmp_path / ".cursor" / "mcp.json").read_text())["mcpServers"]


def test_a_host_that_takes_the_token_from_elsewhere_gets_no_token(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)
    file = tmp_path / "mcp.json"

    write("cursor", "--file", str(file))

    assert TOKEN not in file.read_text()
    assert "${env:WEMASY_API_TOKEN}" in file.read_text()


def test_without_a_token_a_placeholder_is_written_that_the_user_is_told_of(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "claude.json"

    said = write("claude-desktop", "--file", str(file))

    assert json.loads(file.read_text())["mcpServers"]["wemasy"]["env"] == {"WEMASY_API_TOKEN": "YOUR_API_TOKEN"}
    assert "Put the token in the place of YOUR_API_TOKEN." in said


def test_a_token_that_cannot_be_one_is_refused_and_nothing_is_written(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", "two words")
    file = tmp_path / "claude.json"

    assert "WEMASY_API_TOKEN holds blanks" in write("claude-desktop", "--file", str(file), exit_status=2)
    assert not file.exists()


def test_the_first_of_several_server_tokens_is_what_a_client_presents(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_SERVER_TOKEN", f"{TOKEN},older")
    file = tmp_path / "settings.json"

    write("zed", "--file", str(file), "--transport", "streamable-http")

    entry = json.loads(file.read_text())["context_servers"]["wemasy"]
    assert entry["headers"] == {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("before", "inputs"),
    [
        ("", ["wemasy-api-token"]),
        ("{}", ["wemasy-api-token"]),
        ('{"inputs": [{"id": "other"}]}', ["other", "wemasy-api-token"]),
        ('{"inputs": [{"id": "wemasy-api-token"}], "servers": {}}', ["wemasy-api-token"]),
    ],
)
def test_vscode_asks_for_the_token_once(write: Write, tmp_path: Path, before: str, inputs: list[str]) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(before)

    write("vscode", "--file", str(file))

    found = json.loads(file.read_text())
    assert [one["id"] for one in found["inputs"]] == inputs
    assert found["servers"]["wemasy"]["env"] == {"WEMASY_API_TOKEN": "${input:wemasy-api-token}"}


def test_vscodes_sandbox_entry_asks_for_nothing(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("{}")

    write("vscode", "--file", str(file), "--sandbox")

    assert "inputs" not in json.loads(file.read_text())


def test_a_toml_file_keeps_comments_and_tables(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CODEX)

    write("codex", "--file", str(file))

    after = file.read_text()
    for line in CODEX.splitlines():
        assert line in after.splitlines()
    found = tomllib.loads(after)
    assert found["mcp_servers"]["wemasy"]["env_vars"] == ["WEMASY_API_TOKEN"]
    assert {**found, "mcp_servers": {"other": found["mcp_servers"]["other"]}} == tomllib.loads(CODEX)


@pytest.mark.parametrize("before", ["", "\n", "model = 'o4'\n", "[mcp_servers.wemasy]\ncommand = 'old'\ncwd = '/'\n"])
def test_a_toml_entry_is_set_whatever_was_there(write: Write, tmp_path: Path, before: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(before)

    write("codex", "--file", str(file), "--sandbox")
    write("codex", "--file", str(file))

    found = tomllib.loads(file.read_text())
    assert set(found["mcp_servers"]["wemasy"]) == {"command", "args", "env_vars"}
    assert "--sandbox" in found["mcp_servers"]["wemasy-sandbox"]["args"]


def test_without_tomlkit_the_way_out_is_named(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CODEX)
    monkeypatch.setitem(sys.modules, "tomlkit", None)

    said = write("codex", "--file", str(file), exit_status=2)

    assert said.startswith("wemasy-mcp: --write needs tomlkit for this host: install `wemasy-mcp[config]`, or paste")
    assert file.read_text() == CODEX


@pytest.mark.parametrize(
    ("host", "content"),
    [
        ("cursor", b'{"mcpServers": '),
        ("cursor", b'{"mcpServers": []}'),
        ("cursor", b"\xff\xfe{}"),
        ("vscode", b'{"inputs": {}}'),
        ("codex", b"[mcp_servers"),
        ("codex", b"mcp_servers = 1\n"),
    ],
)
def test_a_file_that_cannot_be_understood_is_left_as_it_is(
    write: Write, tmp_path: Path, host: str, content: bytes
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)

    said = write(host, "--file", str(file), exit_status=2)

    assert said.startswith(f"wemasy-mcp: {file} cannot be understood (")
    assert said.endswith("); it is left as it was.\n")
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_writing_twice_changes_nothing_the_second_time(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text('{"a": 1}')
    write("cursor", "--file", str(file))
    after = file.read_bytes()

    assert "kept in" not in write("cursor", "--file", str(file))
    assert file.read_bytes() == after
    assert not (tmp_path / "mcp.json.bak2").exists()


@pytest.mark.parametrize(
    ("words", "container", "old", "kept", "said"),
    [
        pytest.param(
            ("claude-desktop",),
            "mcpServers",
            {"command": "old", "env": {"WEMASY_API_TOKEN": TOKEN, "HTTPS_PROXY": "http://p:1"}},
            {"env": {"WEMASY_API_TOKEN": TOKEN, "HTTPS_PROXY": "http://p:1"}},
            "WEMASY_API_TOKEN, HTTPS_PROXY",
            id="a token and another variable",
        ),
        pytest.param(
            ("claude-desktop",),
            "mcpServers",
            {"env": {"WEMASY_API_TOKEN": "", "A": "b"}},
            {"env": {"WEMASY_API_TOKEN": "YOUR_API_TOKEN", "A": "b"}},
            "A",
            id="a token that was never filled in",
        ),
        pytest.param(
            ("cursor",),
            "mcpServers",
            {"env": {"WEMASY_API_TOKEN": "${env:MINE}"}, "envFile": ".env", "headers": {"A": "b"}},
            {"env": {"WEMASY_API_TOKEN": "${env:MINE}"}, "envFile": ".env"},
            "WEMASY_API_TOKEN, envFile",
            id="the user's own reference",
        ),
        pytest.param(
            ("zed", "--transport", "streamable-http"),
            "context_servers",
            {"env": {"A": "b"}, "headers": {"authorization": f"Bearer {TOKEN}", "X-Team": "a"}},
            {"headers": {"authorization": f"Bearer {TOKEN}", "X-Team": "a"}},
            "authorization, X-Team",
            id="headers",
        ),
        pytest.param(("opencode",), "mcp", "no entry", {}, None, id="what is no entry"),
    ],
)
def test_the_variables_and_headers_of_an_older_entry_stay(
    write: Write,
    tmp_path: Path,
    words: tuple[str, ...],
    container: str,
    old: Any,
    kept: Any,
    said: str | None,
) -> None:
    file = tmp_path / "file.json"
    file.write_text(json.dumps({container: {"wemasy": old}}))

    told = write(*words, "--file", str(file))

    entry = json.loads(file.read_text())[container]["wemasy"]
    assert {name: entry[name] for name in entry if name in {"env", "envFile", "headers"}} == kept
    assert (f"Kept in the entry as they were: {said}.\n" in told) is (said is not None)
    assert ("Put the token" in told) is ("YOUR_API_TOKEN" in file.read_text())


@pytest.mark.parametrize(
    ("variable", "words", "old", "new"),
    [
        (
            "WEMASY_API_TOKEN",
            (),
            {"env": {"WEMASY_API_TOKEN": "older", "A": "b"}},
            {"env": {"WEMASY_API_TOKEN": TOKEN, "A": "b"}},
        ),
        (
            "WEMASY_SERVER_TOKEN",
            ("--transport", "streamable-http"),
            {"headers": {"authorization": "Bearer older", "X-Team": "a"}},
            {"headers": {"Authorization": f"Bearer {TOKEN}", "X-Team": "a"}},
        ),
    ],
)
def test_a_token_that_is_given_takes_the_place_of_the_older_one(
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    words: tuple[str, ...],
    old: dict[str, Any],
    new: dict[str, Any],
) -> None:
    monkeypatch.setenv(variable, TOKEN)
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"context_servers": {"wemasy": old}}))

    said = write("zed", "--file", str(file), *words)

    entry = json.loads(file.read_text())["context_servers"]["wemasy"]
    assert {name: entry[name] for name in new} == new
    assert "older" not in file.read_text()
    assert "The token is in Zed's file now" in said


def test_what_a_toml_entry_was_given_stays(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[mcp_servers.wemasy]\nenv_vars = ["MINE"]\nenv = { A = "b" }\n')

    assert "as they were: A, MINE.\n" in write("codex", "--file", str(file))
    entry = tomllib.loads(file.read_text())["mcp_servers"]["wemasy"]
    assert (entry["env_vars"], entry["env"]) == (["MINE", "WEMASY_API_TOKEN"], {"A": "b"})

    monkeypatch.setenv("WEMASY_SERVER_TOKEN", TOKEN)
    file.write_text('[mcp_servers.wemasy]\nbearer_token_env_var = "MINE"\n')
    said = write("codex", "--file", str(file), "--transport", "streamable-http")

    assert tomllib.loads(file.read_text())["mcp_servers"]["wemasy"]["bearer_token_env_var"] == "MINE"
    assert "WEMASY_SERVER_TOKEN" not in said


def test_a_toml_file_that_holds_the_entry_already_needs_no_tomlkit(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tomlkit", None)
    file = tmp_path / "config.toml"

    write("codex", "--file", str(file))
    after = file.read_bytes()
    write("codex", "--file", str(file))

    assert file.read_bytes() == after


def test_an_older_copy_is_never_overwritten(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("{}")
    (tmp_path / "mcp.json.bak1").write_text("older")

    write("cursor", "--file", str(file))

    assert (tmp_path / "mcp.json.bak1").read_text() == "older"
    assert (tmp_path / "mcp.json.bak2").read_text() == "{}"


def test_a_byte_order_mark_is_kept(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_bytes(b"\xef\xbb\xbf{}")

    write("cursor", "--file", str(file))

    assert file.read_bytes().startswith(b"\xef\xbb\xbf{\n")


def test_a_link_stays_a_link(write: Write, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "mcp.json"
    target.parent.mkdir()
    target.write_text("{}")
    link = tmp_path / "mcp.json"
    link.symlink_to(target)

    write("cursor", "--file", str(link))

    assert link.is_symlink()
    assert "wemasy" in target.read_text()


def test_a_folder_in_the_files_place_is_refused(write: Write, tmp_path: Path) -> None:
    said = write("cursor", "--file", str(tmp_path), exit_status=2)

    assert said == f"wemasy-mcp: {tmp_path} cannot be read: {os.strerror(errno.EISDIR)}.\n"


def test_a_file_that_cannot_be_written_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    said = write("cursor", "--file", str(tmp_path / "file" / "mcp.json"), exit_status=2)

    assert os.strerror(errno.ENOTDIR) in said


def test_what_another_program_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("{}")

    def slow_edit(text: str) -> str:
        file.write_text('{"by": "the host"}')
        return f"{text} "

    with pytest.raises(SettingsError, match="another program has just changed it; it is left as it was"):
        change(file, slow_edit)

    assert file.read_text() == '{"by": "the host"}'
    assert not list(tmp_path.glob(".mcp.json*"))


def test_too_many_copies_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("{}")
    (tmp_path / "mcp.json.bak1").touch()
    monkeypatch.setattr(program_file, "_MAX_BACKUPS", 2)

    with pytest.raises(SettingsError, match="there are 2 copies beside it"):
        change(file, lambda text: f"{text} ")

    assert file.read_text() == "{}"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [(f"{TOKEN}\n", TOKEN), ("\n", "YOUR_API_TOKEN"), ("\x04", "YOUR_API_TOKEN")],
    ids=["a token", "nothing", "Ctrl-D"],
)
def test_at_a_terminal_the_token_is_asked_for_without_echo(tmp_path: Path, typed: str, kept: str) -> None:
    file = tmp_path / "claude.json"
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "wemasy_mcp", "config", "claude-desktop", "--write", "--file", str(file)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    said = b""
    while b"leaves a placeholder): " not in said:
        said += os.read(master, 1024)
    os.write(master, typed.encode())
    said = b""
    while chunk := _read(master):
        said += chunk
    os.close(master)

    assert child.wait(30) == 0
    assert TOKEN.encode() not in said
    assert json.loads(file.read_text())["mcpServers"]["wemasy"]["env"] == {"WEMASY_API_TOKEN": kept}


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1024)
    except OSError:  # Linux: the other end of the terminal is closed
        return b""
