"""A real server process over stdio, driven byte by byte, so that whatever it writes is seen.

Not the SDK's client: that one hides what it cannot parse, retries and repairs, and it would not send a broken line.
"""

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Literal

import anyio

from support.console import press_ctrl_c
from support.program import TOKEN

Era = Literal["2025-11-25", "2026-07-28"]
ERAS: tuple[Era, ...] = ("2025-11-25", "2026-07-28")

VALUE = "a value that no log may hold"
"""What the players write; the server's log must not repeat it."""

EXIT_SECONDS = 10 if sys.platform != "win32" else 20  # the start is part of it, on a busy machine or under Wine
ANSWER_SECONDS = 30
"""Long enough for a busy machine; a call that hangs fails the test."""

_CLIENT_INFO = {"name": "fault player", "version": "1"}


class ServerProcess:
    """One server and one client's connection to it."""

    def __init__(self, process: asyncio.subprocess.Process, era: Era) -> None:
        self.stdout: list[bytes] = []
        """Every line, as it came."""
        self.stderr = bytearray()
        self._process = process
        self._era = era
        self._ids = count(1)
        self._answers: dict[str, dict[str, Any]] = {}
        self._changed = asyncio.Condition()
        self._readers: list[asyncio.Task[None]] = []
        if process.stdout is not None:
            self._readers.append(asyncio.create_task(self._read_stdout(process.stdout)))
        if process.stderr is not None:
            self._readers.append(asyncio.create_task(self._read_stderr(process.stderr)))

    @property
    def era(self) -> Era:
        """The revision of the protocol that is spoken."""
        return self._era

    async def handshake(self) -> None:
        """Open the connection; the 2026 revision needs nothing for that."""
        if self._era == "2025-11-25":
            params = {"protocolVersion": self._era, "capabilities": {}, "clientInfo": _CLIENT_INFO}
            answer = await self.request("initialize", params)
            assert answer["result"]["protocolVersion"] == self._era
            await self.write(self.line({"jsonrpc": "2.0", "method": "notifications/initialized"}))

    def message(self, method: str, params: Mapping[str, Any], request_id: object) -> dict[str, Any]:
        """Return a request of this era."""
        if self._era == "2026-07-28":
            envelope = {
                "io.modelcontextprotocol/protocolVersion": self._era,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": _CLIENT_INFO,
            }
            params = {**params, "_meta": envelope}
        return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}

    def tool_call(self, tool: str, arguments: Mapping[str, Any], request_id: object) -> bytes:
        """Return the line that calls a tool."""
        return self.line(self.message("tools/call", {"name": tool, "arguments": arguments}, request_id))

    @staticmethod
    def line(message: object) -> bytes:
        """Return a message as it goes over the wire."""
        return json.dumps(message).encode() + b"\n"

    async def write(self, data: bytes) -> None:
        """Write raw bytes to the server."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send one request and return its answer, whether a result or an error."""
        request_id = f"player-{next(self._ids)}"
        await self.write(self.line(self.message(method, params or {}, request_id)))
        return await self.answer(request_id)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool and return its result; a JSON-RPC error fails."""
        answer = await self.request("tools/call", {"name": tool, "arguments": arguments})
        result = answer["result"]
        assert isinstance(result, dict)
        return result

    async def answer(self, request_id: object) -> dict[str, Any]:
        """Wait for the answer to `request_id` and return it."""
        key = json.dumps(request_id)
        with anyio.fail_after(ANSWER_SECONDS):
            async with self._changed:
                await self._changed.wait_for(lambda: key in self._answers)
        return self._answers[key]

    def answered(self, request_id: object) -> bool:
        """Whether an answer has come."""
        return json.dumps(request_id) in self._answers

    def leave(self) -> None:
        """Close the server's stdin."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the server; on Windows Ctrl-C, which every process of the tests' own console gets."""
        if sys.platform == "win32":
            assert number == signal.SIGINT
            press_ctrl_c()
        else:
            self._process.send_signal(number)

    async def exit_status(self) -> int:
        """Wait for the server to exit and return its status; one that stays longer than `EXIT_SECONDS` fails."""
        with anyio.fail_after(EXIT_SECONDS):
            status = await self._process.wait()
            await asyncio.gather(*self._readers)
        return status

    def peak_memory(self) -> int:
        """Return the most bytes of memory that the server has held resident so far."""
        if sys.platform == "win32":
            import win32api
            import win32process

            handle = win32api.OpenProcess(0x1000, False, self._process.pid)  # PROCESS_QUERY_LIMITED_INFORMATION
            return int(win32process.GetProcessMemoryInfo(handle)["PeakWorkingSetSize"])
        if sys.platform == "darwin":
            # What it holds now: the most is told to nobody there.
            resident = subprocess.run(
                ["ps", "-o", "rss=", "-p", str(self._process.pid)], capture_output=True, check=True, timeout=30
            )
            return int(resident.stdout) * 1024
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(kilobytes) * 1024

    def kill(self) -> None:
        """End the process if it still runs."""
        if self._process.returncode is None:
            self._process.kill()

    def verify_streams(self) -> None:
        """Assert what holds for all that a server ever writes."""
        answered: list[str] = []
        for line in self.stdout:
            message = json.loads(line)
            assert line.endswith(b"\n")
            assert message["jsonrpc"] == "2.0"
            if message.get("id") is not None:
                answered.append(json.dumps(message["id"]))
        assert len(answered) == len(set(answered)), "a request was answered twice"
        written = b"".join(self.stdout) + self.stderr
        for secret in (TOKEN, *TOKEN.split("|")[1:]):
            assert secret.encode() not in written
        assert b"Traceback" not in self.stderr, self.stderr.decode()
        assert VALUE.encode() not in self.stderr

    async def _read_stdout(self, stdout: asyncio.StreamReader) -> None:
        async for line in stdout:
            self.stdout.append(line)
            message = json.loads(line)
            async with self._changed:
                if "method" not in message:
                    self._answers[json.dumps(message.get("id"))] = message
                self._changed.notify_all()

    async def _read_stderr(self, stderr: asyncio.StreamReader) -> None:
        while chunk := await stderr.read(2**16):
            self.stderr += chunk
