"""The demo as a newcomer runs it, and what it says when the server does not do what it should."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from api_document import OPERATIONS
from wemasy_mcp import console
from wemasy_mcp.cli import run
from wemasy_mcp.demo import steps

MODULE = f"{sys.executable} -P -m wemasy_mcp"


def stand_in(monkeypatch: pytest.MonkeyPatch, folder: Path, commands: str) -> None:
    """Let shell commands be run where the demo starts the server."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{commands}\n")
    script.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script))


def test_every_step_does_what_it_should(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo"]) == 0

    text = capsys.readouterr().out
    assert text.count("✓ ") == len(steps()) + 1
    assert "✗" not in text
    assert "\033" not in text
    assert "Every step did what it should.\nNext, connect a host to your account" in text
    assert f"\n  {console.own_command()} config claude-desktop --write\n" in text
    for operation in OPERATIONS:
        assert f"{operation.tool} {{" in text
    for shown in ('"success": true', '"sandbox": true', '"code": "validation_failed"', '"code": "rate_limited"'):
        assert shown in text


def test_it_works_where_a_newcomer_may_be(tmp_path: Path) -> None:
    """In a project that has folders of our libraries' names, without a home, in a narrow terminal that knows ASCII."""
    for name in ("mcp", "anyio"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the folder was imported')")
    kept = {name: os.environ[name] for name in os.environ if name.startswith(("COVERAGE", "PATH"))}

    ended = subprocess.run(
        [sys.executable, "-m", "wemasy_mcp", "demo"],
        cwd=tmp_path,
        env={**kept, "PYTHONIOENCODING": "ascii", "COLUMNS": "60"},
        capture_output=True,
        timeout=60,
        check=False,
    )

    lines = ended.stdout.decode("ascii").splitlines()
    assert (ended.returncode, ended.stderr) == (0, b"")
    # A command is not wrapped, and neither is one long word.
    long = [line for line in lines if len(line) > 60 and " " in line.strip()]
    assert long == [f"  {MODULE} config claude-desktop --write"]
    assert sum(line.startswith("+ ") for line in lines) == len(steps()) + 1


def test_a_reader_who_leaves_ends_it_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "wemasy_mcp", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""

    assert process.returncode == 1


def test_a_terminal_gets_colour(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(console, "is_terminal", lambda stream: True)
    monkeypatch.setattr(console, "_takes_escapes", lambda: True)

    assert run(["demo"]) == 0
    assert "\033[32m✓\033[0m" in capsys.readouterr().out


@pytest.mark.posix
def test_a_server_that_does_something_else_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, tmp_path, f"exec {shlex.quote(sys.executable)} -m wemasy_mcp")

    assert run(["demo"]) == 1

    text = capsys.readouterr().out
    assert text.count("✗ ") == len(steps())
    assert f"{len(steps())} steps went wrong." in text


@pytest.mark.posix
def test_a_server_that_never_answers_does_not_hold_the_demo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, tmp_path, "exec 3>&1\nexec cat >/dev/null")
    monkeypatch.setattr("wemasy_mcp.demo.DEMO_SECONDS", 0.2)

    assert run(["demo"]) == 1
    assert "✗ The demo did not finish within 0.2 seconds." in capsys.readouterr().out


@pytest.mark.posix
@pytest.mark.parametrize("commands", ["exit 1", "exec /nowhere/python"])
def test_a_server_that_does_not_start_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], commands: str
) -> None:
    stand_in(monkeypatch, tmp_path, commands)

    assert run(["demo"]) == 1
    assert "✗ The server did not start, or ended too early" in capsys.readouterr().out
