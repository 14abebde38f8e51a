"""An API that misbehaves on purpose: raw sockets, no HTTP library, so that any wrong byte can be sent.

It counts by the key of each write (the memory's `key`, the connection's `name`) how often the request was read whole
and how often the write was really applied: what the caller is told is held against that.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Literal

from support.answers import answer, success
from support.fake_api import FakeApi, Request
from support.listener import Connection
from support.script import Ending, Script

Greeting = Literal["serve", "reset", "close", "hang", "plain_text"]
"""What meets a new connection as soon as its first byte arrives, be it of a request or of a handshake."""

_GREETING_ENDS: dict[Greeting, Ending] = {"reset": "reset", "close": "close", "hang": "hold", "plain_text": "close"}

_MAX_BYTES = 64 * 2**20
"""Where an endless answer ends after all, should the caller never leave."""


class Upstream(FakeApi):
    """The misbehaving API."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._respond, tls)
        self.received: Counter[str] = Counter()
        self.applied: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.by_key: dict[str, Request] = {}
        self._greeting: Greeting = "serve"
        self._scripts: dict[str, Script] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self._happened = asyncio.Event()
        self._ids = count(1)

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
        usual, self.tls = self.tls, tls
        try:
            yield
        finally:
            self.tls = usual

    @asynccontextmanager
    async def refusing(self) -> AsyncGenerator[None]:
        """Refuse connections for a while, on the same port."""
        await self._listener.refuse()
        try:
            yield
        finally:
            await self._listener.listen()

    def _tls_of_next(self) -> ssl.SSLContext | None:
        return self.tls if self._greeting == "serve" else None

    async def _converse(self, connection: Connection) -> None:
        self._happened.set()
        if self._greeting == "serve":
            await super()._converse(connection)
        else:
            await self._greet(connection)

    async def _respond(self, request: Request, connection: Connection) -> None:
        script = self._scripts.get(request.key) or self._healthy(request.key)
        self.applied[request.key] += script.applied
        await self._perform(request.key, script, connection)
        if script.ending == "drop_next":
            await self.receive(connection)
        if script.ending != "serve":
            await _end(script.ending, connection)

    async def receive(self, connection: Connection) -> Request:
        """Read a request whole and count it."""
        request = await super().receive(connection)
        self.by_key[request.key] = request
        self.received[request.key] += 1
        self._arrivals.setdefault(request.key, asyncio.Event()).set()
        self._happened.set()
        return request

    def _healthy(self, key: str) -> Script:
        record_id = next(self._ids)
        return Script(lambda: [answer(200, success(key, record_id=record_id))], applied=True, ending="serve")

    async def _greet(self, connection: Connection) -> None:
        # Not before: a reset that overtakes the connecting proves that nothing was sent, which is another fault.
        await connection.reader.readexactly(1)
        if self._greeting == "plain_text":
            await connection.send(answer(200, success("anything")))
        await _end(_GREETING_ENDS[self._greeting], connection)

    async def _perform(self, key: str, script: Script, connection: Connection) -> None:
        if script.until is not None:
            await script.until.wait()
        for piece in script.pieces():
            await connection.send(piece)
            self.sent[key] += len(piece)
            self._happened.set()
            if self.sent[key] > _MAX_BYTES:
                return
            if script.pause:
                await asyncio.sleep(script.pause)


async def _end(ending: Ending, connection: Connection) -> None:
    if ending == "hold":
        await connection.wait_closed()
    if ending == "reset":
        connection.reset()
    else:
        await connection.aclose()
