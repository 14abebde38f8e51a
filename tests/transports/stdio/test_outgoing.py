"""The stream to the client, on a real pipe."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from mcp import types
from mcp.shared.message import ServerMessageMetadata, SessionMessage

from wemasy_mcp.core.request_context import CLIENT_HAS_LEFT
from wemasy_mcp.transports.pending import LocalRequest, Pending
from wemasy_mcp.transports.stdio.outgoing import MAX_BACKLOG, Outgoing

from .conftest import Wire

MORE_THAN_A_PIPE_HOLDS = 300_000


def answer(request_id: int, size: int) -> SessionMessage:
    return SessionMessage(types.JSONRPCResponse(jsonrpc="2.0", id=request_id, result={"text": "x" * size}))


async def read_lines(wire: Wire, count: int) -> list[int]:
    received = b""
    while received.count(b"\n") < count:
        received += await wire.read()
    assert b"\r" not in received
    return [json.loads(line)["id"] for line in received.splitlines()]


def expect(pending: Pending, request_id: int) -> Callable[[], bool]:
    """Have a request wait for its answer; return what its handler can ask: whether the client has left."""
    request = LocalRequest()
    message = types.JSONRPCRequest(jsonrpc="2.0", id=request_id, method="m")
    pending.take(SessionMessage(message, ServerMessageMetadata(request_context=request)))
    return lambda: request.scope[CLIENT_HAS_LEFT](request_id)


@asynccontextmanager
async def writing(wire: Wire, pending: Pending) -> AsyncIterator[Outgoing]:
    outgoing = Outgoing(wire.pump, pending)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outgoing.write_backlog)
            yield outgoing
            tasks.cancel_scope.cancel()


async def test_a_sender_that_is_cancelled_leaves_no_torn_line(wire: Wire) -> None:
    async with writing(wire, Pending()) as outgoing, anyio.create_task_group() as tasks:
        with anyio.CancelScope() as sending:
            sending.cancel()
            await outgoing.send(answer(1, MORE_THAN_A_PIPE_HOLDS))
        assert sending.cancelled_caught
        tasks.start_soon(outgoing.send, answer(2, 10))

        assert await read_lines(wire, 2) == [1, 2]


async def test_answers_count_as_given_only_when_they_are_written(wire: Wire) -> None:
    pending = Pending()
    expect(pending, 1)
    async with writing(wire, pending) as outgoing, anyio.create_task_group() as tasks:
        tasks.start_soon(outgoing.send, answer(1, MORE_THAN_A_PIPE_HOLDS))
        await anyio.wait_all_tasks_blocked()
        assert len(pending) == 1
        await read_lines(wire, 1)
        await pending.wait_until_empty()


async def test_a_client_that_has_gone_stops_nobody_and_its_answers_are_lost(wire: Wire) -> None:
    pending = Pending()
    has_left = [expect(pending, request_id) for request_id in (1, 2)]
    assert [it() for it in has_left] == [False, False]
    os.close(wire.from_server)
    async with writing(wire, pending) as outgoing:
        await outgoing.send(answer(1, 10))

    assert [it() for it in has_left] == [True, True]
    assert len(pending) == 1


async def test_a_client_that_goes_away_in_the_middle_of_an_answer_has_lost_it(wire: Wire) -> None:
    pending = Pending()
    has_left = expect(pending, 1)
    async with writing(wire, pending) as outgoing, anyio.create_task_group() as tasks:
        tasks.start_soon(outgoing.send, answer(1, MORE_THAN_A_PIPE_HOLDS))
        await wire.read()
        os.close(wire.from_server)
        await pending.wait_until_empty()

    assert has_left()


async def test_what_the_client_leaves_unread_fills_it_until_the_client_reads(wire: Wire) -> None:
    async with writing(wire, Pending()) as outgoing:
        for request_id in range(15):
            outgoing.put(answer(request_id, MAX_BACKLOG // 14).message)
            assert request_id >= 13 or not outgoing.is_full
        assert outgoing.is_full
        assert await read_lines(wire, 15) == list(range(15))
        await outgoing.wait_until_written()

        assert not outgoing.is_full
