"""The figures as Markdown tables, and the page in `docs/` that holds those of the last full run."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.environments import ROOT, versions
from bench.goals import goals
from bench.phases import DELAY_MILLISECONDS, MEMORY_SECONDS, WAYS, Plan, Way
from bench.samples import Samples
from bench.servers import OURS, Server

PAGE = ROOT / "docs" / "performance.md"

READING = (
    f"Medians. In brackets: what `{OURS}` needs as a share of what this one needs, the median of the ratios within a "
    "round; below 1 means that it needs less. For calls/s above 1 means that it serves more."
)


@dataclass(frozen=True, slots=True)
class Column:
    """One measure of a table: its heading, how it is scaled and rounded, and whether a ratio is shown beside it."""

    heading: str
    measure: str
    scale: float = 1000.0
    digits: int = 0
    ratio: bool = False


def side_by_side(samples: Samples, participants: Sequence[Server], plan: Plan) -> str:
    """Return the whole report of a run."""
    return "\n".join(_report(samples, participants, plan)) + "\n"


def write_part(name: str, content: str, page: Path = PAGE) -> None:
    """Replace the part of the page between the markers of `name`; what is written by hand stays."""
    begin, end = f"<!-- {name}: written by `python -m bench` -->", f"<!-- /{name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    text, replaced = pattern.subn(lambda _: f"{begin}\n\n{content}\n{end}", page.read_text())
    if not replaced:
        raise ValueError(f"{page.name} has no markers for {name}")
    page.write_text(text)


def machine() -> Iterator[str]:
    """Yield when and where the figures were measured, and with what."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores of {model}, {memory:.0f} GB, "
    yield f"Linux {platform.release().split('-')[0]}; " + ", ".join(f"{name} {version}" for name, version in versions())
    yield f"; load {os.getloadavg()[2]:.1f} in the last 15 minutes."


def table(samples: Samples, names: Sequence[str], columns: Sequence[Column]) -> Iterator[str]:
    """Yield the lines of a table with a row for each name of which anything was measured."""
    rows = [(name, cells) for name in names if any(cells := [_cell(samples, column, name) for column in columns])]
    if not rows:
        yield "Not measured in this run."
        return
    yield "| | " + " | ".join(column.heading for column in columns) + " |"
    yield "| --- |" + " ---: |" * len(columns)
    yield from (f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows)


def _cell(samples: Samples, column: Column, name: str) -> str:
    median = samples.median(column.measure, name)
    if median is None:
        return ""
    shown = f"{median * column.scale:,.{column.digits}f}"
    ratio = samples.ratio(column.measure, OURS, name) if column.ratio and not name.startswith(OURS) else None
    return shown if ratio is None else f"{shown} ({ratio:.2f})"


def _report(samples: Samples, participants: Sequence[Server], plan: Plan) -> Iterator[str]:
    names = [server.name for server in participants]
    yield "".join(machine())
    yield f"\n{READING}\n"
    yield from (f"- {server.name}: {server.what}." for server in participants)

    yield "\n### What was aimed at\n"
    yield from goals(samples)

    yield f"\n### Start over stdio: {plan.starts} cold starts each\n\nMilliseconds since the process was created.\n"
    milestones = {"initialize": "`initialize`", "list": "`tools/list`", "call": "first call"}
    columns = [
        Column(f"{title}, {kind}", f"start.{milestone}.{kind}", ratio=milestone == "call")
        for milestone, title in milestones.items()
        for kind in ("wall", "cpu")
    ]
    yield from table(
        samples,
        names,
        [*columns, Column("memory then, MB", "start.rss", 1, 0, ratio=True), Column("exit after EOF", "start.exit")],
    )
    yield "\nWhole processes that only start or import:\n"
    floor_names = list(samples.figures["floor.wall"])
    yield from table(samples, floor_names, [Column("wall, ms", "floor.wall"), Column("CPU, ms", "floor.cpu")])

    yield "\n### What a model carries, in bytes\n"
    yield from table(
        samples,
        names,
        [
            Column("`tools/list`", "bytes.list", 1),
            Column("names, descriptions, input schemas", "bytes.carried", 1, ratio=True),
            Column("text of a success", "bytes.success text", 1),
            Column("text of a 422", "bytes.refusal text", 1),
        ],
    )

    for name, way in WAYS.items():
        yield from _report_of_way(samples, name, way, names, plan)

    yield (
        f"\n### Memory over stdio: {plan.memory_calls:,} calls, of which 7 in 10 succeed, or as many as "
        f"{MEMORY_SECONDS:.0f} s allow\n"
    )
    yield from table(
        samples,
        names,
        [
            Column("calls", "memory.calls", 1),
            Column("before, MB", "memory.before", 1, 1, ratio=True),
            Column("after, MB", "memory.after", 1, 1, ratio=True),
            Column("growth, MB", "memory.growth", 1, 1),
        ],
    )
    if samples.failures:
        yield "\n### Not measured\n"
        yield from (f"- {server}, {phase}: {reason}" for (server, phase), reason in samples.failures.items())


def _report_of_way(samples: Samples, name: str, way: Way, names: Sequence[str], plan: Plan) -> Iterator[str]:
    if f"{name}.calls.cpu" not in samples.figures:
        return
    calls = plan.far_calls if way.is_far else plan.calls
    yield f"\n### One call at a time over {way.title}: {plan.call_rounds} rounds of {calls}\n"
    measure = f"{name}.calls"
    columns = [
        Column("CPU a call, ms", f"{measure}.cpu", digits=2, ratio=True),
        Column("p50, ms", f"{measure}.p50", digits=2, ratio=True),
        Column("p99, ms", f"{measure}.p99", digits=2),
    ]
    yield from table(samples, [*names, *(it for it in samples.figures[f"{measure}.cpu"] if it not in names)], columns)
    if name not in plan.loaded:
        return
    for in_flight in plan.loads:
        yield f"\n{in_flight} calls in flight, the API answering after {DELAY_MILLISECONDS} ms:\n"
        load = f"{name}.load{in_flight}"
        columns = [
            Column("calls/s", f"{load}.rate", 1, 0, ratio=True),
            Column("CPU a call, ms", f"{load}.cpu", digits=2, ratio=True),
            Column("p50, ms", f"{load}.p50"),
            Column("p99, ms", f"{load}.p99", ratio=True),
        ]
        yield from table(samples, names, columns)
