"""What a run shows: a small table, or everything as JSON. The endpoint's key is in neither."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from .endpoint import Endpoint
from .trial import ScoredServer, Trial

HIDDEN = "[key]"

MIN_KEY = 8
"""Characters. What is shorter is what one gives an endpoint that needs no key, and is in many words."""

MAX_WHY = 160
"""Characters of the table's last column; JSON has all of them."""


def render_table(trials: Sequence[Trial], endpoint: Endpoint) -> str:
    """Return a line for each scenario and the total."""
    heads = ("scenario", "verdict", "calls", "requests", "seconds", "why")
    rows = [_row(name, list(played)) for name, played in groupby(trials, lambda trial: trial.scenario)]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows)]
    lines += ["", f"{_passed(trials)} of {len(trials)} passed with {endpoint.model}"]
    return str(_without_key("\n".join(line.rstrip() for line in lines), endpoint.key))


def render_json(trials: Sequence[Trial], endpoint: Endpoint, server: ScoredServer) -> str:
    """Return everything that is known of a run, as JSON."""
    verdicts = [trial.verdict for trial in trials]
    found: dict[str, Any] = {
        "model": endpoint.model,
        "server": list(server.command),
        **{verdict: verdicts.count(verdict) for verdict in ("passed", "failed", "broken")},
        "trials": [asdict(trial) for trial in trials],
    }
    return json.dumps(_without_key(found, endpoint.key), ensure_ascii=False, indent=2)


def _row(name: str, trials: Sequence[Trial]) -> tuple[str, ...]:
    verdict = trials[0].verdict if len(trials) == 1 else f"{_passed(trials)} of {len(trials)} passed"
    calls = _span([len(trial.calls) for trial in trials])
    requests = _span([len(trial.requests) for trial in trials])
    seconds = sum(trial.seconds for trial in trials) / len(trials)
    return name, verdict, calls, requests, f"{seconds:.1f}", _why(trials)


def _passed(trials: Sequence[Trial]) -> int:
    return sum(trial.verdict == "passed" for trial in trials)


def _span(numbers: Sequence[int]) -> str:
    least, most = min(numbers), max(numbers)
    return str(most) if least == most else f"{least} to {most}"


def _why(trials: Sequence[Trial]) -> str:
    """Return the reasons of the first trial that did not pass."""
    reasons = next((trial.reasons for trial in trials if trial.reasons), ())
    text = " ".join("; ".join(reasons).split())
    return text if len(text) <= MAX_WHY else text[: MAX_WHY - 1] + "…"


def _without_key(value: Any, key: str) -> Any:
    """Return JSON without the key in any of its texts, as it is or as JSON writes it: an endpoint may quote it."""
    if len(key) < MIN_KEY:
        return value
    if isinstance(value, str):
        for written in {key, json.dumps(key)[1:-1], json.dumps(key, ensure_ascii=False)[1:-1]}:
            value = value.replace(written, HIDDEN)
        return value
    if isinstance(value, dict):
        return {name: _without_key(member, key) for name, member in value.items()}
    return [_without_key(member, key) for member in value] if isinstance(value, list | tuple) else value
