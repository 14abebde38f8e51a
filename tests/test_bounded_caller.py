"""Large calls are bounded by what they take in memory, until they are answered and until their requests have ended."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, Literal

import anyio
import anyio.lowlevel
import pytest

from support.fake_api import FakeApi, answer_never
from support.once import Api, Call, once_over, settled
from support.wire import ENDPOINT, SAVE, Era, connect, server_over
from wemasy_mcp.app import build_caller
from wemasy_mcp.bounded_caller import BoundedCaller, Overloaded, weigh_call, weigh_request
from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.json_weight import SMALL
from wemasy_mcp.settings import Settings

pytestmark = pytest.mark.anyio

KIBIBYTE = 1024


class Calls:
    """Calls with bodies of so many bytes, each different, through one bounded caller."""

    def __init__(self, limit: int, weigh: Callable[[bytes], int] = len) -> None:
        self.api = Api()
        self._caller = BoundedCaller(once_over(self.api), limit, weigh)
        self._number = 0

    async def begin(self, length: int) -> Call:
        self._number += 1
        call = Call(self._caller, body=b'{"kind":"fact","key":"%d"}'.ljust(length) % self._number)  # type: ignore[arg-type]
        await settled()
        return call


async def test_what_does_not_fit_is_refused_until_there_is_room_again() -> None:
    calls = Calls(3 * KIBIBYTE)
    first = await calls.begin(KIBIBYTE)
    second = await calls.begin(KIBIBYTE)

    refused = await (await calls.begin(2 * KIBIBYTE)).outcome()

    assert isinstance(refused, Overloaded)
    failure = refused.failure(ENDPOINT[SAVE])
    assert (failure.code, failure.outcome, failure.retryable) == ("unreachable", "not_applied", True)
    assert failure.message == "Too many large calls are in progress; this one was not sent."
    assert failure.retry_after_seconds == 5
    assert failure.hint == (
        "Nothing was saved. Send the same call again after 5 seconds, and large calls one after another."
    )
    calls.api.store(0)
    assert await first.stored_as() == 0
    third = await calls.begin(2 * KIBIBYTE - 100)
    calls.api.lose(1)
    calls.api.store(2)
    assert isinstance(await second.outcome(), WemasyError)
    assert await third.stored_as() == 2


async def test_what_would_never_fit_is_called_while_it_is_alone() -> None:
    calls = Calls(1)
    for number in range(2):
        alone = await calls.begin(KIBIBYTE)
        assert isinstance(await (await calls.begin(KIBIBYTE)).outcome(), Overloaded)
        calls.api.store(number)
        assert await alone.stored_as() == number


@pytest.mark.parametrize("weigh", [weigh_call, weigh_request])
async def test_small_calls_are_never_refused(weigh: Callable[[bytes], int]) -> None:
    calls = Calls(1, weigh)
    large = await calls.begin(2 * SMALL)
    small = [await calls.begin(SMALL) for _ in range(3)]

    assert isinstance(await (await calls.begin(2 * SMALL)).outcome(), Overloaded)
    for number in range(4):
        calls.api.store(number)
    assert [await call.stored_as() for call in (large, *small)] == [0, 1, 2, 3]


def test_a_call_weighs_its_copies_and_the_values_in_it() -> None:
    text, lists = b'{"a":"%s"}' % (b"v" * 2**20), b'{"a":[%s]}' % b",".join([b"[]"] * 100_000)

    assert 5 * len(text) < weigh_call(text) < 7 * len(text)
    assert weigh_call(lists) > 20 * 2**20
    assert weigh_call(b"[" * SMALL) == weigh_request(b"[" * SMALL) == 0


@pytest.mark.parametrize(("repeats", "answer_seconds", "most"), [("join", 4.5, 7), ("join", 0.2, 17), ("send", 4.5, 7)])
async def test_requests_are_bounded_until_they_have_ended_however_their_calls_ended(
    repeats: Literal["join", "send"], answer_seconds: float, most: int, era: Era
) -> None:
    codes: list[str] = []
    numbers = count()

    async with FakeApi(answer_never) as upstream:
        settings = Settings(
            api_token="some-token", base_url=upstream.url, repeats=repeats, answer_seconds=answer_seconds
        )
        caller, _ = build_caller(settings)
        async with connect(server_over(caller), era) as client, anyio.create_task_group() as tasks:

            async def call(number: int, length: int) -> None:
                result = await client.call_tool(SAVE, {"kind": "fact", "key": str(number), "value": "v" * length})
                assert result.structured_content is not None
                codes.append(result.structured_content["error"]["code"])

            with anyio.fail_after(20):
                while codes.count("unreachable") < 20 or len(upstream.requests) < most:
                    tasks.start_soon(call, next(numbers), 1_000_000)
                    await asyncio.sleep(0.02)
                tasks.start_soon(call, -1, 1)
                while len(upstream.requests) <= most:
                    await anyio.lowlevel.checkpoint()
            caller.stop()
        await caller.finish(0)
        await caller.aclose()

    large: list[Any] = [request for request in upstream.requests if len(request.body) > SMALL]
    assert len(large) == most
