"""The demo as a newcomer runs it, and what it says when the server does not do what it should."""

import shlex
import sys
from pathlib import Path

import pytest

from api_document import OPERATIONS
from wemasy_mcp.cli import run
from wemasy_mcp.demo import steps


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
    assert text.endswith("Every step did what it should. Nothing left this machine.\n")
    for operation in OPERATIONS:
        assert f"{operation.tool} {{" in text
    for shown in ('"success": true', '"sandbox": true', '"code": "validation_failed"', '"code": "rate_limited"'):
        assert shown in text


def test_a_terminal_gets_colour(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert run(["demo"]) == 0
    assert "\033[32m✓\033[0m" in capsys.readouterr().out


def test_a_server_that_does_something_else_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, tmp_path, f"exec {shlex.quote(sys.executable)} -m wemasy_mcp")

    assert run(["demo"]) == 1

    text = capsys.readouterr().out
    assert text.count("✗ ") == len(steps())
    assert f"{len(steps())} steps went wrong." in text


def test_a_server_that_never_answers_does_not_hold_the_demo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, tmp_path, "exec 3>&1\nexec cat >/dev/null")
    monkeypatch.setattr("wemasy_mcp.demo.DEMO_SECONDS", 0.2)

    assert run(["demo"]) == 1
    assert "✗ The demo did not finish within 0.2 seconds." in capsys.readouterr().out


@pytest.mark.parametrize("commands", ["exit 1", "exec /nowhere/python"])
def test_a_server_that_does_not_start_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], commands: str
) -> None:
    stand_in(monkeypatch, tmp_path, commands)

    assert run(["demo"]) == 1
    assert "✗ The server did not start, or left too early" in capsys.readouterr().out
