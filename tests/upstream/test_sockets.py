"""Connections to the API, on real sockets."""

import ssl
from contextlib import suppress

import anyio
import anyio.lowlevel
import httpcore2
import pytest

from support.listener import Connection as ApiConnection
from support.listener import accepting
from wemasy_mcp.upstream.sockets import MAX_WAITING, Connection, Sockets

MORE_THAN_BUFFERS_HOLD = 64 * MAX_WAITING


async def test_what_comes_before_the_tls_handshake_is_vouched_for_by_nobody() -> None:
    async def greet(stream: ApiConnection) -> None:
        async with stream:
            await stream.send(b"HTTP/1.1 200 OK\r\n\r\n")
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await stream.receive()

    with anyio.fail_after(10):
        async with accepting(greet) as port:
            connection = await Sockets().connect_tcp("127.0.0.1", port)
            while not connection.get_extra_info("is_readable"):
                await anyio.lowlevel.checkpoint()

            with pytest.raises(httpcore2.ConnectError):
                await connection.start_tls(ssl.create_default_context(), "127.0.0.1")


async def test_an_answer_that_is_longer_than_what_may_wait_arrives_whole() -> None:
    async def send(stream: ApiConnection) -> None:
        async with stream:
            await stream.send(b"x" * MORE_THAN_BUFFERS_HOLD)
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await stream.receive()

    with anyio.fail_after(30):
        async with accepting(send) as port:
            connection = await Sockets().connect_tcp("127.0.0.1", port)
            assert isinstance(connection, Connection)
            while connection._transport.is_reading():
                await anyio.lowlevel.checkpoint()
            received = 0
            while received < MORE_THAN_BUFFERS_HOLD:
                received += len(await connection.read(65_536))
            await connection.aclose()

    assert received == MORE_THAN_BUFFERS_HOLD


async def test_a_request_that_the_api_is_slow_to_read_arrives_whole() -> None:
    may_read = anyio.Event()
    received = 0

    async def read_late(stream: ApiConnection) -> None:
        nonlocal received
        async with stream:
            await may_read.wait()
            while received < MORE_THAN_BUFFERS_HOLD:
                received += len(await stream.receive())
            await stream.send(b"\n")

    with anyio.fail_after(30):
        async with accepting(read_late) as port, anyio.create_task_group() as tasks:
            connection = await Sockets().connect_tcp("127.0.0.1", port)
            tasks.start_soon(connection.write, b"x" * MORE_THAN_BUFFERS_HOLD)
            await anyio.lowlevel.checkpoint()
            may_read.set()
            assert await connection.read(1) == b"\n"
            await connection.aclose()

    assert received == MORE_THAN_BUFFERS_HOLD


async def test_an_address_that_does_not_answer_in_time_is_given_up() -> None:
    with pytest.raises(httpcore2.ConnectTimeout):
        await Sockets().connect_tcp("127.0.0.1", 1, timeout=0)


async def test_a_name_is_connected_to_whichever_of_its_addresses_answers() -> None:
    async def greet(stream: ApiConnection) -> None:
        async with stream:
            await stream.send(b"hello")

    with anyio.fail_after(10):
        async with accepting(greet) as port:
            connection = await Sockets().connect_tcp("localhost", port)
            assert await connection.read(5) == b"hello"
            await connection.aclose()


async def test_a_name_whose_addresses_all_refuse_is_an_error(unused_port: int) -> None:
    with anyio.fail_after(10), pytest.raises(httpcore2.ConnectError):
        await Sockets().connect_tcp("localhost", unused_port)
