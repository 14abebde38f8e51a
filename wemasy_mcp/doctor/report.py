"""The report: one screen for a person, one JSON object for a program."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from wemasy_mcp.doctor.check import Check, Result
from wemasy_mcp.doctor.sources import Setting

_MARKS: dict[Result, str] = {"ok": "✓", "failed": "✗", "skipped": "–"}
_COLOURS: dict[Result, str] = {"ok": "\x1b[32m", "failed": "\x1b[31m", "skipped": "\x1b[2m"}
_PLAIN = "\x1b[0m"
_WIDTH = 10


def as_text(checks: Sequence[Check], closing: str, *, is_coloured: bool) -> str:
    """Return a line a check; further lines of what was found, and the advice, stand under it."""
    lines = []
    for check in checks:
        mark = _MARKS[check.result]
        if is_coloured:
            mark = f"{_COLOURS[check.result]}{mark}{_PLAIN}"
        first, *more = check.found.split("\n")
        lines.append(f"{mark} {check.name:{_WIDTH}}{first}")
        lines += [f"  {'':{_WIDTH}}{line}" for line in more]
        if check.advice:
            lines.append(f"  {'':{_WIDTH}}→ {check.advice}")
    return "\n".join([*lines, "", closing, ""])


def as_json(checks: Sequence[Check], settings: Sequence[Setting]) -> str:
    """Return the same as one JSON object on one line."""
    report = {
        "ok": not has_failed(checks),
        "checks": [asdict(check) for check in checks],
        "settings": [asdict(setting) for setting in settings],
    }
    return f"{json.dumps(report)}\n"


def has_failed(checks: Sequence[Check]) -> bool:
    """Whether a check failed."""
    return any(check.result == "failed" for check in checks)
