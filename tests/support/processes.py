"""The server as its users run it: a child process that is told what to do by its environment."""

import queue
import re
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from support.program import PROGRAM, TOKEN, environment

SECONDS = 30

Way = Literal["streamable-http 2026", "streamable-http 2025", "sse"]
WAYS: tuple[Way, ...] = ("streamable-http 2026", "streamable-http 2025", "sse")
"""How a client reaches the server: the transport and, where it matters, the era of the protocol."""


class ServerProcess:
    """A running server: where it is, and what it has written to stderr."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.stderr: list[str] = []
        self._urls: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.url = self._urls.get(timeout=SECONDS)
        assert self.url, self.log

    @property
    def log(self) -> str:
        return "".join(self.stderr)

    @property
    def origin(self) -> str:
        return self.url.rpartition("/")[0]

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Return the exit status."""
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return status

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.stderr.append(line)
            if found := re.search(r'serving MCP at ([^\s"]+)', line):
                self._urls.put(found[1])
        self._urls.put("")


@contextmanager
def serving(*arguments: str, **settings: str) -> Iterator[ServerProcess]:
    """Run the server on a free port until the block ends."""
    command = [*PROGRAM, "--port", "0", *arguments]
    variables = environment({"WEMASY_API_TOKEN": TOKEN, **settings})
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as process:
        try:
            server = ServerProcess(process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def transport_of(way: Way) -> str:
    return way.partition(" ")[0]


@asynccontextmanager
async def connect(url: str, way: Way, headers: Mapping[str, str] | None = None) -> AsyncIterator[Client]:
    """Yield the SDK's client."""
    if way == "sse":
        async with Client(sse_client(url, headers=dict(headers or {})), mode="legacy") as client:
            yield client
    else:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=SECONDS, trust_env=False) as http,
            Client(
                streamable_http_client(url, http_client=http), mode="auto" if way.endswith("2026") else "legacy"
            ) as client,
        ):
            yield client


async def endpoint_of(lines: AsyncIterator[str]) -> str:
    """Where the messages of an SSE session go: its first event says so."""
    async for line in lines:
        if line.startswith("data: "):
            return line.removeprefix("data: ")
    raise AssertionError("the stream ended")
