"""What is measured, in phases: each takes every server in turn, round by round, against the same fake API."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import BenchError, Process, run_to_end
from bench.samples import Samples, interleaved
from bench.servers import Floor, Server, direct_calls, floors, open_http, servers
from bench.sessions import LEGACY, MODERN, Load, Session, compact
from bench.upstream import Upstream

DELAY_MILLISECONDS = 50
MIXED = (*["#3B82F6"] * 7, "422", "500", "drop")
MEMORY_STEP = 500
MEMORY_SECONDS = 60.0
"""No server gets longer for its many calls: one of the peers spends 70 ms on a failure."""
TRANSPORTS = {"stdio": "", "http-2025": LEGACY, "http-2026": MODERN}
PHASES = ("start", *TRANSPORTS, "memory")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `loads` is calls in flight: calls in all."""

    starts: int
    call_rounds: int
    calls: int
    load_rounds: int
    loads: Mapping[int, int]
    loaded_transports: tuple[str, ...]
    memory_calls: int


FULL = Plan(11, 9, 300, 3, {1: 20, 16: 480, 128: 1920}, tuple(TRANSPORTS), 10_000)
QUICK = Plan(3, 4, 200, 1, {1: 8, 16: 160, 128: 640}, ("stdio", "http-2025"), 1_000)


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
        for transport in TRANSPORTS:
            if transport in phases:
                self.measure_calls(transport)
        if "memory" in phases:
            self.measure_memory()

    def measure_starts(self) -> None:
        """Cold starts and exits over stdio, and beside them the bare interpreters and imports."""
        self.api.delay(0)
        # The first round only warms the file cache.
        items: tuple[Server | Floor, ...] = (*self._over("stdio"), *floors())
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
        session = server.start_stdio(self.api.base_url, self.logs)
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

    def measure_calls(self, transport: str) -> None:
        """One call at a time with the API answering at once, then several in flight with it answering late."""
        with ExitStack() as stack:
            sessions = self._open_all(transport, stack)
            direct = self._open_direct(stack) if transport == "stdio" else {}
            self.api.delay(0)
            for number, name in interleaved([*sessions, *direct], self.plan.call_rounds):
                tell(f"{transport} calls, round {number + 1} of {self.plan.call_rounds}: {name}")
                if name in direct:
                    cpu, load = _call_directly(direct[name], self.plan.calls)
                    self.samples.add_load(f"{transport}.calls", name, load, cpu)
                else:
                    self._measure_load(sessions[name], f"{transport}.calls", name, self.plan.calls, 1)
            if transport in self.plan.loaded_transports:
                self.api.delay(DELAY_MILLISECONDS)
                for number, name in interleaved(list(sessions), self.plan.load_rounds):
                    tell(f"{transport} load, round {number + 1} of {self.plan.load_rounds}: {name}")
                    for in_flight, total in self.plan.loads.items():
                        self._measure_load(sessions[name], f"{transport}.load{in_flight}", name, total, in_flight)

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
        for server in self._over("stdio"):
            tell(f"memory, {self.plan.memory_calls} calls: {server.name}")
            session = server.start_stdio(self.api.base_url, self.logs)
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

    def _open_all(self, transport: str, stack: ExitStack) -> dict[str, Session]:
        """Start every server, and make its first few hundred calls, in which caches fill."""
        sessions = {}
        for server in self._over(transport):
            try:
                session = self._open(server, transport, stack)
                session.load(200, 8)
            except BenchError as error:
                self.samples.drop(server.name, transport, error)
            else:
                sessions[server.name] = session
        return sessions

    def _over(self, transport: str) -> list[Server]:
        return [server for server in self.participants if transport != "stdio" or not server.only_http]

    def _open(self, server: Server, transport: str, stack: ExitStack) -> Session:
        if transport == "stdio":
            session = server.start_stdio(self.api.base_url, self.logs)
            stack.callback(session.process.stop)
            session.open()
            return session
        process, port = server.start_http(self.api.base_url, self.logs)
        stack.callback(process.stop)
        return open_http(process, port, TRANSPORTS[transport])

    def _open_direct(self, stack: ExitStack) -> dict[str, Process]:
        started = {}
        for floor in direct_calls():
            started[floor.name] = process = floor.start(self.api.base_url, self.logs)
            stack.callback(process.stop)
            _call_directly(process, 100)
        return started


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
