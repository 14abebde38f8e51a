"""HTTP byte by byte, to a server in the test's own event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream
from pydantic import SecretStr

from support.held_api import Upstream
from support.local import served
from support.processes import SECONDS
from support.program import TOKEN
from wemasy_mcp.core.client import WemasyClient
from wemasy_mcp.core.server import build_server
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.setting_sources import load_settings
from wemasy_mcp.transports.http.asgi import build_app
from wemasy_mcp.transports.http.uvicorn_server import Patience

HEAD = b"POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


def post(body: bytes) -> bytes:
    """A whole request."""
    return HEAD % b"test" + b"Content-Length: %d\r\n\r\n" % len(body) + body


REQUEST = post(LIST)


@asynccontextmanager
async def running(
    upstream: Upstream, patience: Patience, transport: str = "streamable-http", **settings: Any
) -> AsyncIterator[str]:
    """Yield the server's host and port."""
    caller = WemasyClient(upstream.url, timeout_seconds=SECONDS)
    server = build_server(caller, ENDPOINTS, lambda ctx: SecretStr(TOKEN))
    stopping = anyio.Event()
    app = build_app(server, load_settings(transport=transport, allowed_hosts="test", **settings), 0, None, stopping)
    async with served(app, stopping, patience, caller.stop) as port:
        yield f"127.0.0.1:{port}"
    await caller.aclose()


async def answer_to(host: str, *parts: bytes) -> bytes:
    """Everything the server sends until it closes."""
    name, _, port = host.partition(":")
    async with await anyio.connect_tcp(name, int(port)) as connection:
        with suppress(anyio.BrokenResourceError):
            for part in parts:
                await connection.send(part)
        return await to_the_end(connection)


async def to_the_end(connection: ByteReceiveStream) -> bytes:
    """Everything the server sends until it closes."""
    received = b""
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            received += await connection.receive()
    return received


async def send_for_ever(connection: ByteSendStream, data: bytes) -> None:
    """Send the same again and again, without reading; raises once the server has cut the connection."""
    for _ in range(10_000):
        await connection.send(data)
