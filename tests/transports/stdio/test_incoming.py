"""The stream from the client, on a real pipe."""

import json
import os
import socket
from typing import Any

import anyio
import pytest
from mcp import types
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCNotification, JSONRPCRequest

from wemasy_mcp.transports.pending import Pending
from wemasy_mcp.transports.stdio import incoming as incoming_module
from wemasy_mcp.transports.stdio.incoming import Incoming
from wemasy_mcp.transports.stdio.outgoing import MAX_BACKLOG, Outgoing
from wemasy_mcp.transports.stdio.pumps import PollingPump, Pump

from .conftest import Wire

PING = b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n'


class Session:
    """Both streams over one pump."""

    def __init__(self, pump: Pump) -> None:
        self.pending = Pending()
        self.outgoing = Outgoing(pump, self.pending)
        self.stopped = 0
        self.incoming = Incoming(pump, self.pending, self.outgoing, self.stop_calls)

    def stop_calls(self) -> None:
        self.stopped += 1

    async def receive(self) -> types.JSONRPCMessage:
        with anyio.fail_after(10):
            return (await self.incoming.receive()).message


@pytest.fixture
async def session(wire: Wire) -> Session:
    return Session(wire.pump)


async def read_answers(wire: Wire, session: Session, count: int) -> list[dict[str, Any]]:
    received = b""
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.outgoing.write_backlog)
            while received.count(b"\n") < count:
                received += await wire.read()
            tasks.cancel_scope.cancel()
    return [json.loads(line) for line in received.splitlines()]


async def test_every_message_before_the_end_of_input_is_read(wire: Wire, session: Session) -> None:
    os.write(wire.to_server, b'{"jsonrpc":"2.0","method":"a"}\n\n \r\n{"jsonrpc":"2.0","method":"b"}')
    os.close(wire.to_server)

    with anyio.fail_after(10):
        messages = [item.message async for item in session.incoming if isinstance(item, SessionMessage)]

    assert messages == [
        JSONRPCNotification(jsonrpc="2.0", method="a"),
        JSONRPCNotification(jsonrpc="2.0", method="b"),
    ]


async def test_an_id_in_flight_is_refused_and_so_is_a_broken_line_under_it(wire: Wire, session: Session) -> None:
    broken = b'{"jsonrpc":"2.0","id":7,"method":"ping","params":[1]}\n'
    os.write(wire.to_server, PING % 7 + PING % 7 + broken + PING % 8)

    asked = [await session.receive(), await session.receive()]

    assert [message.id for message in asked if isinstance(message, JSONRPCRequest)] == [7, 8]
    refused = await read_answers(wire, session, 2)
    assert [(it["id"], it["error"]["code"]) for it in refused] == [(None, types.INVALID_REQUEST)] * 2
    assert len(session.pending) == 2


@pytest.mark.parametrize("answers", ["before", "never"])
async def test_calls_that_outlast_the_grace_are_stopped_before_the_stream_ends(
    answers: str, wire: Wire, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming_module, "GRACE_SECONDS", 0.01)
    monkeypatch.setattr(incoming_module, "LAST_WORDS_SECONDS", 0.01)
    os.write(wire.to_server, PING % 1)
    await session.receive()
    if answers == "before":
        session.pending.settle(types.JSONRPCResponse(jsonrpc="2.0", id=1, result={}))
    os.close(wire.to_server)

    with pytest.raises(anyio.EndOfStream):
        await session.receive()

    assert session.stopped == (answers == "never")


@pytest.mark.parametrize("cause", ["unread answers", "requests in flight"])
async def test_no_more_is_read_while_there_is_no_room(
    cause: str, wire: Wire, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming_module, "MAX_PENDING", 2)
    os.write(wire.to_server, PING % 1 + PING % 2 + PING % 3)
    first = await session.receive()
    if cause == "unread answers":
        session.outgoing.put(JSONRPCNotification(jsonrpc="2.0", method="m" * (MAX_BACKLOG + 100_000)))
    else:
        await session.receive()

    with anyio.move_on_after(0.05) as waiting:
        await session.incoming.receive()
    assert waiting.cancelled_caught

    if cause == "unread answers":
        await read_answers(wire, session, 1)
    else:
        assert isinstance(first, JSONRPCRequest)
        session.pending.settle(types.JSONRPCResponse(jsonrpc="2.0", id=first.id, result={}))
    assert isinstance(await session.receive(), JSONRPCRequest)


async def test_reading_goes_on_once_a_request_in_flight_has_its_answer(
    wire: Wire, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming_module, "MAX_PENDING", 1)
    os.write(wire.to_server, PING % 1 + PING % 2)
    await session.receive()

    async def answer() -> None:
        await anyio.wait_all_tasks_blocked()
        session.pending.settle(types.JSONRPCResponse(jsonrpc="2.0", id=1, result={}))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer)
        assert isinstance(await session.receive(), JSONRPCRequest)


@pytest.mark.parametrize("room", [True, False])
async def test_a_signal_ends_the_stream_even_while_there_is_no_room(room: bool, wire: Wire, session: Session) -> None:
    if not room:
        session.outgoing.put(JSONRPCNotification(jsonrpc="2.0", method="m" * (MAX_BACKLOG + 100_000)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_end_soon, session)
        with pytest.raises(anyio.EndOfStream):
            await session.receive()


async def _end_soon(session: Session) -> None:
    await anyio.wait_all_tasks_blocked()
    session.incoming.end()


@pytest.mark.posix
async def test_a_socket_that_breaks_is_the_end_of_input() -> None:
    """As of a host that hands over one socket for stdin and stdout, and dies with answers unread."""
    ours, theirs = socket.socketpair()
    ours.send(b"an answer that is never read")
    theirs.close()
    with ours, pytest.raises(anyio.EndOfStream):
        await Session(PollingPump(ours.fileno(), ours.fileno())).receive()
