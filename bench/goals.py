"""What was aimed at, and what was found: ratios within a round, and a few absolute figures."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from bench.samples import Samples
from bench.servers import OURS


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of ours, alone or as a share of a peer's, and its limit. Of several measures it is the mean."""

    title: str
    measures: tuple[str, ...]
    limit: float
    peer: str = ""
    at_least: bool = False
    scale: float = 1.0


_LINKS = {"": "plain", "-tls": "TLS"}

GOALS = (
    Goal("CPU to the first answer", ("start.call.cpu",), 0.93, "MCPServer"),
    Goal("CPU to the first answer", ("start.call.cpu",), 0.52, "from_openapi"),
    Goal("exit after EOF, ms", ("start.exit",), 70, scale=1000),
    *(
        Goal(f"CPU a call, stdio, {link}", (f"stdio{suffix}.calls.cpu",), 0.75, "MCPServer")
        for suffix, link in _LINKS.items()
    ),
    Goal("time of a call, stdio, the API far away", ("stdio-far.calls.p50",), 1.0, "MCPServer"),
    *(
        Goal(
            f"calls/s, stdio, {link}, 128 in flight", (f"stdio{suffix}.load128.rate",), 1.75, "MCPServer", at_least=True
        )
        for suffix, link in _LINKS.items()
    ),
    *(
        Goal(
            f"{what}, HTTP, {link}{when}",
            tuple(f"http-{year}{suffix}.{phase}" for year in (2025, 2026)),
            limit,
            "low-level",
        )
        for suffix, link in _LINKS.items()
        for what, phase, when, limit in (
            ("CPU a call", "calls.cpu", "", 1.0),
            ("CPU a call", "load128.cpu", ", 128 in flight", 0.9),
            ("p99", "load128.p99", ", 128 in flight", 1.0),
        )
    ),
    Goal("memory after the calls", ("memory.after",), 1.03, "MCPServer"),
    Goal("growth of memory, MB", ("memory.growth",), 2),
    Goal("bytes a model carries", ("bytes.carried",), 2000),
)


def goals(samples: Samples) -> Iterator[str]:
    """Yield the lines of a table with a row for each goal of which everything was measured."""
    yield "| | as a share of | aimed at | found | |"
    yield "| --- | --- | ---: | ---: | --- |"
    for goal in GOALS:
        figures = [
            samples.ratio(measure, OURS, goal.peer) if goal.peer else samples.median(measure, OURS)
            for measure in goal.measures
        ]
        known = [figure for figure in figures if figure is not None]
        if len(known) == len(figures):
            yield _row(goal, statistics.mean(known) * goal.scale)


def _row(goal: Goal, figure: float) -> str:
    sign = "≥" if goal.at_least else "≤"
    is_met = figure >= goal.limit if goal.at_least else figure <= goal.limit
    digits = 2 if goal.peer else 0 if goal.limit > 10 else 1
    found = f"{figure:,.{digits}f}"
    return f"| {goal.title} | {goal.peer} | {sign} {goal.limit:g} | {found} | {'✓' if is_met else '✗'} |"
