"""What was measured, and the only two statistics made of it: medians, and medians of the ratios within a round."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

from bench.sessions import Load

T = TypeVar("T")


class Samples:
    """One figure for each measure, server and round."""

    def __init__(self) -> None:
        self.figures: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.failures: dict[tuple[str, str], str] = {}

    def add(self, measure: str, server: str, figure: float) -> None:
        self.figures[measure][server].append(figure)

    def add_load(self, phase: str, server: str, load: Load, cpu: float) -> None:
        """Add what is told of every load: CPU seconds a call, latencies in seconds, and calls a second."""
        self.add(f"{phase}.cpu", server, cpu / len(load.latencies))
        self.add(f"{phase}.p50", server, load.percentile(0.5))
        self.add(f"{phase}.p99", server, load.percentile(0.99))
        self.add(f"{phase}.rate", server, load.calls_per_second)

    def drop(self, server: str, phase: str, reason: Exception) -> None:
        """Forget a server's figures of a phase in which it failed: half a phase compares with nothing."""
        self.failures[server, phase] = str(reason)
        for measure, by_server in self.figures.items():
            if measure.startswith(f"{phase}."):
                by_server.pop(server, None)

    def median(self, measure: str, server: str) -> float | None:
        figures = self.figures[measure].get(server)
        return statistics.median(figures) if figures else None

    def ratio(self, measure: str, server: str, other: str) -> float | None:
        """Return how `server` compares with `other`, round by round: load on the machine changes between rounds."""
        ours, theirs = self.figures[measure].get(server), self.figures[measure].get(other)
        if not ours or not theirs:
            return None
        return statistics.median(mine / its for mine, its in zip(ours, theirs, strict=True) if its)


def interleaved(items: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Yield every item once a round, each round beginning with another one."""
    for number in range(rounds):
        first = number % len(items)
        yield from ((number, item) for item in (*items[first:], *items[:first]))
