"""What was aimed at, and what was found: ratios within a round, and a few absolute figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.samples import Samples
from bench.servers import FAST, FAST_KEPT, KEPT, OURS


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of ours, alone or as a share of a peer's, and its limit."""

    title: str
    measure: str
    limit: float
    peer: str = ""
    ours: str = OURS
    at_least: bool = False
    scale: float = 1.0


GOALS = (
    Goal("CPU to the first answer", "start.call.cpu", 0.95, "MCPServer"),
    Goal("CPU to the first answer", "start.call.cpu", 0.52, "from_openapi"),
    Goal("exit after EOF, ms", "start.exit", 70, scale=1000),
    Goal("CPU a call, stdio", "stdio.calls.cpu", 0.85, "MCPServer"),
    Goal("CPU a call, stdio", "stdio.calls.cpu", 0.70, "MCPServer", KEPT),
    Goal("calls/s at 128 in flight, stdio", "stdio.load128.rate", 1.2, "MCPServer", at_least=True),
    Goal("calls/s at 128 in flight, stdio", "stdio.load128.rate", 1.5, "MCPServer", KEPT, at_least=True),
    *(
        Goal(f"CPU a call, HTTP {year}{when}", f"http-{year}.{phase}.cpu", 0.85, "low-level", ours)
        for phase, when in (("calls", ""), ("load128", ", 128 in flight"))
        for year in (2025, 2026)
        for ours in (OURS, KEPT, FAST, FAST_KEPT)
    ),
    Goal("memory after the calls", "memory.after", 1.05, "MCPServer"),
    Goal("memory after the calls", "memory.after", 1.05, "low-level"),
    Goal("growth of memory, MB", "memory.growth", 2),
    Goal("bytes a model carries", "bytes.carried", 2000),
)


def goals(samples: Samples) -> Iterator[str]:
    """Yield the lines of a table with a row for each goal of which anything was measured."""
    yield "| | of | as a share of | aimed at | found | |"
    yield "| --- | --- | --- | ---: | ---: | --- |"
    for goal in GOALS:
        figure = (
            samples.ratio(goal.measure, goal.ours, goal.peer) if goal.peer else samples.median(goal.measure, goal.ours)
        )
        if figure is not None:
            yield _row(goal, figure * goal.scale)


def _row(goal: Goal, figure: float) -> str:
    sign = "≥" if goal.at_least else "≤"
    is_met = figure >= goal.limit if goal.at_least else figure <= goal.limit
    digits = 2 if goal.peer else 0 if goal.limit > 10 else 1
    found = f"{figure:,.{digits}f}"
    return f"| {goal.title} | {goal.ours} | {goal.peer} | {sign} {goal.limit:g} | {found} | {'✓' if is_met else '✗'} |"
