"""The Wemasy API as tests need it, on a loopback port: the only fake of it on a socket.

It keeps every request, and a function answers them, at first with the samples of `api_document`:

    async with FakeApi() as api:                    # in the test's own event loop
    async with FakeApi(answer_never) as api:
    with HeldApi().in_thread() as api:              # for a test that is not async, or blocks

`scripted_api.Upstream` and `held_api.Upstream` are this one with answers that are chosen by request, or set and held.
"""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import anyio
from anyio.from_thread import start_blocking_portal

import api_document
from support.answers import answer
from support.listener import Connection, Listener

__all__ = ["Connection", "FakeApi", "Request", "Respond", "answer_documented", "answer_never", "answering"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came over the wire."""

    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        """The target of the request line."""
        return self.head.split(b" ", 2)[1].decode()

    @property
    def headers(self) -> dict[str, str]:
        """The headers by their lower-case names."""
        lines = self.head.decode().split("\r\n")[1:-2]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def fields(self) -> dict[str, Any]:
        """The body as the object that it is."""
        found: dict[str, Any] = json.loads(self.body or b"{}")
        return found

    @property
    def key(self) -> str:
        """The key or name that is written."""
        return str(self.fields.get("key") or self.fields.get("name"))


Respond = Callable[[Request, Connection], Awaitable[None]]
"""Answers one request, on the connection that it came on."""


async def answer_documented(request: Request, connection: Connection) -> None:
    """Answer as the API's documentation shows."""
    (operation,) = (it for it in api_document.OPERATIONS if request.path.endswith(it.path))
    headers = (f"{name}: {value}" for name, value in api_document.RATE_LIMIT_HEADERS.items())
    await connection.send(answer(200, operation.sample_answer, *headers))


async def answer_never(request: Request, connection: Connection) -> None:
    """Leave the caller waiting."""
    await anyio.sleep_forever()


def answering(data: bytes) -> Respond:
    """Answer every request with these bytes."""

    async def respond(request: Request, connection: Connection) -> None:
        await connection.send(data)

    return respond


class FakeApi:
    """Listens for the time of a block and answers each request with `respond`, which may be replaced."""

    def __init__(self, respond: Respond = answer_documented, tls: ssl.SSLContext | None = None) -> None:
        self.respond = respond
        self.requests: list[Request] = []
        self.arrived = asyncio.Event()
        """Set once a request was read whole."""
        self.tls = tls
        self._listener = Listener(self._converse, self._tls_of_next)

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
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/api"

    async def __aenter__(self) -> Self:
        await self._listener.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listener.aclose()

    @contextmanager
    def in_thread(self) -> Generator[Self]:
        """Listen in a thread of its own, for the time of a block."""
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(self):
            yield self

    def _tls_of_next(self) -> ssl.SSLContext | None:
        return self.tls

    async def _converse(self, connection: Connection) -> None:
        while not connection.is_closed:
            await self.respond(await self.receive(connection), connection)

    async def receive(self, connection: Connection) -> Request:
        """Read a request whole and keep it."""
        head = await connection.receive_until(b"\r\n\r\n")
        length = int(Request(head, b"").headers.get("content-length", "0"))
        request = Request(head, await connection.reader.readexactly(length))
        self.requests.append(request)
        self.arrived.set()
        return request
