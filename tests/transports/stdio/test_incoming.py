"""The stream from the client, on a real pipe."""

import os
import socket
from collections.abc import Iterator

import anyio
import pytest
from mcp.types import JSONRPCNotification, JSONRPCRequest

from wemasy_mcp.transports.stdio.streams import GRACE_SECONDS, LAST_WORDS_SECONDS, Incoming, Outgoing


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


async def read(pipe: tuple[int, int], sent: bytes, outgoing: Outgoing) -> list[object]:
    """Return every message of what is sent before the end of input."""
    os.write(pipe[1], sent)
    os.close(pipe[1])
    with anyio.fail_after(10):
        async with Incoming(pipe[0], outgoing, lambda: None) as incoming:
            return [item.message async for item in incoming]


async def test_every_message_before_the_end_of_input_is_read(pipe: tuple[int, int]) -> None:
    sent = b'{"jsonrpc":"2.0","method":"a"}\n\n \r\n{"jsonrpc":"2.0","method":"b"}'

    assert await read(pipe, sent, Outgoing(-1)) == [
        JSONRPCNotification(jsonrpc="2.0", method="a"),
        JSONRPCNotification(jsonrpc="2.0", method="b"),
    ]


async def read_one(pipe: tuple[int, int], line: bytes, outgoing: Outgoing) -> object:
    """Return the first message of what is sent, while the input goes on."""
    os.write(pipe[1], line + b"\n")
    with anyio.fail_after(10):
        message = (await Incoming(pipe[0], outgoing, lambda: None).receive()).message
    os.close(pipe[1])
    return message


@pytest.mark.parametrize("params", [b"{}", b'{"requestId":null}', b'{"requestId":[1]}', b'{"requestId":"other"}'])
async def test_a_cancellation_that_names_no_request_settles_none(pipe: tuple[int, int], params: bytes) -> None:
    outgoing = Outgoing(-1)
    outgoing.expect_answer(1)

    line = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":%b}' % params
    message = await read_one(pipe, line, outgoing)

    assert isinstance(message, JSONRPCNotification)
    assert not await outgoing.wait_until_answered(0)


async def test_a_request_that_was_cancelled_is_not_waited_for(pipe: tuple[int, int]) -> None:
    outgoing = Outgoing(-1)
    outgoing.expect_answer(1)

    await read_one(pipe, b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}', outgoing)

    assert await outgoing.wait_until_answered(0)


async def test_an_id_that_is_used_twice_needs_two_answers(pipe: tuple[int, int]) -> None:
    outgoing = Outgoing(-1)
    outgoing.expect_answer(7)

    message = await read_one(pipe, b'{"jsonrpc":"2.0","id":7,"method":"m"}', outgoing)

    assert message == JSONRPCRequest(jsonrpc="2.0", id=7, method="m")
    outgoing.forget_answer(7)
    assert not await outgoing.wait_until_answered(0)
    outgoing.forget_answer(7)
    assert await outgoing.wait_until_answered(0)


async def test_calls_that_outlast_the_grace_are_stopped_before_the_stream_ends(pipe: tuple[int, int]) -> None:
    class NeverInTime(Outgoing):
        """Python 3.11's tracer does not see what follows a wait that was cut off, so this one is not waited for."""

        async def wait_until_answered(self, seconds: float) -> bool:
            happened.append(seconds)
            return False

    happened: list[object] = []
    os.close(pipe[1])

    with pytest.raises(anyio.EndOfStream):
        await Incoming(pipe[0], NeverInTime(-1), lambda: happened.append("stopped")).receive()

    assert happened == [GRACE_SECONDS, "stopped", LAST_WORDS_SECONDS]


async def test_a_socket_that_breaks_is_the_end_of_input() -> None:
    """As of a host that hands over one socket for stdin and stdout, and dies with answers unread."""
    ours, theirs = socket.socketpair()
    ours.send(b"an answer that is never read")
    theirs.close()
    with ours, anyio.fail_after(10):
        async with Incoming(ours.fileno(), Outgoing(-1), lambda: None) as incoming:
            assert [item async for item in incoming] == []
