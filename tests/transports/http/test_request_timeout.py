"""How long the server waits for a request, and for the calls under way when it is told to stop."""

import asyncio
import errno
import select
import socket
from contextlib import ExitStack

import anyio
import pytest
import uvicorn
from mcp.server.lowlevel import Server
from mcp.types import CallToolResult
from starlette.types import Receive, Scope, Send

from api_document import SAVE_MEMORY
from support.held_api import Upstream
from support.local import served
from support.processes import SECONDS, WAYS, Way, connect, transport_of
from support.raw_http import HEAD, LIST, REQUEST, answer_to, running
from wemasy_mcp.transports.http.asgi import Paths
from wemasy_mcp.transports.http.request_timeout import MAX_HEADERS, RequestTimeoutProtocol, _ClosingGently
from wemasy_mcp.transports.http.sse import SseSessions
from wemasy_mcp.transports.http.uvicorn_server import Patience


def list_head(fields: int) -> bytes:
    """The head of a request for the tools, without the empty line at its end."""
    head = HEAD % b"test" + b"Content-Length: %d\r\n" % len(LIST)
    return head + b"a:\r\n" * (fields + 1 - head.count(b"\r\n"))


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"POST /mcp HT"],
        [HEAD % b"test"],
        [HEAD % b"test" + b"Content-Length: %d\r\n\r\n" % len(LIST), LIST[:-1]],
        [HEAD % b"test" + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"],
    ],
    ids=["nothing", "half a line", "no end of headers", "half a body", "no last chunk"],
)
async def test_a_request_that_does_not_end_is_dropped(parts: list[bytes], upstream: Upstream) -> None:
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=0.1)) as host:
            assert await answer_to(host, *parts) == b""


async def test_a_head_without_end_is_not_kept_in_memory(upstream: Upstream) -> None:
    """64 KiB may come; the parsers differ in what they answer to more."""
    flood = b"X-Flood: " + b"x" * 1000 + b"\r\n"
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=SECONDS)) as host:
            received = await answer_to(host, HEAD % b"test", *[flood] * 60, *[flood] * 600)

    assert received.startswith(b"HTTP/1.1 4") or received == b""


@pytest.mark.parametrize("before", [b"", REQUEST], ids=["first", "behind another"])
@pytest.mark.parametrize("end", [b"\r\n" + LIST, b""], ids=["whole", "no end"])
async def test_a_head_of_too_many_fields_is_refused_before_it_is_read(
    before: bytes, end: bytes, upstream: Upstream
) -> None:
    """16 KiB of them would take 200 KB of memory, on each connection, and before anyone has authenticated."""
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=SECONDS)) as host:
            received = await answer_to(host, before + list_head(MAX_HEADERS + 1) + end)

    *served_before, refusal = received.split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in served_before] == [b"200"] * bool(before)
    assert refusal.startswith(b"431 ")
    assert b"\r\nconnection: close\r\n" in refusal.lower()


async def test_a_head_of_as_many_fields_as_are_allowed_is_served(upstream: Upstream) -> None:
    last = b"Connection: close\r\n\r\n" + LIST
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience()) as host:
            assert (await answer_to(host, list_head(MAX_HEADERS - 1), last)).startswith(b"HTTP/1.1 200 OK")


async def test_nothing_of_a_refused_head_is_kept_while_its_connection_closes(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    linger = RequestTimeoutProtocol.linger

    def linger_and_count(protocol: RequestTimeoutProtocol) -> None:
        linger(protocol)
        protocol.loop.call_soon(lambda: held.append(len(protocol.conn.trailing_data[0])))

    monkeypatch.setattr(RequestTimeoutProtocol, "linger", linger_and_count)
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=SECONDS)) as host:
            await answer_to(host, list_head(2 * MAX_HEADERS))

    assert held == [0]


async def test_a_second_request_on_the_connection_has_its_own_time(upstream: Upstream) -> None:
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=0.5)) as host:
            received = await answer_to(host, REQUEST, REQUEST, b"POST /mcp HT")

    assert received.count(b"HTTP/1.1 200 OK") == 2


async def test_a_refused_body_must_end_too(upstream: Upstream) -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: foreign\r\nContent-Length: 9\r\n\r\n{"
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=0.1)) as host:
            assert (await answer_to(host, head)).startswith(b"HTTP/1.1 421")


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_that_outlasts_the_grace_is_answered_truthfully(way: Way, upstream: Upstream) -> None:
    upstream.hold()
    results: list[CallToolResult] = []

    async def call(url: str) -> None:
        async with connect(url, way, {"Host": "test"}) as client:
            await client.list_tools()
            results.append(await client.call_tool(SAVE_MEMORY.tool, {"kind": "fact"}))

    with anyio.fail_after(SECONDS):
        async with (
            anyio.create_task_group() as tasks,
            running(upstream, Patience(calls=0.1), transport_of(way)) as host,
        ):
            tasks.start_soon(call, f"http://{host}/{'sse' if way == 'sse' else 'mcp'}")
            await anyio.to_thread.run_sync(upstream.wait_for_request)

    (content,) = [result.structured_content or {} for result in results]
    error = content["error"]
    assert (error["code"], error["outcome"]) == ("shutting_down", "unknown")


async def test_requests_that_come_just_as_the_server_stops_are_answered(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order: on a connection that was used before, on one that is accepted, and on those that are not yet."""
    connections: list[socket.socket] = []
    serve_until_told = uvicorn.Server.main_loop

    async def serve_and_be_asked_again(server: uvicorn.Server) -> None:
        await serve_until_told(server)
        connections.extend(socket.create_connection(address) for _ in range(20))
        for connection in connections:
            connection.sendall(REQUEST)

    monkeypatch.setattr("wemasy_mcp.transports.http.uvicorn_server._Server.main_loop", serve_and_be_asked_again)
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience()) as host:
            name, _, port = host.partition(":")
            address = (name, int(port))
            connections.extend(socket.create_connection(address) for _ in range(2))
            connections[0].sendall(REQUEST)
            first = await anyio.to_thread.run_sync(connections[0].recv, 65536)
        answers = [await anyio.to_thread.run_sync(everything, connection) for connection in connections]

    assert first.startswith(b"HTTP/1.1 200 OK")
    # The first may begin with what was left of the first answer.
    assert all(b"HTTP/1.1 200 OK" in answer for answer in answers)
    assert all(b"\r\nconnection: close\r\n" in answer for answer in answers)


async def test_a_connection_without_a_request_does_not_keep_the_server(upstream: Upstream) -> None:
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(latecomers=0.05)) as host:
            name, _, port = host.partition(":")
            connection = await anyio.connect_tcp(name, int(port))
        async with connection:
            with pytest.raises(anyio.EndOfStream):
                await connection.receive()


def everything(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


async def test_clients_that_never_finish_do_not_hold_the_stop_up(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """One stops amid its body, one does not read its answers."""
    with anyio.fail_after(SECONDS), ExitStack() as connections:
        async with running(upstream, Patience(latecomers=0.05, calls=0.2, answers=0.3)) as host:
            name, _, port = host.partition(":")
            for sent in (HEAD % b"test" + b"Content-Length: 9\r\n\r\n{", REQUEST * 10_000):
                connection = connections.enter_context(socket.create_connection((name, int(port))))
                connection.setblocking(False)
                connection.send(sent)
            await anyio.to_thread.run_sync(first_byte, connection)

    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def first_byte(connection: socket.socket) -> None:
    """Wait until something has come, and leave it there."""
    select.select([connection], [], [], SECONDS)


def test_a_client_that_has_gone_is_not_waited_for() -> None:
    class Gone(asyncio.Transport):
        is_aborted = False

        def is_closing(self) -> bool:
            return False

        def write_eof(self) -> None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

        def abort(self) -> None:
            self.is_aborted = True

    class Sending(RequestTimeoutProtocol):
        def __init__(self) -> None:
            """Without a server."""

        def is_arriving(self) -> bool:
            return True

    gone = Gone()
    _ClosingGently(gone, Sending()).close()

    assert gone.is_aborted


async def test_an_answer_that_never_comes_does_not_hold_the_stop_up(caplog: pytest.LogCaptureFixture) -> None:
    stopping, asked = anyio.Event(), anyio.Event()

    async def answer_when_left(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    app = Paths({"/mcp": answer_when_left}, SseSessions(Server("test"), stopping).running)
    with anyio.fail_after(SECONDS):
        async with served(app, stopping, Patience(latecomers=0, calls=0, answers=0.2)) as port:
            connection = await anyio.connect_tcp("127.0.0.1", port)
            await connection.send(REQUEST)
            await asked.wait()
        await connection.aclose()

    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
