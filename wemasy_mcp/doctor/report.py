"""The report: one screen for a person, one JSON object for a program."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from wemasy_mcp.console import DIM, GREEN, RED, paint, wrap
from wemasy_mcp.doctor.check import Check, Result
from wemasy_mcp.doctor.sources import Setting

_MARKS: dict[Result, str] = {"ok": "✓", "failed": "✗", "skipped": "–"}
_STYLES: dict[Result, str] = {"ok": GREEN, "failed": RED, "skipped": DIM}
_INDENT = " " * 12


def as_text(checks: Sequence[Check], closing: str) -> str:
    """Return a line a check; further lines of what was found, and the advice, stand under it."""
    lines = []
    for check in checks:
        mark = _MARKS[check.result]
        # The mark is painted last: its colour has no width.
        shown = wrap(check.found, f"{f'{mark} {check.name}':{len(_INDENT)}}", _INDENT)
        lines.append(paint(mark, _STYLES[check.result]) + shown.removeprefix(mark))
        if check.advice:
            lines.append(wrap(check.advice, f"{_INDENT}→ ", f"{_INDENT}  "))
    return "\n".join([*lines, "", wrap(closing), ""])


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
