"""The connection to Redis: whatever is at its other end, a question is answered in time and nothing is raised."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
import trustme

from support.listener import Connection, accepting
from support.processes import SECONDS
from support.redis_server import RedisServer, needs_redis, redis_running, tls_options
from support.refusals import Refusal
from support.relay import relaying
from wemasy_mcp.core.cooldown import account_key
from wemasy_mcp.retry_after import MAX_WAIT
from wemasy_mcp.shared_state import redis_connection
from wemasy_mcp.shared_state.redis_address import open_redis
from wemasy_mcp.shared_state.redis_connection import REST_SECONDS, RedisConnection
from wemasy_mcp.shared_state.redis_cooldown import PREFIX, RedisCooldown

ACCOUNT = account_key("anna")
PING = ("PING",)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_running() as server:
        yield server


@asynccontextmanager
async def connection(
    url: str, patience: float = SECONDS, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[RedisConnection]:
    opened = RedisConnection(open_redis(url), clock, patience)
    try:
        yield opened
    finally:
        await opened.aclose()


async def connected(shared: RedisConnection) -> None:
    """Return once Redis answers."""
    while await shared.ask(PING) is None:  # noqa: ASYNC110 - what goes on in the background sets no event
        await anyio.sleep(0.01)


@asynccontextmanager
async def answering(answer: Callable[[bytes], bytes | None]) -> AsyncIterator[str]:
    """Be a Redis that answers each piece of a request with `answer`'s bytes; None closes the connection."""

    async def converse(client: Connection) -> None:
        while (said := answer(await client.receive())) is not None:
            await client.send(said)

    async with accepting(converse) as port:
        yield f"redis://127.0.0.1:{port}"


@needs_redis
@pytest.mark.parametrize(
    "stored",
    [
        ("SET", "1", "EX", 1_000_000_000),
        ("SET", "1", "PX", MAX_WAIT * 1000 + 60_000),
        ("SET", "for ever"),
        ("RPUSH", "a", "b"),
        ("HSET", "a", "b"),
    ],
    ids=lambda stored: " ".join(map(str, stored)),
)
async def test_a_wait_that_no_replica_would_write_is_passed_over(redis: RedisServer, stored: tuple[str, ...]) -> None:
    async with connection(redis.url) as shared:
        command, *values = stored
        await shared.ask(("DEL", PREFIX + ACCOUNT), (command, PREFIX + ACCOUNT, *values))

        assert await RedisCooldown(shared).seconds_left(ACCOUNT) == 0
        # And it can still be shared, where the key allows it.
        await RedisCooldown(shared).close(ACCOUNT, 60)


@pytest.mark.parametrize(
    "said",
    [
        b"+OK\r\n",
        b"$2\r\nno\r\n",
        b":60000000000000\r\n",
        b":-5\r\n",
        b":" + b"9" * 5000 + b"\r\n",
        b":sixty\r\n",
        b"*-1\r\n",
        b"*1\r\n" * 5000 + b":1\r\n",
        b"$-1\r\n",
        b"$99999999999\r\nx",
        b"-ERR no such command\r\n",
        b"-\r\n",
        b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\xff" * 1000,
        None,
    ],
    ids=lambda said: repr(said)[:30],
)
async def test_no_answer_raises_or_keeps_anybody_back(said: bytes | None) -> None:
    async with answering(lambda asked: said) as url, connection(url, patience=0.2) as shared:
        cooldown = RedisCooldown(shared)
        with anyio.fail_after(SECONDS):
            for _ in range(2):
                assert await cooldown.seconds_left(ACCOUNT) == 0
                await cooldown.close("another", 60)


@needs_redis
async def test_a_primary_that_turned_read_only_is_left_for_the_new_one(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """As behind a name, a service or a proxy, which leads to the new primary once connections are made again."""
    clock = Clock()
    with redis_running() as old:
        async with relaying(old.port) as relay, connection(relay.url("redis"), clock=clock) as shared:
            assert await shared.ask(("SET", "a", 1)) == [b"OK"]
            old.follow(redis)
            relay.target = redis.port

            refused = await shared.ask(("SET", "a", 2))
            clock.now += REST_SECONDS
            taken = await shared.ask(("SET", "a", 3))

    assert (refused, taken) == (None, [b"OK"])
    assert relay.connections == 2
    assert "ReadOnlyError: You can't write against a read only replica" in caplog.messages[0]


@needs_redis
async def test_a_redis_far_away_is_connected_to_in_the_background(redis: RedisServer) -> None:
    """Its handshakes take longer than the patience, an answer does not."""
    async with relaying(redis.port, round_trip=0.03) as relay, connection(f"{relay.url('redis')}/1", 0.1) as shared:
        shared.connect_soon()
        with anyio.fail_after(SECONDS):
            await connected(shared)
            assert await shared.ask(("SET", "far", 1)) == [b"OK"]
            # A hundred at the same time share the way.
            answers = await asyncio.gather(*(shared.ask(("GET", "far")) for _ in range(100)))

    assert answers == [[b"1"]] * 100
    assert relay.connections == 1


@needs_redis
async def test_a_refusal_fails_only_the_question_that_it_is_about(redis: RedisServer) -> None:
    async with connection(redis.url) as shared:
        await shared.ask(("DEL", "list"), ("RPUSH", "list", "a"))

        answers = await asyncio.gather(shared.ask(("GET", "list")), shared.ask(PING), shared.ask(PING, PING))

        assert list(answers) == [None, [b"PONG"], [b"PONG", b"PONG"]]


async def test_an_outage_slows_the_calls_down_once_and_is_logged_with_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wemasy_mcp")
    clock = Clock()
    asked_for: list[bytes] = []
    goes_well = anyio.Event()

    def answer(asked: bytes) -> bytes | None:
        asked_for.append(asked)
        return (
            b"+OK\r\n" * asked.count(b"SETINFO") + b"+PONG\r\n" * asked.count(b"PING") if goes_well.is_set() else None
        )

    async with answering(answer) as url:
        shared = RedisConnection(open_redis(url), clock)
        assert [await shared.ask(PING) for _ in range(10)] == [None] * 10
        assert len(asked_for) == 1
        goes_well.set()
        clock.now += REST_SECONDS
        with anyio.fail_after(SECONDS):
            await connected(shared)
        await shared.aclose()

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.messages[0].startswith("Redis (WEMASY_REDIS_URL) failed: ConnectionError: ")


async def test_nothing_waits_for_a_redis_that_says_nothing_but_the_first_questions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_connection, "MAX_WAITING", 100)
    async with answering(lambda asked: b"") as url, connection(url, patience=0.05) as shared:
        first = await asyncio.gather(*(shared.ask(PING) for _ in range(110)))
        with anyio.fail_after(0.5):
            further = [await shared.ask(PING) for _ in range(1000)]

        assert {*first, *further} == {None}
        assert len(shared._waiting) <= 100


async def test_closing_answers_whoever_still_waits() -> None:
    async with answering(lambda asked: b"") as url, connection(url) as shared, anyio.create_task_group() as tasks:

        async def ask() -> None:
            assert await shared.ask(PING) is None

        tasks.start_soon(ask)
        await anyio.sleep(0.05)
        with anyio.fail_after(SECONDS / 2):
            await shared.aclose()


@needs_redis
async def test_a_redis_that_was_late_is_left_alone_for_a_while(redis: RedisServer) -> None:
    clock = Clock()
    async with relaying(redis.port) as relay, connection(relay.url("redis"), 0.1, clock) as shared:
        with anyio.fail_after(SECONDS):
            await connected(shared)
        relay.round_trip = 0.4
        assert await shared.ask(PING) is None
        relay.round_trip = 0
        await anyio.sleep(0.6)

        rested = await shared.ask(PING)
        clock.now += REST_SECONDS

        assert (rested, await shared.ask(PING)) == (None, [b"PONG"])


# The address


@needs_redis
async def test_a_password_is_read_from_its_file_for_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    with redis_running("--requirepass", "first") as redis:
        shared = RedisConnection(open_redis(redis.url, file), patience_seconds=SECONDS)
        assert await shared.ask(PING) == [b"PONG"]
        assert await shared.ask(("CONFIG", "SET", "requirepass", "second")) == [b"OK"]
        file.write_text("second\n")
        await shared._drop()

        assert await shared.ask(PING) == [b"PONG"]
        await shared.aclose()


@needs_redis
async def test_redis_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    with redis_running(*tls_options(authority, tmp_path)) as redis:
        url = f"rediss://127.0.0.1:{redis.port}/0"
        async with connection(f"{url}?ssl_ca_certs={tmp_path}/ca.pem") as shared, connection(url) as distrusting:
            assert await shared.ask(PING) == [b"PONG"]
            assert await distrusting.ask(PING) is None


SEVERAL = "give the one address that always leads to the primary"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:6379", "should be a Redis address"),
        ("http://127.0.0.1", "should be a Redis address"),
        ("redis://127.0.0.1:port/0", "should be a Redis address"),
        ("redis://127.0.0.1:0", "should be a Redis address"),
        ("redis://127.0.0.1:70000", "should be a Redis address"),
        ("redis://:6379/0", "should be a Redis address"),
        ("redis://:pa#ss@127.0.0.1", "%23"),
        ("redis://:pa/ss@127.0.0.1", "should be a Redis address"),
        ("redis://127.0.0.1/first", "should be a Redis address"),
        ("redis://[::1/0", "should be a Redis address"),
        ("${REDIS_URL}", "should be a Redis address"),
        ("redis://127.0.0.1?family=0", "not supported: family. Known: db."),
        ("redis://127.0.0.1?parser_class=x&encoding=utf-16", "not supported: parser_class, encoding."),
        ("redis://127.0.0.1?ssl_ca_certs=x", "not supported: ssl_ca_certs"),
        ("redis://127.0.0.1?a-secret!=1", "not supported: …."),
        ("redis://127.0.0.1?db=x", "has an unusable value for its option db"),
        ("rediss://127.0.0.1?ssl_cert_reqs=maybe", "ssl_cert_reqs"),
        ("rediss://127.0.0.1?ssl_check_hostname=", "ssl_check_hostname"),
        ("rediss://127.0.0.1?ssl_certfile=/nowhere", "names certificates or a key that cannot be read"),
        ("rediss://127.0.0.1?ssl_ca_certs=/nowhere", "names certificates or a key that cannot be read"),
        ("redis+sentinel://127.0.0.1:26379/mymaster", f"names a Redis Sentinel, which is not supported; {SEVERAL}"),
        ("rediss+cluster://127.0.0.1", "names a Redis Cluster, which is not supported"),
        ("redis://:secret@one:6379,two:6379", "names several servers, which is not supported"),
    ],
)
def test_an_address_that_cannot_be_used_ends_the_start(url: str, said: str, refusal: Refusal) -> None:
    line = refusal("--transport", "sse", WEMASY_REDIS_URL=url)

    assert line.startswith("wemasy-mcp: WEMASY_REDIS_URL ")
    assert said in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("url", "content", "said"),
    [
        (None, "x", "WEMASY_REDIS_PASSWORD_FILE needs WEMASY_REDIS_URL."),
        ("redis://127.0.0.1", None, "WEMASY_REDIS_PASSWORD_FILE names a file that cannot be read"),
        ("redis://127.0.0.1", "\n", "WEMASY_REDIS_PASSWORD_FILE names an empty file"),
        ("redis://:secret@127.0.0.1", "x", "WEMASY_REDIS_PASSWORD_FILE stands beside a password in WEMASY_REDIS_URL"),
    ],
)
def test_a_password_file_that_cannot_be_used_ends_the_start(
    url: str | None, content: str | None, said: str, tmp_path: Path, refusal: Refusal
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    given = {} if url is None else {"WEMASY_REDIS_URL": url}

    line = refusal("--transport", "sse", WEMASY_REDIS_PASSWORD_FILE=str(file), **given)

    assert said in line
    assert "secret" not in line


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1", "redis://me:p%23@[::1]:6379/3", "unix:///run/redis.sock?db=2", "REDISS://redis"]
)
def test_an_address_of_every_supported_form_is_taken(url: str) -> None:
    assert open_redis(url) is not None
