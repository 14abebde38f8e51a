"""Connections to the API: which are used again, and that none is left open."""

import asyncio
import gc
import socket
import time
import weakref
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest

from support.answers import answer
from support.certificates import Certificates, make_certificates
from support.fake_api import FakeApi, Request
from support.listener import Connection as ApiConnection
from support.listener import accepting
from wemasy_mcp.upstream.http1 import Connection
from wemasy_mcp.upstream.open import open_upstream

SECONDS = 10
MORE_THAN_BUFFERS_HOLD = 16 * 2**20


@asynccontextmanager
async def transport(port: int, *, url: str = "http://127.0.0.1:{}", kept: float = 60) -> AsyncIterator[Any]:
    opened = open_upstream(url.format(port), kept)
    try:
        with anyio.fail_after(SECONDS):
            yield opened
    finally:
        await opened.aclose()


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """Certificates of an authority that clients trust."""
    made = make_certificates(tmp_path, "127.0.0.1", "proxied.invalid")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.trusted))
    return made


async def post(opened: httpx2.AsyncBaseTransport, body: bytes = b"{}", **extensions: Any) -> bytes:
    answer = await opened.handle_async_request(
        httpx2.Request("POST", "http://127.0.0.1/", content=body, extensions=extensions)
    )
    try:
        return await answer.aread()
    finally:
        await answer.aclose()


async def test_what_the_event_loop_has_not_fetched_yet_does_not_become_the_next_answer() -> None:
    connections: list[ApiConnection] = []

    async def respond(request: Request, stream: ApiConnection) -> None:
        connections.append(stream)
        await stream.send(answer(200, b"asked for"))

    async with FakeApi(respond) as upstream, transport(upstream.port) as opened:
        await post(opened)
        # Nothing else runs between this and the next request.
        with connections[0].socket.dup() as socket:
            socket.send(answer(200, b"left over"))

        assert await post(opened) == b"asked for"

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

    async with FakeApi(respond) as upstream, transport(upstream.port) as opened:
        async with anyio.create_task_group() as calls:
            for _ in range(3):
                calls.start_soon(post, opened)
        # The one in the middle, in whatever order they are kept, stays open.
        await connections[0].aclose()
        await connections[2].aclose()

        assert [await post(opened) for _ in range(2)] == [b"asked for"] * 2

    assert upstream.connections == 3


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ((), True),
        (("Keep-Alive: timeout=5, max=100",), True),
        (("Keep-Alive: max=100,TIMEOUT = 1",), False),
        (("Keep-Alive: timeout=0",), False),
        (('Keep-Alive: timeout="1"',), False),
        (("Keep-Alive: timeout=soon",), True),
        (("Connection: close",), False),
    ],
)
async def test_a_connection_is_kept_where_the_api_does_not_close_it(header: tuple[str, ...], kept: bool) -> None:
    async def respond(request: Request, stream: ApiConnection) -> None:
        await stream.send(answer(200, b"whole", *header))

    async with FakeApi(respond) as upstream, transport(upstream.port) as opened:
        assert [await post(opened) for _ in range(2)] == [b"whole"] * 2

    assert upstream.connections == (1 if kept else 2)


async def test_a_connection_on_which_an_answer_declared_its_end_twice_is_not_used_again() -> None:
    async def respond(request: Request, stream: ApiConnection) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        await stream.send(head + b"5\r\nwhole\r\n0\r\n\r\n")

    async with FakeApi(respond) as upstream, transport(upstream.port) as opened:
        assert [await post(opened) for _ in range(2)] == [b"whole"] * 2

    assert upstream.connections == 2


async def test_a_kept_connection_is_closed_when_its_time_is_over() -> None:
    ended = anyio.Event()

    async def answer_and_wait(stream: ApiConnection) -> None:
        await stream.receive()
        await stream.send(answer(200, b"whole"))
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()
        ended.set()

    async with accepting(answer_and_wait) as port, transport(port, kept=0.01) as opened:
        await post(opened)
        await ended.wait()


async def test_a_connection_over_which_a_laptop_slept_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def respond(request: Request, stream: ApiConnection) -> None:
        await stream.send(answer(200, b"whole"))

    async with FakeApi(respond) as upstream, transport(upstream.port) as opened:
        await post(opened)
        awake = time.time
        # The clock of the event loop stands still meanwhile.
        monkeypatch.setattr(time, "time", lambda: awake() + 3600)
        await post(opened)

    assert upstream.connections == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_connection_whose_request_was_answered_before_it_was_read_is_not_used_again(
    scheme: str, certificates: Certificates
) -> None:
    connections: list[ApiConnection] = []

    async def answer_early(stream: ApiConnection) -> None:
        connections.append(stream)
        if scheme == "https":
            await stream.start_tls(certificates.valid)
        await stream.reader.readexactly(1)
        await stream.send(answer(413, b"too much"))
        await anyio.sleep_forever()

    url = f"{scheme}://127.0.0.1:{{}}"
    async with accepting(answer_early) as port, transport(port, url=url) as opened:
        assert [await post(opened, b"x" * MORE_THAN_BUFFERS_HOLD) for _ in range(2)] == [b"too much"] * 2

    assert len(connections) == 2


async def test_a_call_that_is_cancelled_just_as_its_connection_opens_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = anyio.Event()
    open_ = Connection.connection_made

    async def wait_for_the_end(stream: ApiConnection) -> None:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            while True:
                await stream.receive()
        closed.set()

    async with accepting(wait_for_the_end) as port, transport(port, kept=0) as opened:
        with anyio.CancelScope() as call:

            def open_and_cancel(connection: Connection, transport: asyncio.BaseTransport) -> None:
                open_(connection, transport)
                asyncio.get_running_loop().call_soon(call.cancel)

            monkeypatch.setattr(Connection, "connection_made", open_and_cancel)
            await post(opened)

        assert call.cancelled_caught
        await closed.wait()


async def test_a_call_that_ends_after_the_close_leaves_nothing_open() -> None:
    async def respond(request: Request, stream: ApiConnection) -> None:
        await opened.aclose()
        await stream.send(answer(200, b"late"))
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()
        closed.set()

    closed = anyio.Event()
    async with FakeApi(respond) as upstream, transport(upstream.port) as opened:
        assert await post(opened) == b"late"
        await closed.wait()


async def test_a_connection_that_closes_amid_a_large_request_is_an_error_of_the_transport() -> None:
    async def close(stream: ApiConnection) -> None:
        await stream.receive()
        await stream.aclose()

    async with accepting(close) as port, transport(port) as opened:
        with pytest.raises(httpx2.TransportError):
            await post(opened, b"x" * MORE_THAN_BUFFERS_HOLD)


@pytest.mark.posix  # on Windows, asyncio sends FIN before it closes a socket, whatever the socket's options are
@pytest.mark.parametrize("half", [answer(200, b"half", length=8), b"HTTP/1.1 200 OK\r\n\r\nhalf", b"HTTP/1.1 200 OK"])
async def test_a_connection_that_is_reset_amid_an_answer_is_an_error_of_the_transport(half: bytes) -> None:
    async def respond(request: Request, stream: ApiConnection) -> None:
        await stream.send(half)
        stream.reset()

    async with FakeApi(respond) as upstream, transport(upstream.port) as opened:
        with pytest.raises(httpx2.ReadError):
            await post(opened)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_request_that_the_api_is_slow_to_read_arrives_whole(scheme: str, certificates: Certificates) -> None:
    received = 0

    async def read_late(stream: ApiConnection) -> None:
        nonlocal received
        if scheme == "https":
            await stream.start_tls(certificates.valid)
        for _ in range(100):
            await anyio.lowlevel.checkpoint()
        while received < MORE_THAN_BUFFERS_HOLD:
            received += len(await stream.receive())
        await stream.send(answer(200, b"all of it"))

    async with accepting(read_late) as port, transport(port, url=f"{scheme}://127.0.0.1:{{}}") as opened:
        assert await post(opened, b"x" * MORE_THAN_BUFFERS_HOLD) == b"all of it"


async def test_what_comes_before_the_tls_handshake_is_vouched_for_by_nobody() -> None:
    async def greet(stream: ApiConnection) -> None:
        await stream.send(answer(200, b"nobody asked"))
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await stream.receive()

    async def wait_for_the_greeting(event: str, info: Mapping[str, Any]) -> None:
        while event == "connection.connect_tcp.complete" and not info["return_value"].is_closing():
            await anyio.lowlevel.checkpoint()

    async with accepting(greet) as port, transport(port, url="https://127.0.0.1:{}") as opened:
        with pytest.raises(httpx2.ConnectError):
            await post(opened, trace=wait_for_the_greeting)


async def test_a_handshake_that_is_not_answered_in_time_is_given_up() -> None:
    async with accepting(ApiConnection.wait_closed) as port, transport(port, url="https://127.0.0.1:{}") as opened:
        with pytest.raises(httpx2.ConnectTimeout):
            await post(opened, timeout={"connect": 0.2})


async def test_a_name_is_connected_to_whichever_of_its_addresses_answers() -> None:
    async def respond(request: Request, stream: ApiConnection) -> None:
        await stream.send(answer(200, b"hello"))

    async with FakeApi(respond) as upstream, transport(upstream.port, url="http://localhost:{}") as opened:
        assert await post(opened) == b"hello"


async def test_a_name_whose_addresses_all_refuse_is_an_error(unused_port: int) -> None:
    async with transport(unused_port, url="http://localhost:{}") as opened:
        with pytest.raises(httpx2.ConnectError):
            await post(opened)


async def test_a_request_that_http_cannot_say_is_not_sent() -> None:
    async def read(stream: ApiConnection) -> None:
        with suppress(anyio.EndOfStream):
            received.append(await stream.receive())

    received: list[bytes] = []
    async with accepting(read) as port, transport(port) as opened:
        request = httpx2.Request("POST", "http://127.0.0.1/", headers=[(b"Authorization", b"Bearer 1\r\nX: 2")])
        with pytest.raises(httpx2.LocalProtocolError):
            await opened.handle_async_request(request)

    assert received == []


async def test_an_answer_may_end_with_its_connection() -> None:
    async def respond(request: Request, stream: ApiConnection) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\n\r\nwhole")
        await stream.aclose()

    async with FakeApi(respond) as upstream, transport(upstream.port) as opened:
        assert await post(opened) == b"whole"


@pytest.mark.parametrize(
    ("lost_at", "error"),
    [
        # Before anything is sent, and when it may have been.
        ("connection.connect_tcp.complete", httpx2.ConnectError),
        ("http11.send_request_headers.started", httpx2.ReadError),
    ],
)
async def test_a_connection_that_is_lost_just_before_the_request_is_an_error_of_the_transport(
    lost_at: str, error: type[Exception]
) -> None:
    lose = anyio.Event()
    opened_as: list[asyncio.Transport] = []
    events: list[str] = []

    async def hang_up(stream: ApiConnection) -> None:
        await lose.wait()
        stream.reset()

    async def wait_for_the_end(event: str, info: Mapping[str, Any]) -> None:
        events.append(event)
        if event == "connection.connect_tcp.complete":
            opened_as.append(info["return_value"])
        if event == lost_at:
            lose.set()
            while not opened_as[0].is_closing():
                await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()

    async with accepting(hang_up) as port, transport(port) as opened:
        with pytest.raises(error):
            await post(opened, trace=wait_for_the_end)

    assert events[-1] == lost_at


async def test_nothing_is_sent_on_a_connection_that_is_being_closed() -> None:
    events: list[str] = []

    async def close(event: str, info: Mapping[str, Any]) -> None:
        events.append(event)
        if event == "connection.connect_tcp.complete":
            # As asyncio's TLS does when the API has ended the session right after its handshake.
            info["return_value"].close()

    async with accepting(lambda stream: stream.wait_closed()) as port, transport(port) as opened:
        with pytest.raises(httpx2.ConnectError):
            await post(opened, trace=close)

    assert events[-1] == "connection.connect_tcp.complete"


async def test_a_connection_over_tls_leaves_nothing_in_memory(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Connection.connection_made
    connections: list[weakref.ref[Connection]] = []

    def make(connection: Connection, transport: asyncio.BaseTransport) -> None:
        connections.append(weakref.ref(connection))
        made(connection, transport)

    async def respond(request: Request, stream: ApiConnection) -> None:
        await stream.send(answer(200, b"whole"))

    monkeypatch.setattr(Connection, "connection_made", make)
    gc.disable()
    try:
        async with (
            FakeApi(respond, certificates.valid) as upstream,
            transport(upstream.port, url="https://127.0.0.1:{}", kept=0) as opened,
        ):
            await post(opened)
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
    finally:
        gc.enable()

    # In the clear, and encrypted.
    assert [connection() for connection in connections] == [None, None]


# There the other end of the test is told of its own shutdown.
@pytest.mark.posix
async def test_a_connection_over_tls_that_ends_without_saying_so_is_not_used_again(certificates: Certificates) -> None:
    async def respond(request: Request, stream: ApiConnection) -> None:
        await stream.send(answer(200, b"whole"))
        stream.socket.shutdown(socket.SHUT_WR)

    url = "https://127.0.0.1:{}"
    async with FakeApi(respond, certificates.valid) as upstream, transport(upstream.port, url=url) as opened:
        assert [await post(opened) for _ in range(2)] == [b"whole"] * 2

    assert upstream.connections == 2


async def test_a_call_that_is_cancelled_while_it_looks_at_a_kept_connection_leaves_nothing_open() -> None:
    ended = anyio.Event()

    async def answer_and_wait(stream: ApiConnection) -> None:
        await stream.receive()
        await stream.send(answer(200, b"whole"))
        await stream.wait_closed()
        ended.set()

    async with accepting(answer_and_wait) as port, transport(port) as opened:
        await post(opened)
        call = asyncio.create_task(post(opened))
        await anyio.lowlevel.checkpoint()
        call.cancel()
        await ended.wait()

    assert call.cancelled()
