"""Nothing that an API sends stalls the server: work grows with its size, ends at a limit, leaves room for others."""

import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import anyio.lowlevel
import h11
import pytest
from pydantic import SecretStr

from support.fake_api import FakeApi, Request
from support.listener import Connection
from support.program import TOKEN
from support.wire import ENDPOINT, SAVE
from wemasy_mcp.core.client import Attempt, WemasyClient
from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.upstream.http1 import MAX_ANSWER, MAX_HEAD

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SOCKETS_HOLD = 8 * 2**20
"""Bytes that may lie between two sockets on loopback, though nobody reads them."""

FLOODS = {
    "a line without end": (b"", b"x"),
    "a head of short lines": (HEAD, b"a:\r\n"),
    "a head of one folded header": (HEAD + b"a: b\r\n", b" c\r\n"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a chunk size without end": (CHUNKED, b"0"),
    "a chunk extension without end": (CHUNKED + b"1;", b"a"),
    "trailers": (CHUNKED + b"0\r\n", b"a:\r\n"),
    "chunks with long extensions": (CHUNKED, b"1;" + b"a" * 60_000 + b"\r\nx\r\n"),
    "blank lines before a head": (b"", b"\r\n"),
}


@asynccontextmanager
async def flooding(start: bytes, piece: bytes) -> AsyncIterator[tuple[WemasyClient, list[int]]]:
    """Yield a client of an API that never ends its answer, and how much of it has left."""
    block = piece * max(1, 2**16 // len(piece))
    sent = [0]

    async def respond(request: Request, connection: Connection) -> None:
        await connection.send(start)
        while True:
            await connection.send(block)
            sent[0] += len(block)

    async with FakeApi(respond) as api:
        client = WemasyClient(api.url, timeout_seconds=20)
        try:
            yield client, sent
        finally:
            await client.aclose()


async def call(client: WemasyClient) -> Any:
    return await client.call(
        ENDPOINT[SAVE], b'{"kind":"fact"}', token=SecretStr(TOKEN), user_agent="agent/1", attempt=Attempt()
    )


@pytest.mark.parametrize(("start", "piece"), FLOODS.values(), ids=FLOODS)
async def test_an_answer_without_end_is_cut_at_a_limit(start: bytes, piece: bytes) -> None:
    async with flooding(start, piece) as (client, sent):
        with pytest.raises(WemasyError) as raised:
            await call(client)

    # Not at the deadline, which would be `timed_out`.
    assert (raised.value.code, raised.value.outcome) == ("connection_lost", "unknown")
    limit = MAX_ANSWER if start == CHUNKED and len(piece) > 1000 else MAX_HEAD
    assert sent[0] <= limit + SOCKETS_HOLD


def one_byte_chunks(size: int) -> bytes:
    return CHUNKED + b"1\r\n{\r\n" * size + b"0\r\n\r\n"


def short_lines(size: int) -> bytes:
    return CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"\n" * size)


def headers(size: int) -> bytes:
    return HEAD + b"a:\r\n" * size + b"Content-Length: 0\r\n\r\n"


@contextmanager
def counted_work() -> Any:
    """Count every call of a function, of Python or of C, in the block."""
    counted = [0]

    def count(frame: object, event: str, argument: object) -> None:
        counted[0] += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield counted
    finally:
        sys.setprofile(before)


async def work_of(answer: bytes) -> int:
    async def respond(request: Request, connection: Connection) -> None:
        await connection.send(answer)

    async with FakeApi(respond) as api:
        client = WemasyClient(api.url, timeout_seconds=60)
        with counted_work() as counted, pytest.raises(WemasyError, match="Wemasy's documentation"):
            await call(client)
        await client.aclose()
    return int(counted[0])


@pytest.mark.parametrize(("form", "size"), [(one_byte_chunks, 5_000), (short_lines, 200_000), (headers, 5_000)])
async def test_twice_the_answer_is_at_most_twice_the_work(form: Any, size: int) -> None:
    assert await work_of(form(2 * size)) < 2.2 * await work_of(form(size))


async def test_other_calls_go_on_while_a_long_answer_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = 0
    events: Counter[int] = Counter()
    parse = h11.Connection.next_event

    async def take_turns() -> None:
        nonlocal turn
        while True:
            await anyio.lowlevel.checkpoint()
            turn += 1

    def parse_and_count(connection: h11.Connection) -> Any:
        events[turn] += 1
        return parse(connection)

    monkeypatch.setattr(h11.Connection, "next_event", parse_and_count)
    async with anyio.create_task_group() as others:
        others.start_soon(take_turns)
        await work_of(one_byte_chunks(20_000))
        others.cancel_scope.cancel()

    assert events.total() > 20_000
    assert max(events.values()) < 2_000
