"""Calls that are answered in time and written once, over a client whose HTTP is scripted and a server's every layer."""

import asyncio
import logging
from collections.abc import AsyncIterator

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from support.once import Api, Call, once_over, settled, silence
from support.wire import SAVE, UPDATE, server_over
from wemasy_mcp.core.client import WemasyClient
from wemasy_mcp.core.errors import (
    ConnectionLost,
    InternalError,
    Pending,
    ShuttingDown,
    TimedOut,
    Unreachable,
    WemasyError,
)
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.once import once_caller
from wemasy_mcp.once.once_caller import OnceCaller
from wemasy_mcp.once.repeats import KEPT_SECONDS, Repeats


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def silent_host() -> AsyncIterator[str]:
    async with silence() as host:
        yield host


async def test_the_same_call_while_one_is_under_way_joins_it(api: Api) -> None:
    once = once_over(api)
    first, second = Call(once), Call(once)
    await settled()
    assert len(api.requests) == 1
    api.store()

    assert await first.stored_as() == await second.stored_as() == 0
    assert first.attempt.notes == []
    (note,) = second.attempt.notes
    assert "already under way" in note
    assert (second.attempt.sent, second.attempt.status) == (True, 200)


@pytest.mark.parametrize(("tool", "body"), [(UPDATE, b'{"kind":"fact"}'), (SAVE, b'{"kind":"vector"}')])
async def test_another_call_is_sent(api: Api, tool: str, body: bytes) -> None:
    once = once_over(api)
    Call(once), Call(once, tool, body)
    await settled()

    assert len(api.requests) == 2
    await once.finish(0)


async def test_a_call_on_purpose_after_a_delivered_success_is_sent(api: Api) -> None:
    once = once_over(api)
    for number in range(2):
        call = Call(once)
        await settled()
        api.store(number)
        assert await call.stored_as() == number
        assert call.attempt.notes == []


async def test_one_of_two_joined_calls_is_cancelled_and_the_other_gets_the_answer(api: Api) -> None:
    once = once_over(api)
    first, second = Call(once), Call(once)
    await settled()
    await first.cancel()
    api.store()

    assert await second.stored_as() == 0
    assert first.attempt.runs_on
    assert first.reports == [("applied", "cancelled")]


async def test_a_call_that_is_cancelled_just_as_its_answer_comes_is_logged_with_that_answer(api: Api) -> None:
    once = once_over(api)
    first, second = Call(once), Call(once)
    await settled()
    # Asked once the answer is there: the second call is about to be woken, too.
    first.attempt.client_is_there = second.task.cancel
    api.store()

    assert await first.stored_as() == 0
    with pytest.raises(asyncio.CancelledError):
        await second.task
    assert second.reports == [("applied", "cancelled")]


@pytest.mark.parametrize("answered_first", [True, False])
async def test_a_cancelled_call_runs_to_its_end_and_its_repeat_is_given_the_answer_once(
    api: Api, *, answered_first: bool
) -> None:
    once = once_over(api)
    first = Call(once)
    await settled()
    await first.cancel()
    repeat = None if answered_first else Call(once)
    await settled()
    api.store()
    await settled()
    repeat = repeat or Call(once)

    assert await repeat.stored_as() == 0
    assert first.reports == [("applied", "cancelled")]
    assert len(repeat.attempt.notes) == 1
    assert len(api.requests) == 1
    Call(once)
    await settled()
    assert len(api.requests) == 2
    await once.finish(0)


async def test_an_answer_that_comes_late_is_pending_and_given_to_the_repeat(api: Api) -> None:
    once = once_over(api, answer_seconds=0.01)
    first = Call(once)
    error = await first.outcome()
    assert isinstance(error, Pending)
    assert error.retry_after_seconds == 5
    api.store()
    await settled()

    repeat = Call(once)
    assert await repeat.stored_as() == 0
    assert first.reports == [("applied", "pending")]
    assert "could not be delivered" in repeat.attempt.notes[0]


async def test_a_client_that_has_left_got_no_answer(api: Api) -> None:
    once = once_over(api)
    first = Call(once)
    first.is_there = False
    await settled()
    api.store()
    assert await first.stored_as() == 0

    assert await Call(once).stored_as() == 0
    assert len(api.requests) == 1


async def test_after_a_delivered_unknown_the_same_call_is_sent_and_noted_where_it_may_do_harm(api: Api) -> None:
    once = once_over(api)
    for number, tool in enumerate((SAVE, SAVE, UPDATE, UPDATE)):
        call = Call(once, tool)
        await settled()
        api.lose(number)
        assert isinstance(await call.outcome(), ConnectionLost)
        notes = call.attempt.notes

        assert len(notes) == (1 if number == 1 else 0)
        assert not notes or notes[0] == "An identical call 0 seconds ago may also have been saved."


async def test_a_call_that_was_not_applied_is_sent_again(api: Api) -> None:
    once = once_over(api)
    first = Call(once)
    await settled()
    await first.cancel()
    api.refuse()
    await settled()
    Call(once)
    await settled()

    assert first.reports == [("not_applied", "cancelled")]
    assert len(api.requests) == 2
    await once.finish(0)


async def test_a_call_that_has_sent_nothing_is_cancelled(silent_host: str) -> None:
    once = OnceCaller(WemasyClient(silent_host, timeout_seconds=5), answer_seconds=5, timeout_seconds=5)
    call = Call(once)
    await asyncio.sleep(0.05)
    await call.cancel()
    await settled()

    assert not call.attempt.runs_on
    assert call.reports == []
    await once.aclose()


async def test_two_calls_that_have_sent_nothing_are_cancelled_with_their_request(silent_host: str) -> None:
    once = OnceCaller(WemasyClient(silent_host, timeout_seconds=5), answer_seconds=5, timeout_seconds=5)
    first, second = Call(once), Call(once)
    await asyncio.sleep(0.05)
    await first.cancel()
    await second.cancel()
    await settled()

    assert not once._tasks
    assert (first.reports, second.reports) == ([("not_applied", "cancelled")], [])
    await once.aclose()


async def test_two_calls_of_which_nothing_is_sent_in_time_are_both_told_so(silent_host: str) -> None:
    once = OnceCaller(WemasyClient(silent_host, timeout_seconds=5), answer_seconds=0.1, timeout_seconds=5)
    calls = Call(once), Call(once)

    for call in calls:
        error = await call.outcome()
        assert isinstance(error, Unreachable)
        assert "within 0.1 seconds" in error.message
    await settled()
    assert not once._tasks
    await once.aclose()


async def test_the_repeat_of_a_call_that_is_just_being_cancelled_begins_anew(silent_host: str) -> None:
    once = OnceCaller(WemasyClient(silent_host, timeout_seconds=5), answer_seconds=0.2, timeout_seconds=5)
    first = Call(once)
    await asyncio.sleep(0.05)
    first.task.cancel()
    await asyncio.wait([first.task])
    repeat = Call(once)

    error = await repeat.outcome()
    assert isinstance(error, Unreachable)
    assert "within 0.2 seconds" in error.message
    assert repeat.attempt.notes == []
    await once.aclose()


async def test_a_call_whose_client_waits_as_long_as_the_request_is_told_how_it_ended(api: Api) -> None:
    error = await Call(once_over(api, answer_seconds=0.05, timeout_seconds=0.05)).outcome()

    assert isinstance(error, TimedOut)


async def test_what_has_been_kept_long_enough_is_forgotten_without_another_call(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once_caller, "EXPIRY_SECONDS", 0.01)
    now = [1000.0]
    repeats = Repeats(lambda: now[0])
    once = once_over(api, repeats=repeats)
    call = Call(once)
    await settled()
    await call.cancel()
    api.store()
    await settled()
    await asyncio.sleep(0.05)
    assert not repeats.is_empty
    now[0] += KEPT_SECONDS + 1
    with anyio.fail_after(5):
        while not repeats.is_empty:  # noqa: ASYNC110 - nothing else says so
            await asyncio.sleep(0.01)


async def test_a_call_that_has_sent_nothing_in_time_is_not_pending(silent_host: str) -> None:
    once = OnceCaller(WemasyClient(silent_host, timeout_seconds=5), answer_seconds=0.05, timeout_seconds=5)
    error = await Call(once).outcome()

    assert isinstance(error, Unreachable)
    await once.aclose()


async def test_a_stop_ends_what_runs_on_and_says_what_is_known(api: Api) -> None:
    once = once_over(api)
    left, waits = Call(once), Call(once, UPDATE)
    await settled()
    await left.cancel()
    await once.finish(0)

    assert isinstance(await waits.outcome(), ShuttingDown)
    assert left.reports == [("unknown", "cancelled")]


async def test_a_loop_that_ends_leaves_no_call_without_an_answer(api: Api) -> None:
    once = once_over(api)
    call = Call(once)
    await settled()
    for task in once._tasks:
        task.cancel()

    assert isinstance(await call.outcome(), ShuttingDown)


async def test_a_defect_is_an_answer_too(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    once = once_over(api)
    call = Call(once)
    await settled()
    api.requests[0].set_result(KeyError("never shown"))

    assert isinstance(await call.outcome(), InternalError)
    assert caplog.messages == ["internal error"]


async def test_what_is_kept_holds_no_frame_and_so_no_token(api: Api) -> None:
    once = once_over(api)
    call = Call(once)
    await settled()
    await call.cancel()
    api.lose()
    await settled()
    error = await Call(once).outcome()

    assert isinstance(error, ConnectionLost)
    (kept,) = once._repeats._ended.values()
    assert isinstance(kept.answer, WemasyError)
    assert kept.answer is not error
    assert (kept.answer.__traceback__, kept.answer.__context__, kept.answer.__cause__) == (None, None, None)


async def test_a_model_that_repeats_a_pending_call_reads_how_it_ended(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wemasy_mcp")
    arguments = {"kind": "fact", "key": "k", "value": "v"}
    async with Client(server_over(once_over(api, answer_seconds=0.01))) as client:
        first = (await client.call_tool(SAVE, arguments)).structured_content or {}
        api.store()
        await settled()
        second = (await client.call_tool(SAVE, arguments)).structured_content or {}

    assert first["error"]["code"] == "pending"
    assert first["error"]["outcome"] == "unknown"
    assert first["error"]["retryable"] is True
    assert "will not be sent twice" in first["error"]["hint"]
    assert (second["success"], second["data"]["id"]) == (True, 0)
    assert len(second["notes"]) == 1
    assert [line.partition(" ms=")[0] for line in caplog.messages] == [
        f"tool={SAVE} outcome=unknown code=pending status=-",
        f"tool={SAVE} outcome=applied code=pending status=200",
        f"tool={SAVE} outcome=applied code=ok status=200",
    ]


SCHEDULES = st.lists(st.sampled_from(["call", "give up", "answer", "lose", "refuse"]), max_size=30)


@given(SCHEDULES)
def test_no_intent_is_written_twice_and_no_repeat_on_purpose_is_lost(schedule: list[str]) -> None:
    """Hosts and people, in any order: every call is known to be a repeat or to be on purpose before it is made."""

    async def play() -> None:
        api = Api()
        once = once_over(api)
        waiting: list[Call] = []
        open_intents = 0
        """Calls that were given up, whose client will call again: that call is the same intent."""
        is_kept = under_way = False
        for step in schedule:
            sent_before = len(api.requests)
            match step:
                case "call":
                    is_repeat = open_intents > 0 and is_kept
                    joins = under_way
                    open_intents = max(0, open_intents - 1) if is_repeat or joins else open_intents
                    call = Call(once)
                    await settled()
                    assert len(api.requests) - sent_before == (0 if is_repeat or joins else 1)
                    if under_way or not is_repeat:
                        waiting.append(call)
                        is_kept = under_way = True
                    else:
                        assert _known(await call.outcome()) in {len(api.requests) - 1, None}
                case "give up" if waiting:
                    await waiting.pop().cancel()
                    open_intents += 1
                case "answer" | "lose" | "refuse" if under_way:
                    end = {"answer": api.store, "lose": api.lose, "refuse": api.refuse}[step]
                    end(len(api.requests) - 1)
                    await settled()
                    for call in waiting:
                        assert _known(await call.outcome()) in {len(api.requests) - 1, None}
                    waiting.clear()
                    under_way = False
                    is_kept = step != "refuse"
                    # What was refused was not written: whoever gave up has nothing to be told.
                    open_intents = open_intents if is_kept else 0
        await once.finish(0)
        for call in waiting:
            assert isinstance(await call.outcome(), ShuttingDown)

    asyncio.run(play())


def _known(answer: Reply | WemasyError) -> int | None:
    """The number of the request that an answer is of, where the answer holds it."""
    return answer.data["id"] if isinstance(answer, Reply) and answer.data else None
