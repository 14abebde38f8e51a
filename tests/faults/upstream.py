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
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Literal

Ending = Literal["close", "reset", "hold", "serve", "drop_next"]
"""After the answer: close (FIN), reset (RST), wait for the caller to leave, serve the next request on the connection,
or read the next one and close without a word, as a server does whose idle time has just passed."""

Greeting = Literal["serve", "reset", "close", "hang", "plain_text"]
"""What meets a new connection as soon as its first byte arrives, be it of a request or of a handshake."""

_GREETING_ENDS: dict[Greeting, Ending] = {"reset": "reset", "close": "close", "hang": "hold", "plain_text": "close"}

_MOST_BYTES = 64 * 2**20
"""Where an endless answer ends after all, should the caller never leave."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is played to one request, after it was read whole."""

    pieces: Callable[[], Iterable[bytes]]
    applied: bool
    ending: Ending = "close"
    pause: float = 0
    """Seconds between pieces."""
    until: asyncio.Event | None = None
    """What the answer waits for."""


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


def answer(
    status: int,
    body: object = b"",
    *headers: str,
    length: int | str | None = None,
    content_type: str = "application/json",
) -> bytes:
    """Return an HTTP/1.1 answer; `body` is taken as it is when it is bytes, and `length` replaces the true one."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Played",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(content) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + content


def success(request_key: str, *, record_id: int = 7) -> dict[str, object]:
    """Return the body of a success, with the documented members of either operation."""
    data = {"id": record_id, "kind": "fact", "key": request_key, "name": request_key, "model_name": None}
    return {"success": True, "message": "Done.", "data": data}


class Upstream:
    """The misbehaving API on a loopback port of its own."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: Counter[str] = Counter()
        self.applied: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.requests: dict[str, Request] = {}
        self.connections = 0
        self.port = 0
        self._tls = tls
        self._greeting: Greeting = "serve"
        self._scripts: dict[str, Script] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self._arrived = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._ids = count(1)

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
            self._arrived.clear()
            await self._arrived.wait()

    async def all_closed(self) -> None:
        """Return when this side has closed every connection."""
        await asyncio.gather(*self._open)

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
        await self._stop_listening()
        try:
            yield
        finally:
            await self._listen()

    async def __aenter__(self) -> "Upstream":
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop_listening()
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            # The caller may leave at any moment: that is no fault of this side.
            with suppress(OSError, EOFError, asyncio.LimitOverrunError):
                await self._converse(reader, writer)
        finally:
            writer.transport.abort()
            del self._open[task]

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._greeting != "serve":
            await self._greet(reader, writer)
            return
        if self._tls is not None:
            await writer.start_tls(self._tls)
        # Each piece leaves before the next thing happens: a reset would throw away what is still buffered.
        writer.transport.set_write_buffer_limits(0)
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
        self._arrived.set()
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
            if self.sent[key] > _MOST_BYTES:
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
    await writer.wait_closed()
