"""An MCP client with nothing in it but raw JSON-RPC, so that what is measured is the server. Checks every answer."""

from __future__ import annotations

import itertools
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.processes import BenchError, Process

LEGACY = "2025-11-25"
MODERN = "2026-07-28"
CLIENT = {"name": "bench", "version": "1"}
TIMEOUT_SECONDS = 60.0

_serial = itertools.count(1)


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of calls took: seconds in all, and seconds each."""

    seconds: float
    latencies: list[float]

    @property
    def calls_per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Session(ABC):
    """One server, spoken to over one transport. A transport sends a message and receives whichever answer is next."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._ids = itertools.count(1)
        self._save_tool = ""

    @abstractmethod
    def send(self, message: dict[str, Any]) -> None:
        """Send one message. It may have to read answers meanwhile; they are kept for `receive`."""

    @abstractmethod
    def receive(self) -> dict[str, Any]:
        """Return the next answer of any request under way."""

    @abstractmethod
    def renew(self) -> None:
        """Drop what may have gone stale while other servers were measured."""

    @abstractmethod
    def initialize(self) -> None:
        """Do what the protocol version asks for before other requests."""

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the result of one request, sent with none under way."""
        self.send({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params})
        answer = self.receive()
        result = answer.get("result")
        if not isinstance(result, dict):
            raise BenchError(f"{method} was answered {compact(answer)[:400]!r}")
        return result

    def list_tools(self) -> dict[str, Any]:
        """Return the result of `tools/list`, and remember the tool that saves a memory, whatever its name."""
        listed = self.request("tools/list", {})
        for tool in listed["tools"]:
            if "kind" in tool["inputSchema"]["properties"]:
                self._save_tool = tool["name"]
        return listed

    def open(self) -> None:
        self.initialize()
        self.list_tools()

    def save(self, value: str = "#3B82F6") -> dict[str, Any]:
        """Return the result of one call; the API's answer depends on `value` (see `bench.upstream`)."""
        return self.request("tools/call", self._call(f"key-{next(_serial)}-", value))

    def load(self, total: int, in_flight: int, values: Sequence[str] = ("#3B82F6",)) -> Load:
        """Make `total` calls, `in_flight` at a time, with `values` in turn; check that each is answered as it must be.

        Raises:
            BenchError: An answer is missing, is another call's, or is not what the API said.
        """
        self.renew()
        waiting: dict[int, tuple[str, str, float]] = {}
        latencies: list[float] = []
        left = iter(range(total))
        turns = itertools.cycle(values)
        began = time.perf_counter()
        while len(latencies) < total:
            while len(waiting) < in_flight and next(left, None) is not None:
                number, key, value = next(self._ids), f"key-{next(_serial)}-", next(turns)
                waiting[number] = (key, value, time.perf_counter())
                self.send(
                    {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": self._call(key, value)},
                )
            answer = self.receive()
            key, value, sent = waiting.pop(answer["id"])
            latencies.append(time.perf_counter() - sent)
            _check(answer, key, value)
        return Load(time.perf_counter() - began, latencies)

    def _call(self, key: str, value: str) -> dict[str, Any]:
        return {"name": self._save_tool, "arguments": {"kind": "fact", "key": key, "value": value}}


def _check(answer: dict[str, Any], key: str, value: str) -> None:
    result = answer.get("result", {})
    failed = "error" in answer or bool(result.get("isError"))
    must_fail = value in {"422", "500", "drop"}
    if failed != must_fail or (not failed and key not in json.dumps(result)):
        raise BenchError(f"the call with {key} and value {value} was answered {compact(answer)[:400]!r}")
