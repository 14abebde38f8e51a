"""What a command prints fits the terminal, its colours and its encoding."""

import io
import sys

import pytest

from wemasy_mcp import console
from wemasy_mcp.console import GREEN, guard_streams, own_command, paint, wrap

QUOTE = '"' if sys.platform == "win32" else "'"
TEXT = "Put the whole path into /a/path/that/is/much/longer/than/the/terminal and nothing else."


@pytest.mark.parametrize("columns", ["20", "60", "120"])
def test_lines_break_between_words_at_the_width_of_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    lines = wrap(f"{TEXT}\n\n{TEXT}", "* ", "  ").split("\n")

    assert lines[0].startswith("* Put the")
    assert all(line.startswith("  ") for line in lines[1:] if line)
    assert all(len(line) <= int(columns) or len(line.split()) == 1 for line in lines)
    assert " ".join(" ".join(lines).split()) == f"* {TEXT} {TEXT}"


def test_in_a_pipe_lines_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())

    assert wrap(f"{TEXT}\n{TEXT}", "* ", "  ") == f"* {TEXT}\n  {TEXT}"


@pytest.mark.parametrize(
    ("environment", "shown"),
    [({}, "\x1b[32mok\x1b[0m"), ({"NO_COLOR": "1"}, "ok"), ({"TERM": "dumb"}, "ok")],
)
def test_a_terminal_has_colours_unless_it_wants_none(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], shown: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(console, "is_terminal", lambda stream: True)
    monkeypatch.setattr(console, "_takes_escapes", lambda: True)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert paint("ok", GREEN) == shown


@pytest.mark.parametrize(
    ("encoding", "carried"),
    [("utf-8", "✓ Łódź → …"), ("cp1252", "+ ?ód? > …"), ("ascii", "+ ??d? > ..."), ("gbk", "+ ?ód? → …")],
)
def test_what_a_stream_cannot_carry_is_replaced(monkeypatch: pytest.MonkeyPatch, encoding: str, carried: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    guard_streams()
    sys.stdout.write("✓ Łódź → …")
    sys.stdout.flush()

    assert stream.buffer.getvalue().decode(encoding) == carried


@pytest.mark.parametrize(
    ("called", "on_path", "shown"),
    [
        ("/opt/bin/wemasy-mcp", "/opt/bin/wemasy-mcp", "wemasy-mcp"),
        (".venv/bin/wemasy-mcp", None, ".venv/bin/wemasy-mcp"),
        ("/my tools/wemasy-mcp", "/opt/bin/wemasy-mcp", f"{QUOTE}/my tools/wemasy-mcp{QUOTE}"),
        ("/lib/wemasy_mcp/__main__.py", None, "/usr/bin/python3 -P -m wemasy_mcp"),
    ],
)
def test_the_program_can_be_called_again_as_it_was(
    monkeypatch: pytest.MonkeyPatch, called: str, on_path: str | None, shown: str
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    monkeypatch.setattr("shutil.which", lambda name: on_path)

    assert own_command() == shown
