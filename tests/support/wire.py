"""The HTTP seam: the API's end of the wire, as an httpx2 transport or as a real loopback socket."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
import anyio.abc
import httpx2
from mcp import Client
from mcp.server.lowlevel import Server
from pydantic import SecretStr

import api_document
from wemasy_mcp.core.client import Caller, WemasyClient
from wemasy_mcp.core.server import Options, build_server
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint

TOKEN = "7|a-token-of-no-account"
"""What no text, log line or header but `Authorization` may hold."""

Era = Literal["2026", "2025"]
ERAS: tuple[Era, ...] = ("2026", "2025")
"""The two generations of the protocol that clients speak."""

ENDPOINT: dict[str, Endpoint] = {endpoint.tool: endpoint for endpoint in ENDPOINTS}
UPDATE, SAVE = api_document.UPDATE_CONNECTION.tool, api_document.SAVE_MEMORY.tool


class Recorded:
    """Keeps the requests, and answers each with what was set last: at first with the API document's own samples."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self._answer: Callable[[httpx2.Request], httpx2.Response] = _documented

    @property
    def bodies(self) -> list[bytes]:
        """The body of every request, as it was sent."""
        return [request.content for request in self.requests]

    def transport(self) -> httpx2.MockTransport:
        """Return what a client is built on."""
        return httpx2.MockTransport(self._handle)

    def answer(self, status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer every call from now on with this: `body` as it is where it is bytes, else as JSON."""
        content = body if isinstance(body, bytes) else as_json(body)
        self._answer = lambda request: httpx2.Response(status, content=content, headers=headers)

    def fail(self, error: type[Exception], text: str = "never shown") -> None:
        """Break every call from now on."""

        def broken(request: httpx2.Request) -> httpx2.Response:
            raise error(text)

        self._answer = broken

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self._answer(request)


def _documented(request: httpx2.Request) -> httpx2.Response:
    (operation,) = (it for it in api_document.OPERATIONS if request.url.path.endswith(it.path))
    return httpx2.Response(200, json=operation.sample_answer, headers=api_document.RATE_LIMIT_HEADERS)


def server_over(caller: Caller, *, options: Options | None = None) -> Server[Any]:
    """Return the server with every tool over `caller`."""
    return build_server(caller, ENDPOINTS, lambda ctx: SecretStr(TOKEN), options)


def client_over(recorded: Recorded) -> WemasyClient:
    """Return the HTTP client at the documented address, its transport recorded."""
    return WemasyClient(api_document.BASE_URL, timeout_seconds=20, transport=recorded.transport())


def connect(server: Server[Any], era: Era, **options: Any) -> Client:
    """Return a client of the SDK that speaks to `server` as clients of `era` do."""
    return Client(server, mode={"2026": "auto", "2025": "legacy"}[era], **options)


Conversation = Callable[[bytes, anyio.abc.SocketStream], Awaitable[None]]
"""What the API does with one request: its bytes, and the connection that it came on."""


@dataclass
class Upstream:
    """The API as a process that listens on loopback: keeps the requests' bytes, and lets each test hold the talk."""

    converse: Conversation
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    arrived: anyio.Event = field(default_factory=anyio.Event)

    @property
    def base_url(self) -> str:
        """What `WEMASY_BASE_URL` is set to."""
        return f"http://127.0.0.1:{self.port}/api"

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        """Take one request after another from a connection, until either side closes it."""
        self.connections += 1
        async with stream:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
                while True:
                    request = await _read_request(stream)
                    self.requests.append(request)
                    self.arrived.set()
                    await self.converse(request, stream)


@asynccontextmanager
async def listening(converse: Conversation) -> AsyncIterator[Upstream]:
    """Be the API on a free loopback port for the time of the block."""
    upstream = Upstream(converse)
    async with accepting(upstream.serve) as upstream.port:
        yield upstream


@asynccontextmanager
async def accepting(serve: Callable[[anyio.abc.SocketStream], Awaitable[None]]) -> AsyncIterator[int]:
    """Accept connections on a free loopback port, whose number is given, for the time of the block."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def answer_documented(request: bytes, stream: anyio.abc.SocketStream) -> None:
    """Answer as the API's documentation shows."""
    (operation,) = (it for it in api_document.OPERATIONS if it.path.encode() in request)
    await stream.send(http_response(200, operation.sample_answer, api_document.RATE_LIMIT_HEADERS))


async def answer_never(request: bytes, stream: anyio.abc.SocketStream) -> None:
    """Leave the caller waiting."""
    await anyio.sleep_forever()


def http_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> bytes:
    """Return an HTTP/1.1 answer as it goes over the wire."""
    content = body if isinstance(body, bytes) else as_json(body)
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def as_json(body: Any) -> bytes:
    """Return a body as the API sends it: characters as they are, but for half an emoji, which only an escape holds."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def body_of(request: bytes) -> bytes:
    """Return the body of a request's bytes."""
    return request.partition(b"\r\n\r\n")[2]


async def _read_request(stream: anyio.abc.SocketStream) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        request += await stream.receive()
    head = request.partition(b"\r\n\r\n")[0].lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or b"0")
    while len(body_of(request)) < length:
        request += await stream.receive()
    return request
