"""The stream to the client, on a real pipe."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress

import anyio
import pytest
from mcp import types
from mcp.shared.message import SessionMessage

from wemasy_mcp.transports.stdio.streams import Outgoing

MORE_THAN_A_PIPE_HOLDS = 300_000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    yield reading, writing
    for descriptor in (reading, writing):
        with suppress(OSError):
            os.close(descriptor)


def answer(request_id: int, size: int) -> SessionMessage:
    return SessionMessage(types.JSONRPCResponse(jsonrpc="2.0", id=request_id, result={"text": "x" * size}))


async def read_lines(descriptor: int, count: int) -> list[int]:
    received = b""
    while received.count(b"\n") < count:
        await anyio.wait_readable(descriptor)
        received += os.read(descriptor, 65_536)
    return [json.loads(line)["id"] for line in received.splitlines()]


def test_a_sender_that_is_cancelled_leaves_no_torn_line(pipe: tuple[int, int]) -> None:
    async def run() -> list[int]:
        outgoing = Outgoing(pipe[1])
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(outgoing.write_backlog)
                with anyio.CancelScope() as sending:
                    sending.cancel()
                    await outgoing.send(answer(1, MORE_THAN_A_PIPE_HOLDS))
                assert sending.cancelled_caught
                tasks.start_soon(outgoing.send, answer(2, 10))
                ids = await read_lines(pipe[0], 2)
                tasks.cancel_scope.cancel()
        return ids

    assert anyio.run(run) == [1, 2]


def test_answers_count_as_given_only_when_they_are_written(pipe: tuple[int, int]) -> None:
    async def run() -> list[bool]:
        outgoing = Outgoing(pipe[1])
        outgoing.expect_answer(1)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(outgoing.write_backlog)
                tasks.start_soon(outgoing.send, answer(1, MORE_THAN_A_PIPE_HOLDS))
                before = await outgoing.wait_until_answered(0)
                await read_lines(pipe[0], 1)
                after = await outgoing.wait_until_answered(5)
                tasks.cancel_scope.cancel()
        return [before, after]

    assert anyio.run(run) == [False, True]


def test_a_client_that_has_gone_stops_nobody(pipe: tuple[int, int]) -> None:
    async def run() -> bool:
        outgoing = Outgoing(pipe[1])
        outgoing.expect_answer(1)
        os.close(pipe[0])
        with anyio.fail_after(5):
            await outgoing.send(answer(1, 10))
        return await outgoing.wait_until_answered(0)

    assert anyio.run(run)
