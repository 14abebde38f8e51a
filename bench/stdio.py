"""JSON-RPC over a child's standard input and output, a message a line."""

from __future__ import annotations

import json
import os
import select
from collections import deque
from typing import Any

from bench.processes import BenchError, Process
from bench.sessions import CLIENT, LEGACY, TIMEOUT_SECONDS, Session, compact


class StdioSession(Session):
    """A server on stdio. Reads while it writes, because a server may stop reading until its answers are read."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._input, self._output = process.input.fileno(), process.output.fileno()
        self._partial = b""
        self._answers: deque[dict[str, Any]] = deque()

    def send(self, message: dict[str, Any]) -> None:
        data = compact(message) + b"\n"
        while data:
            readable, writable, _ = select.select([self._output], [self._input], [], TIMEOUT_SECONDS)
            if readable:
                self._read()
            if writable:
                # A pipe that select calls writable takes PIPE_BUF bytes without blocking.
                data = data[os.write(self._input, data[: select.PIPE_BUF]) :]
            if not readable and not writable:
                raise BenchError("does not read its input")

    def receive(self) -> dict[str, Any]:
        while not self._answers:
            if not select.select([self._output], [], [], TIMEOUT_SECONDS)[0]:
                raise BenchError(f"no answer in {TIMEOUT_SECONDS:.0f} s")
            self._read()
        return self._answers.popleft()

    def _read(self) -> None:
        chunk = os.read(self._output, 1 << 18)
        if not chunk:
            raise BenchError(f"closed its output: {self.process.last_words()}")
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        # What has a method is a notification or a request of the server's own.
        self._answers += [message for message in map(json.loads, lines) if "method" not in message]

    def initialize(self) -> None:
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}
        self.request("initialize", params)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def renew(self) -> None:
        """Nothing goes stale here."""
