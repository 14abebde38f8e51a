"""`wemasy-mcp config HOST --write`: the host's file afterwards, and what is never in it or on the screen."""

import errno
import json
import os
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from wemasy_mcp.cli import run
from wemasy_mcp.config import config_command, program_file, trial_start
from wemasy_mcp.config.program_file import Edited, change
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
WINDOWS = sys.platform == "win32"
FOR_YOU_ALONE = "" if WINDOWS else "; only you can read it now (mode 0600)"
"""What is said of a file that holds a token. On Windows it is the folder that is closed to others."""
START_ONCE = cache(trial_start.start_once)


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEMASY_API_TOKEN", raising=False)
    monkeypatch.delenv("WEMASY_SERVER_TOKEN", raising=False)


@pytest.fixture(autouse=True)
def started_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is the same every time: one real start serves all tests."""
    monkeypatch.setattr(config_command, "start_once", START_ONCE)


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

    said = write("zed", "--file", str(file), "--sandbox")

    after = file.read_text()
    assert after.startswith(before.removesuffix("    },\n}\n"))
    assert '        "wemasy-sandbox": {\n            "command": ' in after
    backup = tmp_path / "settings.json.bak1"
    assert backup.read_text() == before
    restart = "Restart Zed to use it; `wemasy-mcp doctor --host zed` checks it."
    assert said == (f"wemasy-sandbox is in {file}; the previous version is in {backup}.\n{restart}\n")
    assert {path.name for path in tmp_path.iterdir()} == {"settings.json", "settings.json.bak1"}


@pytest.mark.posix
def test_a_file_without_a_secret_keeps_its_mode_and_so_does_its_copy(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(ZED)
    file.chmod(0o640)

    write("zed", "--file", str(file), "--sandbox")

    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o640] * 2


def test_a_missing_file_is_made_for_the_user_alone(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", f"Bearer {TOKEN}")
    file = tmp_path / "Claude" / "claude_desktop_config.json"

    said = write("claude-desktop", "--file", str(file))

    assert json.loads(file.read_text())["mcpServers"]["wemasy"]["env"] == {"WEMASY_API_TOKEN": TOKEN}
    assert WINDOWS or stat.S_IMODE(file.stat().st_mode) == 0o600
    assert said.splitlines() == [
        f"wemasy is in {file}.",
        f"A token is in that file{FOR_YOU_ALONE}.",
        "Restart Claude Desktop to use it; `wemasy-mcp doctor --host claude-desktop` checks it.",
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
    assert "Put the token in place of YOUR_API_TOKEN." in said


def test_a_token_that_cannot_be_one_is_refused_and_nothing_is_written(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", "two words")
    file = tmp_path / "claude.json"

    assert "WEMASY_API_TOKEN holds spaces" in write("claude-desktop", "--file", str(file), exit_status=2)
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

    assert said.startswith(
        "wemasy-mcp: --write needs tomlkit for this host: install it here (`pip install tomlkit`), or paste"
    )
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

    assert said.startswith(f"wemasy-mcp: {file} cannot be parsed (")
    assert said.endswith("); it was not changed.\n")
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
    assert (f"Kept unchanged in the entry: {said}.\n" in told) is (said is not None)
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
    assert "A token is in that file" in said
    assert WINDOWS or "; only you can read it and its copy now" in said


def test_what_a_toml_entry_was_given_stays(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[mcp_servers.wemasy]\nenv_vars = ["MINE"]\nenv = { A = "b" }\n')

    assert "Kept unchanged in the entry: A, MINE.\n" in write("codex", "--file", str(file))
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


def test_a_byte_order_mark_goes_because_many_hosts_refuse_it(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_bytes(b"\xef\xbb\xbf{}")

    write("cursor", "--file", str(file))

    assert file.read_bytes().startswith(b"{\n")


@pytest.mark.parametrize(
    ("host", "text", "refused"),
    [
        ("cursor", '{\n  // mine\n  "a": 1\n}', "Cursor will not read it: line 2 has comments"),
        ("claude-desktop", '{\n  "a": [\n1,\n]}', "Claude Desktop will not read it: line 3 has trailing commas"),
        ("claude-desktop", '{\n  "a": 1,\n}', None),
        ("gemini-cli", '{\n  // mine\n  "a": [1,]\n}', "Gemini CLI will not read it: line 3 has trailing commas"),
        ("gemini-cli", '{\n  // mine\n  "a": 1\n}', None),
        ("zed", ZED, None),
    ],
)
def test_a_file_that_its_host_will_not_read_is_named_with_the_line(
    write: Write, tmp_path: Path, host: str, text: str, refused: str | None
) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)

    said = write(host, "--file", str(file), "--sandbox", exit_status=1 if refused else 0)

    assert (refused or "Restart") in said
    assert ("will not read it" in said) is bool(refused)


@pytest.mark.posix
@pytest.mark.parametrize("mode", [0o644, 0o664, 0o755, 0o600, 0o400])
def test_a_file_that_gets_a_token_is_for_its_owner_alone_and_so_is_its_copy(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)
    file = tmp_path / "claude.json"
    file.write_text("{}")
    file.chmod(mode)

    said = write("claude-desktop", "--file", str(file))

    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {mode & 0o600}
    assert "only you can read it and its copy now (mode 0600)" in said


@pytest.mark.posix
def test_a_file_that_holds_the_token_already_is_closed_to_others(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)
    file = tmp_path / "claude.json"
    write("claude-desktop", "--file", str(file))
    file.chmod(0o644)
    monkeypatch.delenv("WEMASY_API_TOKEN")

    write("claude-desktop", "--file", str(file))

    assert TOKEN in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.posix
@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("user", [0, 1000])
def test_what_root_writes_belongs_to_the_owner_of_what_was_there(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, is_there: object
) -> None:
    given: dict[str, int] = {}
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.update({Path(path).name: uid}), raising=False)
    file = tmp_path / ".cursor" / "mcp.json"
    if is_there:
        file.parent.mkdir()
        file.write_text("{}")

    write("cursor", "--file", str(file))

    draft = f".mcp.json.{os.getpid()}"
    made = {draft, "mcp.json.bak1"} if is_there else {draft, ".cursor"}
    assert given == ({} if user else dict.fromkeys(made, tmp_path.stat().st_uid))


@pytest.mark.parametrize(
    "kind",
    [
        *("folder", "large", "nul"),
        *(pytest.param(kind, marks=pytest.mark.posix) for kind in ("pipe", "null", "zero", "loop")),
        *(pytest.param("full", marks=pytest.mark.posix) for _ in range(sys.platform == "linux")),
    ],
)
def test_what_is_not_a_regular_file_of_a_sensible_size_is_refused_in_one_line(
    write: Write, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "file.json"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "loop":
        file.symlink_to(file)
    elif kind == "large":
        with file.open("wb") as large:
            large.truncate(4 * 2**20 + 1)
    named = {"folder": str(tmp_path), "nul": f"{file}\0"} | {name: f"/dev/{name}" for name in ("null", "full", "zero")}

    said = write("cursor", "--file", named.get(kind, str(file)), exit_status=2)

    assert said.startswith("wemasy-mcp: ")
    assert said.count("\n") == 1
    reason = {"large": "is larger than 4 MiB.", "loop": "cannot be read: ", "nul": "cannot be the name of a file."}
    assert reason.get(kind, "is not a regular file.") in said
    assert WINDOWS or stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_toml_file_that_would_take_minutes_is_refused(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("a = 1\n" + "#" * 2**18)
    assert "it is longer than 262,144 characters" in write("codex", "--file", str(file), exit_status=2)

    file.write_text(f"a = {'[' * 10_000}")
    assert "nested too deeply" in write("codex", "--file", str(file), exit_status=2)


def test_a_toml_file_keeps_the_line_ends_of_windows(write: Write, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(CODEX.replace("\n", "\r\n").encode())

    write("codex", "--file", str(file))

    assert file.read_bytes().count(b"\n") == file.read_bytes().count(b"\r\n") > CODEX.count("\n")


def test_nothing_is_written_where_the_entry_would_not_start(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "removed" / "python"))
    file = tmp_path / "mcp.json"

    said = write("cursor", "--file", str(file), exit_status=2)

    assert said.startswith("wemasy-mcp: config wrote nothing: the entry's command does not start (")
    python = tmp_path / "removed" / "python"
    assert WINDOWS or f"({python}: {os.strerror(errno.ENOENT)})" in said
    assert said.endswith(f"): {python} -P -m wemasy_mcp\n")
    assert not file.exists()


@pytest.mark.parametrize(
    ("before", "container", "members"),
    [
        (
            {"mcp": {"servers": {"wemasy": {"type": "local", "command": ["old"]}}}},
            ("mcp", "servers"),
            {"type", "command"},
        ),
        ({"mcp": {"servers": {}}}, ("mcp", "servers"), {"type", "command"}),
        ({"mcp": {"servers": {"type": "local", "command": ["a"]}}}, ("mcp",), {"type", "command", "enabled"}),
        ({"mcp": {}}, ("mcp",), {"type", "command", "enabled"}),
        ({}, ("mcp",), {"type", "command", "enabled"}),
    ],
)
def test_opencodes_entry_has_the_form_that_its_file_has(
    write: Write, tmp_path: Path, before: Any, container: tuple[str, ...], members: set[str]
) -> None:
    file = tmp_path / "opencode.json"
    file.write_text(json.dumps(before))

    write("opencode", "--file", str(file))

    found = json.loads(file.read_text())
    for name in container:
        found = found[name]
    assert set(found["wemasy"]) == members | {"environment"}


@pytest.mark.parametrize("token", [TOKEN, ""])
def test_opencodes_login_is_left_alone_unless_a_token_is_sent(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("WEMASY_SERVER_TOKEN", token)
    file = tmp_path / "opencode.json"

    write("opencode", "--file", str(file), "--transport", "streamable-http")

    entry = json.loads(file.read_text())["mcp"]["wemasy"]
    assert entry.get("oauth", "left alone") == (False if token else "left alone")


@pytest.mark.parametrize("old", ["xxx", "...", "<token>", "YOUR_API_TOKEN", "null", ""])
def test_what_nobody_filled_in_makes_room_for_a_reference(write: Write, tmp_path: Path, old: str) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"wemasy": {"env": {"WEMASY_API_TOKEN": old}}}}))

    write("cursor", "--file", str(file))

    entry = json.loads(file.read_text())["mcpServers"]["wemasy"]
    assert entry["env"] == {"WEMASY_API_TOKEN": "${env:WEMASY_API_TOKEN}"}


def test_without_a_home_or_a_folder_one_line_says_what_to_do(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    for platform, variable in (("linux", "HOME"), ("win32", "USERPROFILE")):
        monkeypatch.setattr(sys, "platform", platform)
        missing = f"{variable} is not set, so the host's file cannot be found; name it with --file."
        assert missing in write("cursor", exit_status=2)
    assert run(["config", "cursor"]) == 0  # printing needs no home


@pytest.mark.posix
def test_in_a_deleted_folder_one_line_says_what_to_do(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert "--file is needed: the current folder no longer exists." in write("claude-code", exit_status=2)
    assert "mcp.json cannot be written: " in write("cursor", "--file", "mcp.json", exit_status=2)


@pytest.mark.posix
def test_a_link_stays_a_link(write: Write, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "mcp.json"
    target.parent.mkdir()
    target.write_text("{}")
    link = tmp_path / "mcp.json"
    link.symlink_to(target)

    write("cursor", "--file", str(link))

    assert link.is_symlink()
    assert "wemasy" in target.read_text()


def test_a_file_that_cannot_be_written_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    said = write("cursor", "--file", str(tmp_path / "file" / "mcp.json"), exit_status=2)

    assert os.strerror(errno.ENOENT if WINDOWS else errno.ENOTDIR) in said


def test_what_another_program_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("{}")

    def slow_edit(text: str) -> Edited:
        file.write_text('{"by": "the host"}')
        return Edited(f"{text} ")

    with pytest.raises(SettingsError, match="another program has just changed it; it was not changed"):
        change(file, slow_edit)

    assert file.read_text() == '{"by": "the host"}'
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_the_host_holds_open_on_windows_is_left_as_it_was(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(draft: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(Path, "replace", refuse)
    file = tmp_path / "mcp.json"
    said = write("cursor", "--file", str(file), exit_status=2)
    assert said == f"wemasy-mcp: {file} cannot be written: Access is denied; it was not changed.\n"

    file.write_text("{}")
    write("cursor", "--file", str(file), exit_status=2)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["{}"]


@pytest.mark.posix
def test_a_file_that_windows_keeps_apart_for_a_packaged_python_is_named(write: Write, tmp_path: Path) -> None:
    private = tmp_path / "PythonSoftwareFoundation.Python.3.13_qbz5n2kfra8p0" / "LocalCache" / "Roaming"
    private.mkdir(parents=True)
    (tmp_path / "Roaming").symlink_to(private)

    said = write("cursor", "--file", str(tmp_path / "Roaming" / "mcp.json"), exit_status=1)

    assert f"Windows put it into {private / 'mcp.json'} instead, which Cursor does not read: this Python is a" in said
    assert "Restart" not in said


def test_too_many_copies_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("{}")
    (tmp_path / "mcp.json.bak1").touch()
    monkeypatch.setattr(program_file, "_MAX_BACKUPS", 2)

    with pytest.raises(SettingsError, match="there are already 2 copies next to it"):
        change(file, lambda text: Edited(f"{text} "))

    assert file.read_text() == "{}"


@pytest.mark.posix
@pytest.mark.parametrize(
    ("typed", "kept"),
    [(f"{TOKEN}\n", TOKEN), ("\n", "YOUR_API_TOKEN"), ("\x04", "YOUR_API_TOKEN")],
    ids=["a token", "nothing", "Ctrl-D"],
)
def test_at_a_terminal_the_token_is_asked_for_without_echo(tmp_path: Path, typed: str, kept: str) -> None:
    import pty

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
    while b"or a placeholder): " not in said:
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
