"""The report: one screen for a person, one JSON object for a program."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import takewhile

from wemasy_mcp.console import DIM, GREEN, RED, paint, wrap
from wemasy_mcp.core.sanitize import REDACTED
from wemasy_mcp.doctor.check import Check, Result
from wemasy_mcp.doctor.sources import Setting
from wemasy_mcp.pasted_token import MIN_LENGTH

_MARKS: dict[Result, str] = {"ok": "✓", "failed": "✗", "skipped": "–"}
_STYLES: dict[Result, str] = {"ok": GREEN, "failed": RED, "skipped": DIM}
_CUTS = ("…", json.dumps("…")[1:-1])
_INDENT = " " * 12


def as_text(checks: Sequence[Check], closing: str) -> str:
    """Return one line per check; further lines of the finding, and the advice, follow it."""
    lines = []
    for check in checks:
        mark = _MARKS[check.result]
        # The mark is coloured last, because colour codes have no width.
        shown = wrap(check.found, f"{f'{mark} {check.name}':{len(_INDENT)}}", _INDENT)
        lines.append(paint(mark, _STYLES[check.result]) + shown.removeprefix(mark))
        if check.advice:
            lines.append(wrap(check.advice, f"{_INDENT}→ ", f"{_INDENT}  "))
    return "\n".join([*lines, "", wrap(closing), ""])


def as_json(checks: Sequence[Check], settings: Sequence[Setting]) -> str:
    """Return the report as one JSON object on one line."""
    report = {
        "ok": not has_failed(checks),
        "checks": [asdict(check) for check in checks],
        "settings": [asdict(setting) for setting in settings],
    }
    return f"{json.dumps(report)}\n"


def has_failed(checks: Sequence[Check]) -> bool:
    """Return whether any check failed."""
    return any(check.result == "failed" for check in checks)


def redact(report: str, secret: str) -> str:
    """Return the report without the secret, wherever it is repeated: in a response header, or in the wrong setting.

    Foreign texts are cut before they get here, so the start of a secret is also removed where the cut follows it.
    """
    kept, position = [], 0
    for spelt in dict.fromkeys((secret, json.dumps(secret)[1:-1])):
        while (start := report.find(spelt[:MIN_LENGTH], position)) >= 0:
            alike = takewhile(lambda both: both[0] == both[1], zip(spelt, report[start:], strict=False))
            end = start + sum(1 for _ in alike)
            is_secret = end == start + len(spelt) or report.startswith(_CUTS, end)
            kept.append(report[position:start] + (REDACTED if is_secret else report[start:end]))
            position = end
        report, kept, position = "".join([*kept, report[position:]]), [], 0
    return report
