"""What is measured, in phases: each takes every server in turn, round by round, against the same fake API."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.processes import BenchError, Process, run_to_end
from bench.samples import Samples, interleaved
from bench.servers import Floor, Server, direct_calls, floors, open_http, servers
from bench.sessions import LEGACY, MODERN, Load, Session, compact
from bench.upstream import ROUND_TRIP_MILLISECONDS, Address, Upstream

DELAY_MILLISECONDS = 50
MIXED = (*["#3B82F6"] * 7, "422", "500", "drop")
MEMORY_STEP = 500
MEMORY_SECONDS = 60.0
"""No server gets longer for its many calls: one of the peers spends 70 ms on a failure."""


@dataclass(frozen=True, slots=True)
class Way:
    """From the client to the API: an MCP transport, of the protocol's `version` over HTTP, and where the API is."""

    title: str
    version: str
    address: Literal["plain", "tls", "far"]

    @property
    def is_far(self) -> bool:
        return self.address == "far"


_STDIO, _LEGACY_HTTP, _MODERN_HTTP = (
    "stdio",
    f"streamable HTTP, protocol {LEGACY}",
    f"streamable HTTP, protocol {MODERN}",
)
WAYS = {
    "stdio": Way(f"{_STDIO}, the API over plain HTTP", "", "plain"),
    "stdio-tls": Way(f"{_STDIO}, the API over TLS", "", "tls"),
    "stdio-far": Way(f"{_STDIO}, the API over TLS and {ROUND_TRIP_MILLISECONDS} ms away", "", "far"),
    "http-2025": Way(f"{_LEGACY_HTTP}, the API over plain HTTP", LEGACY, "plain"),
    "http-2025-tls": Way(f"{_LEGACY_HTTP}, the API over TLS", LEGACY, "tls"),
    "http-2026": Way(f"{_MODERN_HTTP}, the API over plain HTTP", MODERN, "plain"),
    "http-2026-tls": Way(f"{_MODERN_HTTP}, the API over TLS", MODERN, "tls"),
}
PHASES = ("start", *WAYS, "memory")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `loads` is calls in flight: calls in all; they are made on the ways in `loaded`."""

    starts: int
    call_rounds: int
    calls: int
    far_calls: int
    load_rounds: int
    loads: Mapping[int, int]
    loaded: tuple[str, ...]
    memory_calls: int


FULL = Plan(11, 7, 250, 20, 3, {128: 1024}, tuple(name for name, way in WAYS.items() if not way.is_far), 5_000)
QUICK = Plan(3, 3, 120, 10, 1, {128: 512}, ("stdio-tls", "http-2026-tls"), 1_000)


@dataclass
class Laboratory:
    """The fake API, where logs go, who takes part, and what was found."""

    api: Upstream
    logs: Path
    plan: Plan
    participants: Sequence[Server] = field(default_factory=servers)
    samples: Samples = field(default_factory=Samples)

    def run(self, phases: Collection[str]) -> None:
        """Measure what is named of `PHASES`."""
        if "start" in phases:
            self.measure_starts()
        for name, way in WAYS.items():
            if name in phases:
                self.measure_calls(name, way)
        if "memory" in phases:
            self.measure_memory()

    def measure_starts(self) -> None:
        """Cold starts and exits over stdio, the API over TLS, and beside them the bare interpreters and imports."""
        self.api.delay(0)
        # The first round only warms the file cache.
        items: tuple[Server | Floor, ...] = (*self.participants, *floors())
        for number, item in interleaved(items, self.plan.starts + 1):
            tell(f"start, round {number} of {self.plan.starts}: {item.name}")
            if (item.name, "start") in self.samples.failures:
                continue
            scratch = self.samples if number else Samples()
            if isinstance(item, Floor):
                wall, cpu = run_to_end(item.command)
                scratch.add("floor.wall", item.name, wall)
                scratch.add("floor.cpu", item.name, cpu)
                continue
            try:
                self._measure_start(item, scratch)
            except BenchError as error:
                self.samples.drop(item.name, "start", error)

    def _measure_start(self, server: Server, samples: Samples) -> None:
        session = server.start_stdio(self.api.tls, self.logs)
        process = session.process
        try:

            def reached(milestone: str) -> None:
                samples.add(f"start.{milestone}.wall", server.name, time.perf_counter() - process.started)
                samples.add(f"start.{milestone}.cpu", server.name, process.cpu_seconds())

            session.initialize()
            reached("initialize")
            listed = session.list_tools()
            reached("list")
            saved = session.save()
            reached("call")
            samples.add("start.rss", server.name, process.rss_megabytes())
            refused = session.save("422")
            for measure, size in {
                "list": len(compact(listed)),
                "carried": len(compact(_what_a_model_carries(listed))),
                "success": len(compact(saved)),
                "success text": _text_size(saved),
                "refusal text": _text_size(refused),
            }.items():
                samples.add(f"bytes.{measure}", server.name, size)
        except BaseException:
            process.stop()
            raise
        samples.add("start.exit", server.name, process.close_and_wait())

    def measure_calls(self, name: str, way: Way) -> None:
        """One call at a time with the API answering at once, then several in flight with it answering late."""
        with ExitStack() as stack:
            sessions = self._open_all(name, way, stack)
            direct = {} if way.version else self._open_direct(way, stack)
            self.api.delay(0)
            calls = self.plan.far_calls if way.is_far else self.plan.calls
            for number, server in interleaved([*sessions, *direct], self.plan.call_rounds):
                tell(f"{name} calls, round {number + 1} of {self.plan.call_rounds}: {server}")
                if server in direct:
                    cpu, load = _call_directly(direct[server], calls)
                    self.samples.add_load(f"{name}.calls", server, load, cpu)
                else:
                    self._measure_load(sessions[server], f"{name}.calls", server, calls, 1)
            if name in self.plan.loaded:
                self.api.delay(DELAY_MILLISECONDS)
                for number, server in interleaved(list(sessions), self.plan.load_rounds):
                    tell(f"{name} load, round {number + 1} of {self.plan.load_rounds}: {server}")
                    for in_flight, total in self.plan.loads.items():
                        self._measure_load(sessions[server], f"{name}.load{in_flight}", server, total, in_flight)

    def _measure_load(self, session: Session, phase: str, name: str, total: int, in_flight: int) -> None:
        if (name, phase) in self.samples.failures:
            return
        before = session.process.cpu_seconds()
        try:
            load = session.load(total, in_flight)
        except BenchError as error:
            self.samples.drop(name, phase, error)
            return
        self.samples.add_load(phase, name, load, session.process.cpu_seconds() - before)

    def measure_memory(self) -> None:
        """Resident memory over stdio before and after many calls, successes, refusals and failures mixed."""
        self.api.delay(0)
        for server in self.participants:
            tell(f"memory, {self.plan.memory_calls} calls: {server.name}")
            session = server.start_stdio(self.api.tls, self.logs)
            try:
                session.open()
                # What is made once, at the first calls of each kind, is not growth.
                session.load(200, 16, MIXED)
                self.samples.add("memory.before", server.name, before := session.process.rss_megabytes())
                made, until = 0, time.perf_counter() + MEMORY_SECONDS
                while made < self.plan.memory_calls and time.perf_counter() < until:
                    session.load(MEMORY_STEP, 16, MIXED)
                    made += MEMORY_STEP
                self.samples.add("memory.calls", server.name, made)
                self.samples.add("memory.after", server.name, after := session.process.rss_megabytes())
                self.samples.add("memory.growth", server.name, after - before)
            except BenchError as error:
                self.samples.drop(server.name, "memory", error)
            finally:
                session.process.stop()

    def _open_all(self, name: str, way: Way, stack: ExitStack) -> dict[str, Session]:
        """Start every server, and make its first few hundred calls, in which caches fill."""
        sessions = {}
        for server in self.participants:
            try:
                session = self._open(server, way, stack)
                session.load(200, 8)
            except BenchError as error:
                self.samples.drop(server.name, name, error)
            else:
                sessions[server.name] = session
        return sessions

    def _open(self, server: Server, way: Way, stack: ExitStack) -> Session:
        api = self._address(way)
        if not way.version:
            session = server.start_stdio(api, self.logs)
            stack.callback(session.process.stop)
            session.open()
            return session
        process, port = server.start_http(api, self.logs)
        stack.callback(process.stop)
        return open_http(process, port, way.version)

    def _open_direct(self, way: Way, stack: ExitStack) -> dict[str, Process]:
        started = {}
        for floor in direct_calls():
            started[floor.name] = process = floor.start(self._address(way), self.logs)
            stack.callback(process.stop)
            _call_directly(process, 100)
        return started

    def _address(self, way: Way) -> Address:
        return {"plain": self.api.plain, "tls": self.api.tls, "far": self.api.far}[way.address]


def _call_directly(process: Process, count: int) -> tuple[float, Load]:
    process.input.write(f"{count}\n".encode())
    answer = json.loads(process.output.readline())
    return answer["cpu"], Load(sum(answer["latencies"]), answer["latencies"])


def _what_a_model_carries(listed: dict[str, list[dict[str, object]]]) -> list[dict[str, object]]:
    return [{name: tool.get(name) for name in ("name", "description", "inputSchema")} for tool in listed["tools"]]


def _text_size(result: dict[str, list[dict[str, str]]]) -> int:
    return sum(len(block["text"].encode()) for block in result["content"])


def tell(progress: str) -> None:
    """Say on stderr what is being measured."""
    print(f"{time.strftime('%H:%M:%S')} {progress}", file=sys.stderr, flush=True)
