"""An API that misbehaves on purpose: raw sockets, no HTTP library, so that any wrong byte can be sent.

It counts by the key of each write (the memory's `key`, the connection's `name`) how often the request was read whole
and how often the write was really applied: what the caller is told is held against that.
"""

import asyncio
import json
import socket
import ssl
import struct
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Literal, Self

from support.listener import Listener
from support.script import Ending, Script, answer, success

Greeting = Literal["serve", "reset", "close", "hang", "plain_text"]
"""What meets a new connection as soon as its first byte arrives, be it of a request or of a handshake."""

_GREETING_ENDS: dict[Greeting, Ending] = {"reset": "reset", "close": "close", "hang": "hold", "plain_text": "close"}

_MAX_BYTES = 64 * 2**20
"""Where an endless answer ends after all, should the caller never leave."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came over the wire."""

    head: bytes
    body: bytes

    @property
    def key(self) -> str:
        """The key or name that is written."""
        fields = json.loads(self.body)
        return str(fields.get("key") or fields.get("name"))


class Upstream:
    """The misbehaving API on a loopback port of its own."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: Counter[str] = Counter()
        self.applied: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.requests: dict[str, Request] = {}
        self._listener = Listener(self._converse, self._tls_of_next)
        self._tls = tls
        self._greeting: Greeting = "serve"
        self._scripts: dict[str, Script] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self._happened = asyncio.Event()
        self._ids = count(1)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._listener.port

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._listener.connections

    @property
    def url(self) -> str:
        """The base URL to configure."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/api"

    def play(self, key: str, script: Script) -> None:
        """Answer requests that write `key` with `script`; every other one succeeds."""
        self._scripts[key] = script

    async def arrival(self, key: str) -> None:
        """Return when a request that writes `key` has been read whole."""
        await self._arrivals.setdefault(key, asyncio.Event()).wait()

    async def arrivals(self, number: int) -> None:
        """Return when that many requests have been read whole."""
        while self.received.total() < number:
            self._happened.clear()
            await self._happened.wait()

    async def sending(self, key: str, size: int) -> None:
        """Return when `size` bytes of answers to `key` have left."""
        while self.sent[key] < size:
            self._happened.clear()
            await self._happened.wait()

    async def connected(self, number: int) -> None:
        """Return when there have been that many connections in all."""
        while self.connections < number:
            self._happened.clear()
            await self._happened.wait()

    async def all_closed(self) -> None:
        """Return when this side has closed every connection."""
        await self._listener.all_closed()

    @contextmanager
    def greeting(self, greeting: Greeting) -> Generator[None]:
        """Meet new connections so, for a while."""
        self._greeting = greeting
        try:
            yield
        finally:
            self._greeting = "serve"

    @contextmanager
    def presenting(self, tls: ssl.SSLContext) -> Generator[None]:
        """Present another certificate for a while."""
        usual, self._tls = self._tls, tls
        try:
            yield
        finally:
            self._tls = usual

    @asynccontextmanager
    async def refusing(self) -> AsyncGenerator[None]:
        """Refuse connections for a while, on the same port."""
        await self._listener.refuse()
        try:
            yield
        finally:
            await self._listener.listen()

    async def __aenter__(self) -> Self:
        await self._listener.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listener.aclose()

    def _tls_of_next(self) -> ssl.SSLContext | None:
        return self._tls if self._greeting == "serve" else None

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._happened.set()
        if self._greeting != "serve":
            await self._greet(reader, writer)
            return
        while True:
            key = await self._receive(reader)
            script = self._scripts.get(key) or self._healthy(key)
            self.applied[key] += script.applied
            await self._perform(key, script, writer)
            if script.ending != "serve":
                break
        if script.ending == "drop_next":
            await self._receive(reader)
        await _end(script.ending, reader, writer)

    async def _receive(self, reader: asyncio.StreamReader) -> str:
        request = await _read_request(reader)
        key = request.key
        self.requests[key] = request
        self.received[key] += 1
        self._arrivals.setdefault(key, asyncio.Event()).set()
        self._happened.set()
        return key

    def _healthy(self, key: str) -> Script:
        record_id = next(self._ids)
        return Script(lambda: [answer(200, success(key, record_id=record_id))], applied=True, ending="serve")

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not before: a reset that overtakes the connecting proves that nothing was sent, which is another fault.
        await reader.readexactly(1)
        if self._greeting == "plain_text":
            writer.write(answer(200, success("anything")))
            await writer.drain()
        await _end(_GREETING_ENDS[self._greeting], reader, writer)

    async def _perform(self, key: str, script: Script, writer: asyncio.StreamWriter) -> None:
        if script.until is not None:
            await script.until.wait()
        for piece in script.pieces():
            writer.write(piece)
            await writer.drain()
            self.sent[key] += len(piece)
            self._happened.set()
            if self.sent[key] > _MAX_BYTES:
                return
            if script.pause:
                await asyncio.sleep(script.pause)


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    return Request(head, await reader.readexactly(int(fields[b"content-length"])))


async def _end(ending: Ending, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if ending == "hold":
        await reader.read()
    elif ending == "reset":
        linger = struct.pack("ii", 1, 0)  # on, no time: the close sends RST
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return
    writer.close()
