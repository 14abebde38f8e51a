"""Repeats across replicas: two callers with one real Redis between them, and an API that counts."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from redis import Redis

from support.held_api import Upstream
from support.once import Api, Call, once_over, settled, silence
from support.processes import connect, serving
from support.program import TOKEN
from support.redis_server import RedisServer, needs_redis, redis_running
from support.wire import SAVE
from wemasy_mcp.bounded_caller import Overloaded
from wemasy_mcp.core.client import WemasyClient
from wemasy_mcp.core.errors import ConnectionLost, ServerFailed, ShuttingDown, Unreachable, ValidationFailed
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.once.once_caller import OnceCaller
from wemasy_mcp.once.repeats import Elsewhere
from wemasy_mcp.shared_state import redis_connection, redis_repeats
from wemasy_mcp.shared_state.redis_address import open_redis
from wemasy_mcp.shared_state.redis_connection import RedisConnection
from wemasy_mcp.shared_state.redis_repeats import RedisRepeats
from wemasy_mcp.shared_state.shared_call import SharedCall

pytestmark = needs_redis

VALUE = "a value that Redis never holds"
BODY = json.dumps({"kind": "fact", "value": VALUE}, separators=(",", ":")).encode()


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with redis_running() as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.url) as client:
        client.flushall()
        yield client


class Replicas:
    """Processes of the server, as far as repeats go."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: list[RedisRepeats] = []

    def start(self, api: Api, answer_seconds: float = 60.0, timeout_seconds: float = 60.0) -> OnceCaller:
        return once_over(api, answer_seconds, self.repeats(), timeout_seconds)

    def repeats(self) -> RedisRepeats:
        self._opened.append(RedisRepeats(RedisConnection(open_redis(self._url), patience_seconds=5)))
        return self._opened[-1]

    async def stop(self) -> None:
        for repeats in self._opened:
            await repeats.aclose()


@pytest.fixture
async def replicas(redis: Redis, redis_server: RedisServer) -> AsyncIterator[Replicas]:
    started = Replicas(redis_server.url)
    yield started
    await started.stop()


@pytest.fixture
def api() -> Api:
    return Api()


async def requests_at(api: Api, number: int) -> None:
    with anyio.fail_after(5):
        while len(api.requests) < number:  # noqa: ASYNC110 - nothing else says so
            await asyncio.sleep(0.005)


async def ended(redis: Redis, *states: bytes | None) -> None:
    """Return once the one call that Redis knows is in one of the states; None: it is not there."""
    with anyio.fail_after(5):
        while (redis.hget(next(redis.scan_iter(_type="hash"), b"none"), "state")) not in states:  # noqa: ASYNC110 - nothing else says so
            await asyncio.sleep(0.005)


def key_of_the_call() -> str:
    return SharedCall.of(TOKEN, SAVE, BODY).key


def call(once: OnceCaller) -> Call:
    return Call(once, SAVE, BODY)


async def joined_elsewhere(api: Api, here: OnceCaller, there: OnceCaller) -> tuple[Call, Call]:
    """Return a call under way at one replica, and the same call at another, which waits for it."""
    first = call(here)
    await requests_at(api, 1)
    joined = call(there)
    await asyncio.sleep(0.1)
    return first, joined


async def test_a_call_that_another_replica_has_under_way_is_joined(api: Api, replicas: Replicas, redis: Redis) -> None:
    here, there = replicas.start(api), replicas.start(api)
    first, second = await joined_elsewhere(api, here, there)
    api.store()

    assert await first.stored_as() == await second.stored_as() == 0
    assert len(api.requests) == 1
    assert (len(first.attempt.notes), len(second.attempt.notes)) == (0, 1)
    await ended(redis, None)
    on_purpose = call(there)
    await requests_at(api, 2)
    api.store(1)
    assert await on_purpose.stored_as() == 1


@pytest.mark.parametrize("ends_first", [True, False])
async def test_what_one_replica_could_not_deliver_is_given_by_another_once(
    api: Api, replicas: Replicas, redis: Redis, *, ends_first: bool
) -> None:
    here, there = replicas.start(api), replicas.start(api)
    first = call(here)
    await requests_at(api, 1)
    await first.cancel()
    if ends_first:
        api.store()
        await ended(redis, b"ended")
        repeat = call(there)
    else:
        repeat = call(there)
        await asyncio.sleep(0.1)
        api.store()

    assert await repeat.stored_as() == 0
    assert len(repeat.attempt.notes) == 1
    await ended(redis, None)
    for number, once in enumerate((here, there), start=1):
        on_purpose = call(once)
        await requests_at(api, number + 1)
        api.store(number)
        assert await on_purpose.stored_as() == number
        assert on_purpose.attempt.notes == []


async def test_a_client_that_left_unseen_is_owed_the_answer_in_every_replica(api: Api, replicas: Replicas) -> None:
    here, there = replicas.start(api), replicas.start(api)
    first = call(here)
    first.is_there = False
    await requests_at(api, 1)
    api.store()
    await first.outcome()
    await asyncio.sleep(0.05)

    assert await call(there).stored_as() == 0
    assert len(api.requests) == 1


async def test_a_repeat_here_counts_in_every_replica(api: Api, replicas: Replicas, redis: Redis) -> None:
    here, there = replicas.start(api), replicas.start(api)
    first = call(here)
    await requests_at(api, 1)
    await first.cancel()
    await asyncio.sleep(0.05)
    repeat = call(here)
    await asyncio.sleep(0.05)
    api.store()
    assert await repeat.stored_as() == 0
    await ended(redis, None)

    call(there)
    await requests_at(api, 2)
    await there.finish(0)


async def test_a_delivered_unknown_is_noted_by_every_replica(api: Api, replicas: Replicas, redis: Redis) -> None:
    here, there = replicas.start(api), replicas.start(api)
    first = call(here)
    await requests_at(api, 1)
    api.lose()
    assert isinstance(await first.outcome(), ConnectionLost)
    await ended(redis, b"ended")
    second = call(there)
    await requests_at(api, 2)
    api.store(1)

    assert await second.stored_as() == 1
    assert second.attempt.notes == ["An identical call 0 seconds ago may also have been saved."]


async def test_a_refusal_leaves_no_trace(api: Api, replicas: Replicas, redis: Redis) -> None:
    here, there = replicas.start(api), replicas.start(api)
    first, second = await joined_elsewhere(api, here, there)
    await first.cancel()
    api.refuse()

    assert isinstance(await second.outcome(), ValidationFailed)
    await ended(redis, None)


async def test_a_replica_that_dies_leaves_an_unknown_outcome_and_never_a_second_write(
    api: Api, replicas: Replicas, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = replicas.start(api), replicas.start(api)
    _, waiting = await joined_elsewhere(api, here, there)
    (key,) = redis.scan_iter()
    redis.hset(key, "deadline", 1)

    assert isinstance(await waiting.outcome(), ConnectionLost)
    assert len(api.requests) == 1
    third = replicas.start(api)
    noted = call(third)
    await requests_at(api, 2)
    api.store(1)
    assert await noted.stored_as() == 1
    assert len(noted.attempt.notes) == 1
    await here.finish(0)


async def test_the_repeat_of_a_call_whose_replica_died_is_told_so_once(
    api: Api, replicas: Replicas, redis: Redis
) -> None:
    here, there = replicas.start(api), replicas.start(api)
    call(here)
    await requests_at(api, 1)
    (key,) = redis.scan_iter()
    redis.hset(key, "deadline", 1)

    assert isinstance(await call(there).outcome(), ConnectionLost)
    assert len(api.requests) == 1
    call(there)
    await requests_at(api, 2)
    for once in (here, there):
        await once.finish(0)


async def test_a_repeat_of_a_call_whose_replica_died_stands_for_the_one_that_joined_it(
    api: Api, replicas: Replicas, redis: Redis
) -> None:
    here, there = replicas.start(api), replicas.start(api)
    _, joined = await joined_elsewhere(api, here, there)
    await joined.cancel()
    await asyncio.sleep(0.05)
    redis.hset(key_of_the_call(), "deadline", 1)
    await ended(redis, b"ended")

    assert isinstance(await call(there).outcome(), ConnectionLost)
    assert len(api.requests) == 1
    await here.finish(0)


async def test_a_call_that_joined_gets_that_answer_although_the_same_is_called_again_at_once(
    api: Api, replicas: Replicas, redis: Redis
) -> None:
    here, there = replicas.start(api), replicas.start(api)
    first, joined = await joined_elsewhere(api, here, there)
    api.store()
    assert await first.stored_as() == 0
    on_purpose = call(here)
    await requests_at(api, 2)

    assert await joined.stored_as() == 0
    api.store(1)
    assert await on_purpose.stored_as() == 1


async def test_the_same_call_on_purpose_elsewhere_is_sent_as_soon_as_the_first_is_answered(
    api: Api, replicas: Replicas
) -> None:
    for number in range(6):
        made = call(replicas.start(api))
        await requests_at(api, number + 1)
        api.store(number)
        assert await made.stored_as() == number


async def test_a_joined_call_shows_the_request_that_was_sent_and_what_may_have_been_stored_before(
    api: Api, replicas: Replicas, redis: Redis
) -> None:
    here, there = replicas.start(api), replicas.start(api)
    earlier = call(here)
    await requests_at(api, 1)
    api.lose()
    await earlier.outcome()
    first = call(here)
    await requests_at(api, 2)
    joined = call(there)
    await asyncio.sleep(0.1)
    api.store(1)
    await first.stored_as()
    await joined.stored_as()

    assert joined.attempt.request_id == first.attempt.request_id
    assert joined.attempt.status == 200
    assert joined.attempt.notes[1:] == first.attempt.notes
    assert "may also have been saved" in first.attempt.notes[0]


async def test_an_undelivered_unknown_that_is_given_is_not_said_to_be_another(api: Api, replicas: Replicas) -> None:
    once = replicas.start(api)
    first = call(once)
    await requests_at(api, 1)
    await first.cancel()
    await asyncio.sleep(0.05)
    api.lose()
    await asyncio.sleep(0.05)
    repeat = call(once)

    assert isinstance(await repeat.outcome(), ConnectionLost)
    assert len(repeat.attempt.notes) == 1
    assert repeat.attempt.request_id == first.attempt.request_id


async def test_a_refusal_does_not_hide_an_earlier_unknown(api: Api, replicas: Replicas) -> None:
    for number, end in enumerate((api.lose, api.refuse)):
        made = call(replicas.start(api))
        await requests_at(api, number + 1)
        end(number)
        await made.outcome()
    third = call(replicas.start(api))
    await requests_at(api, 3)
    api.store(2)

    assert await third.stored_as() == 2
    assert "may also have been saved" in third.attempt.notes[0]


@pytest.mark.parametrize("state", ["nothing", "under way", "kept"])
async def test_a_call_that_is_cancelled_while_the_others_are_asked_takes_nothing(
    api: Api, replicas: Replicas, redis: Redis, state: str
) -> None:
    here, there = replicas.start(api), replicas.start(api)
    if state != "nothing":
        first = call(here)
        await requests_at(api, 1)
        await first.cancel()
        await asyncio.sleep(0.05)
    if state == "kept":
        api.store()
        await ended(redis, b"ended")
    hasty = call(there)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await hasty.cancel()
    await there.finish(5)
    assert hasty.reports == []
    assert not hasty.attempt.runs_on

    third = replicas.start(api)
    repeat = call(third)
    if state == "under way":
        await asyncio.sleep(0.1)
    if state != "kept":
        await requests_at(api, 1)
        api.store()
    assert await repeat.stored_as() == 0
    assert len(api.requests) == 1


async def test_a_call_that_joined_one_that_was_given_up_unsent_is_sent_itself(api: Api, replicas: Replicas) -> None:
    async with silence() as host:
        client = WemasyClient(host, timeout_seconds=5)
        here = OnceCaller(client, answer_seconds=5, timeout_seconds=5, replicas=replicas.repeats())
        there = replicas.start(api)
        unsent = call(here)
        await asyncio.sleep(0.1)
        joined = call(there)
        await asyncio.sleep(0.1)
        assert api.requests == []
        await unsent.cancel()
        await requests_at(api, 1)
        api.store()

        assert await joined.stored_as() == 0
        assert joined.attempt.notes == []
        assert joined.attempt.request_id != unsent.attempt.request_id
        await client.aclose()


@pytest.mark.parametrize("stopped_first", [True, False])
async def test_a_stop_ends_a_call_that_waits_for_another_replica(
    api: Api, replicas: Replicas, *, stopped_first: bool
) -> None:
    here, there = replicas.start(api), replicas.start(api)
    call(here)
    await requests_at(api, 1)
    if stopped_first:
        there.stop()
    joined = call(there)
    await asyncio.sleep(0.1)
    there.stop()

    assert isinstance(await joined.outcome(), ShuttingDown)
    assert joined.attempt.sent
    await here.finish(0)


async def test_a_call_that_waits_for_a_replica_whose_event_loop_ends_is_told_so(api: Api, replicas: Replicas) -> None:
    here, there = replicas.start(api), replicas.start(api)
    _, joined = await joined_elsewhere(api, here, there)
    for task in list(here._tasks):
        task.cancel()

    assert isinstance(await joined.outcome(), ShuttingDown)


@pytest.mark.parametrize("answered_first", [True, False])
async def test_an_answer_that_redis_held_is_given_from_memory_where_redis_is_away(
    api: Api, *, answered_first: bool
) -> None:
    with redis_running() as server:
        replicas = Replicas(server.url)
        once = replicas.start(api)
        first = call(once)
        await requests_at(api, 1)
        await first.cancel()
        await asyncio.sleep(0.1)
        if answered_first:
            api.store()
            await asyncio.sleep(0.1)
        server.stop()
        if not answered_first:
            api.store()
            await asyncio.sleep(0.1)
        repeat = call(once)

        assert await repeat.stored_as() == 0
        assert repeat.attempt.request_id == first.attempt.request_id
        on_purpose = call(once)
        await requests_at(api, 2)
        api.store(1)
        assert await on_purpose.stored_as() == 1
        await replicas.stop()


@pytest.mark.parametrize("asks_at_once", [True, False])
async def test_a_redis_that_was_away_as_an_answer_came_is_told_later(
    api: Api, redis: Redis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, *, asks_at_once: bool
) -> None:
    monkeypatch.setattr(redis_connection, "REST_SECONDS", 0.05)
    monkeypatch.setattr(redis_repeats, "RETRY_SECONDS", 60 if asks_at_once else 0.05)
    hasty = RedisRepeats(RedisConnection(open_redis(redis_server.url), patience_seconds=0.2))
    here = once_over(api, replicas=hasty)
    first = call(here)
    await requests_at(api, 1)
    redis.client_pause(400)
    api.store()
    assert await first.stored_as() == 0
    assert redis.client_unpause()
    await asyncio.sleep(0.2)
    if not asks_at_once:
        await ended(redis, None)
    on_purpose = call(here)
    await requests_at(api, 2)
    api.store(1)

    assert await on_purpose.stored_as() == 1
    assert on_purpose.attempt.notes == []
    await hasty.aclose()


async def test_what_redis_must_be_told_is_bounded_in_number_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_repeats, "MAX_UNREPORTED", 2)
    monkeypatch.setattr(redis_repeats, "KEPT_SECONDS", 0.1)
    monkeypatch.setattr(redis_repeats, "RETRY_SECONDS", 0.05)
    with redis_running() as server:
        repeats = RedisRepeats(RedisConnection(open_redis(server.url)))
    for number in range(20):
        made = repeats.call(TOKEN, SAVE, b"%d" % (number // 5))
        await repeats.end(made, str(number), Reply(None, None, None, ()), 200)
    assert [len(one.commands) for one in repeats._unreported.values()] == [4, 4]

    with anyio.fail_after(5):
        while repeats._unreported or repeats._retrying:  # noqa: ASYNC110 - nothing else says so
            await asyncio.sleep(0.01)
    await repeats.aclose()


async def test_redis_holds_no_token_and_no_value_and_its_keys_expire(
    api: Api, replicas: Replicas, redis: Redis
) -> None:
    first = call(replicas.start(api))
    await requests_at(api, 1)
    (key,) = redis.scan_iter()
    assert 590_000 < int(str(redis.pttl(key))) <= 600_000
    await first.cancel()
    api.store()
    await ended(redis, b"ended")

    held = repr((key, redis.hgetall(key)))
    for secret in (TOKEN, VALUE, "fact", '"id"'):
        assert secret not in held
    assert 590_000 < int(str(redis.pttl(key))) <= 600_000


@pytest.mark.parametrize(
    "answer",
    [
        Reply("Gespeichert ✓", {"id": 1, "nested": [{"a": None}]}, None, ("a note",)),
        ServerFailed(status=503, retry_after_seconds=7),
    ],
)
async def test_an_answer_travels_whole(replicas: Replicas, redis_server: RedisServer, answer: Any) -> None:
    connection = RedisConnection(open_redis(redis_server.url), patience_seconds=5)
    repeats = RedisRepeats(connection)
    made = repeats.call(TOKEN, SAVE, BODY)
    assert await repeats.begin(made, "first", 20) == Elsewhere()
    assert await repeats.owe(made, "first", None, None)
    await repeats.end(made, "first", answer, 200)
    found = await repeats.begin(repeats.call(TOKEN, SAVE, BODY), "second", 20)
    await connection.aclose()

    assert found is not None
    assert (found.request_id, found.status) == ("first", 200)
    if isinstance(answer, Reply):
        assert found.answer == answer
    else:
        assert type(found.answer) is type(answer)
        assert vars(found.answer) == vars(answer)


def test_an_error_that_only_this_process_knows_travels_as_what_it_is_a_kind_of() -> None:
    made = SharedCall.of(TOKEN, SAVE, BODY)
    found = made.opened(made.sealed(Overloaded(retry_after_seconds=5), None).encode())

    assert found is not None
    answer, _ = found
    assert isinstance(answer, Unreachable)
    assert (answer.message, answer.retry_after_seconds) == (Overloaded.default_message, 5)


@pytest.mark.parametrize(
    "members",
    [
        {"state": "ended", "owed": 1, "outcome": "applied", "answer": "forged", "ended": 1},
        {"state": "ended", "owed": "many", "outcome": "applied"},
        {"state": "nonsense", "owed": 1},
        {"state": "ended", "owed": 1, "answer": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ended": "x"},
    ],
)
async def test_what_no_replica_wrote_is_passed_over(
    api: Api, replicas: Replicas, redis: Redis, members: dict[str, Any]
) -> None:
    once = replicas.start(api)
    key = key_of_the_call()
    for name, value in members.items():
        redis.hset(key, name, value)
    made = call(once)
    await requests_at(api, 1)
    api.store()

    assert await made.stored_as() == 0


async def test_a_key_of_another_type_costs_nothing_but_the_sharing(api: Api, replicas: Replicas, redis: Redis) -> None:
    once = replicas.start(api)
    redis.set(RedisRepeats.call(once._replicas, TOKEN, SAVE, BODY).key, "text")  # type: ignore[arg-type]
    made = call(once)
    await requests_at(api, 1)
    await made.cancel()
    api.store()
    await settled()
    await asyncio.sleep(0.05)

    assert await call(once).stored_as() == 0
    assert len(api.requests) == 1


async def test_a_call_waits_no_longer_than_a_request_may_take(
    api: Api, replicas: Replicas, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_repeats, "MARGIN_SECONDS", 0.05)
    here, there = replicas.start(api), replicas.start(api, timeout_seconds=0.05)
    call(here)
    await requests_at(api, 1)
    error = await call(there).outcome()

    assert getattr(error, "code", None) == "timed_out"
    assert len(api.requests) == 1
    await here.finish(0)


async def test_two_servers_write_a_call_that_its_client_repeats_elsewhere_once(
    redis: Redis, redis_server: RedisServer, upstream: Upstream
) -> None:
    settings = {
        "WEMASY_BASE_URL": upstream.url,
        "WEMASY_REDIS_URL": redis_server.url,
        "WEMASY_ANSWER_SECONDS": "0.3",
    }
    arguments = {"kind": "fact", "key": "once", "value": VALUE}
    upstream.hold()
    with (
        serving("--transport", "streamable-http", **settings) as first,
        serving("--transport", "streamable-http", **settings) as second,
    ):
        async with connect(first.url, "streamable-http 2026") as client:
            pending = (await client.call_tool(SAVE, arguments)).structured_content or {}
        upstream.release()
        async with connect(second.url, "streamable-http 2026") as client:
            told = (await client.call_tool(SAVE, arguments)).structured_content or {}

    assert pending["error"]["code"] == "pending"
    assert told["success"] is True
    assert len(upstream.bodies) == 1
