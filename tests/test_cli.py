"""The command line: what it takes, what it refuses, and with which exit status."""

import errno
import importlib.metadata
import io
import os
import sys
from pathlib import Path

import pytest

import wemasy_mcp
from api_document import TOOLS
from wemasy_mcp.__main__ import main
from wemasy_mcp.cli import run
from wemasy_mcp.settings import Settings, variable_of

COMMANDS = ("serve", "doctor", "config", "demo", "sandbox")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)


def exits(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as raised:
        run(arguments)
    return raised.value.code


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr, which is all that was printed."""
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert printed.out == ""
    return line


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert exits("--version") == 0

    assert capsys.readouterr().out == f"wemasy-mcp {wemasy_mcp.__version__}\n"
    assert wemasy_mcp.__version__ == importlib.metadata.version("wemasy-mcp")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_command_and_where_the_token_is_set(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exits(flag) == 0

    text = capsys.readouterr().out
    assert "WEMASY_API_TOKEN" in text
    for command in COMMANDS:
        assert f"\n    {command} " in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_own_help_and_no_flag_for_a_token(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exits(command, "--help") == 0

    text = capsys.readouterr().out
    assert text.startswith(f"usage: wemasy-mcp {command}")
    assert "--token" not in text
    assert "--api-token" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("--token", "x"),
        ("--api-token", "x"),
        ("--sand",),
        ("--port", "eighty"),
        ("--transport", "carrier-pigeon"),
        ("--log-level", "loud"),
        ("explode",),
        ("serve", "stray"),
        ("sandbox", "--port", "x"),
        ("config",),
        ("config", "notepad"),
    ],
)
def test_arguments_that_cannot_be_used_end_with_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exits(*arguments) == 2

    assert "--help` shows what it takes" in refused(capsys)


@pytest.mark.parametrize("command", ["serve", "sandbox"])
@pytest.mark.parametrize("port", ["-1", "65536", "abc", "1_0", "²", "+80", "", "9" * 5000])
def test_what_is_not_a_port_is_refused_with_what_is(
    command: str, port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exits(command, f"--port={port}") == 2

    assert f": argument --port: should be a number from 0 to 65535: {port} (" in refused(capsys)


def test_a_sandbox_database_without_the_sandbox_is_refused_lest_the_real_account_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", "wmsy-0123456789abcdef")

    assert run(["--sandbox-db", str(tmp_path / "sandbox.db")]) == 2

    assert refused(capsys) == "wemasy-mcp: --sandbox-db needs --sandbox: without it calls go to the real API."


def test_what_cannot_be_used_is_said_within_the_width_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("WEMASY_TRANSPORT", "carrier-pigeon")

    assert run([]) == 2
    assert exits("--port", "x") == 2

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 60


def test_without_a_command_it_serves(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEMASY_TRANSPORT", "carrier-pigeon")

    assert run([]) == 2
    assert refused(capsys).startswith("wemasy-mcp: WEMASY_TRANSPORT should be")


@pytest.mark.parametrize("where", ["environment", "lower case", "file"])
def test_a_bad_setting_does_not_turn_an_http_server_into_a_stdio_server(
    where: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WEMASY_TIMEOUT_SECONDS", "soon")
    arguments = []
    if where == "file":
        (tmp_path / "settings.env").write_text("WEMASY_TRANSPORT=sse\n")
        arguments = ["--env-file", str(tmp_path / "settings.env")]
    else:
        monkeypatch.setenv("wemasy_transport" if where == "lower case" else "WEMASY_TRANSPORT", "sse")

    assert run(arguments) == 2
    assert refused(capsys).startswith("wemasy-mcp: WEMASY_TIMEOUT_SECONDS ")


@pytest.mark.parametrize("transport", ["sse", "streamable-http"])
def test_http_does_not_start_without_a_token(transport: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--transport", transport, "--port", "0"]) == 2

    assert refused(capsys) == "wemasy-mcp: WEMASY_API_TOKEN is not set; put your Wemasy API token there."


@pytest.mark.parametrize("by_flag", [True, False])
def test_http_does_not_start_with_a_setting_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, by_flag: bool
) -> None:
    monkeypatch.setenv("WEMASY_TIMEOUT_SECONDS", "never")
    if not by_flag:
        monkeypatch.setenv("WEMASY_TRANSPORT", "sse")

    assert run(["serve", "--transport", "sse"] if by_flag else ["serve"]) == 2

    assert refused(capsys).startswith("wemasy-mcp: WEMASY_TIMEOUT_SECONDS should be a valid number")


def test_a_transport_that_does_not_exist_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEMASY_TRANSPORT", "pigeon")

    assert run([]) == 2

    assert refused(capsys) == "wemasy-mcp: WEMASY_TRANSPORT should be 'stdio', 'sse' or 'streamable-http'"


def test_a_file_of_settings_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--transport", "sse", "--env-file", str(tmp_path / "none")]) == 2

    assert refused(capsys) == f"wemasy-mcp: --env-file names no file: {tmp_path / 'none'}"


def test_a_tool_that_does_not_exist_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEMASY_TOOLS", f"{TOOLS[0]},wemasy_forget")

    assert run(["--transport", "sse", "--sandbox"]) == 2

    assert refused(capsys) == f"wemasy-mcp: WEMASY_TOOLS names unknown tools. Known: {', '.join(TOOLS)}."


def test_a_sandbox_database_that_cannot_be_used_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--transport", "sse", "--sandbox", "--sandbox-db", str(tmp_path)]) == 2

    assert refused(capsys).startswith("wemasy-mcp: WEMASY_SANDBOX_DB cannot be used: ")


def test_the_console_script_takes_the_process_s_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["wemasy-mcp", "--version"])
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="wemasy-mcp")

    with pytest.raises(SystemExit) as raised:
        main()

    assert raised.value.code == 0
    assert script.load() is main
    assert capsys.readouterr().out.startswith("wemasy-mcp ")


def test_a_full_disk_is_not_taken_for_a_reader_who_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sys.stdout", Full())

    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        run(["config", "cursor"])


def test_serving_writes_nothing_of_its_own_to_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wire(io.StringIO):
        def write(self, text: str) -> int:
            raise AssertionError(text)

    monkeypatch.setattr("wemasy_mcp.app.serve", lambda reading: None)
    monkeypatch.setattr("sys.stdout", Wire())

    assert run([]) == 0
