"""The way to the API without a proxy: what is left over on a connection, and what is left open."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest

from support.answers import answer
from support.fake_api import FakeApi, Request
from support.listener import Connection as ApiConnection
from support.listener import accepting
from wemasy_mcp.upstream.connections import DirectTransport
from wemasy_mcp.upstream.sockets import Connection

SECONDS = 10


@asynccontextmanager
async def transport(*, keepalive_seconds: float = 60) -> AsyncIterator[DirectTransport]:
    direct = DirectTransport(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), keepalive_seconds=keepalive_seconds)
    try:
        with anyio.fail_after(SECONDS):
            yield direct
    finally:
        await direct.aclose()


async def post(direct: DirectTransport, port: int, body: bytes = b"{}") -> bytes:
    response = await direct.handle_async_request(httpx2.Request("POST", f"http://127.0.0.1:{port}/", content=body))
    try:
        return await response.aread()
    finally:
        await response.aclose()


async def test_what_asyncio_has_not_fetched_yet_does_not_become_the_next_answer() -> None:
    connections: list[ApiConnection] = []

    async def respond(request: Request, stream: ApiConnection) -> None:
        connections.append(stream)
        await stream.send(answer(200, b"asked for"))

    async with FakeApi(respond) as upstream, transport() as direct:
        await post(direct, upstream.port)
        # Nothing else runs between this and the next request.
        os.write(connections[0].socket.fileno(), answer(200, b"left over"))

        assert await post(direct, upstream.port) == b"asked for"

    assert upstream.connections == 2


async def test_connections_that_were_closed_meanwhile_are_closed_here_too_whatever_their_order() -> None:
    connections: list[ApiConnection] = []
    together = anyio.Event()

    async def respond(request: Request, stream: ApiConnection) -> None:
        connections.append(stream)
        if len(connections) == 3:
            together.set()
        await together.wait()
        await stream.send(answer(200, b"asked for"))

    async with FakeApi(respond) as upstream, transport() as direct:
        async with anyio.create_task_group() as calls:
            for _ in range(3):
                calls.start_soon(post, direct, upstream.port)
        # The one in the middle, in whatever order they are kept, stays open.
        await connections[0].aclose()
        await connections[2].aclose()

        assert [await post(direct, upstream.port) for _ in range(2)] == [b"asked for"] * 2

    assert upstream.connections == 3


async def test_a_length_without_a_body_says_nothing_of_the_next_answer() -> None:
    answers = [
        b"HTTP/1.1 204 No Content\r\nContent-Length: 400\r\n\r\n",
        answer(200, b"second") + answer(200, b"forged"),
        answer(200, b"third"),
    ]

    async def respond(request: Request, stream: ApiConnection) -> None:
        await stream.send(answers.pop(0))

    async with FakeApi(respond) as upstream, transport() as direct:
        assert [await post(direct, upstream.port) for _ in range(3)] == [b"", b"second", b"third"]


async def test_a_call_that_is_cancelled_just_as_its_connection_opens_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = anyio.Event()
    open_ = Connection.connection_made

    async def wait_for_the_end(stream: ApiConnection) -> None:
        async with stream:
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
        closed.set()

    async with accepting(wait_for_the_end) as port, transport(keepalive_seconds=0) as direct:
        with anyio.CancelScope() as call:

            def open_and_cancel(connection: Connection, transport: asyncio.BaseTransport) -> None:
                open_(connection, transport)
                asyncio.get_running_loop().call_soon(call.cancel)

            monkeypatch.setattr(Connection, "connection_made", open_and_cancel)
            await post(direct, port)

        assert call.cancelled_caught
        await closed.wait()


async def test_a_call_that_ends_after_the_close_leaves_nothing_open() -> None:
    async def respond(request: Request, stream: ApiConnection) -> None:
        await direct.aclose()
        await stream.send(answer(200, b"late"))
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()
        closed.set()

    closed = anyio.Event()
    async with FakeApi(respond) as upstream, transport() as direct:
        assert await post(direct, upstream.port) == b"late"
        await closed.wait()


async def test_a_connection_that_closes_amid_a_large_request_is_an_error_of_the_transport() -> None:
    async def close(stream: ApiConnection) -> None:
        await stream.receive()
        await stream.aclose()

    async with accepting(close) as port, transport() as direct:
        with pytest.raises(httpx2.TransportError):
            await post(direct, port, b"x" * 20_000_000)
