"""Replicas share what a 429 told one of them, through a real Redis; without it each goes by what it saw."""

import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest

from api_document import SAVE_MEMORY
from support.held_api import Upstream
from support.processes import SECONDS, WAYS, connect, serving
from support.redis_server import RedisServer, needs_redis, redis_running
from support.refusals import Refusal
from wemasy_mcp.core.cooldown import account_key
from wemasy_mcp.shared_state.redis_address import open_redis
from wemasy_mcp.shared_state.redis_connection import REST_SECONDS, WARNING_SECONDS, RedisConnection
from wemasy_mcp.shared_state.redis_cooldown import RedisCooldown

ACCOUNT = account_key("anna")
OTHER = account_key("bert")
SAVE = (SAVE_MEMORY.tool, {"kind": "fact"})


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_running() as server:
        yield server


@asynccontextmanager
async def replica(
    redis: RedisServer, clock: Clock | None = None, patience: float = SECONDS
) -> AsyncIterator[RedisCooldown]:
    clock = clock or Clock()
    cooldown = RedisCooldown(RedisConnection(open_redis(redis.url), clock, patience), clock)
    try:
        yield cooldown
    finally:
        await cooldown.aclose()


@needs_redis
async def test_what_one_replica_was_told_keeps_the_others_back(redis: RedisServer) -> None:
    async with replica(redis) as told, replica(redis) as other:
        await told.close(ACCOUNT, 60)

        assert 0 < await other.seconds_left(ACCOUNT) <= 60
        assert await other.seconds_left(OTHER) == 0


@needs_redis
@pytest.mark.parametrize("waits", [(600, 60), (60, 600)])
async def test_the_later_end_counts(waits: tuple[int, int], redis: RedisServer) -> None:
    async with replica(redis) as one, replica(redis) as two, replica(redis) as other:
        await one.close(ACCOUNT, waits[0])
        await two.close(ACCOUNT, waits[1])

        assert 60 < await other.seconds_left(ACCOUNT) <= 600


@needs_redis
async def test_without_redis_each_replica_goes_by_what_it_saw(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    async with replica(redis, clock) as cooldown, replica(redis) as other:
        await cooldown.close(ACCOUNT, 60)
        redis.stop()

        assert await cooldown.seconds_left(ACCOUNT) == 60
        assert await cooldown.seconds_left(OTHER) == 0
        await cooldown.close(OTHER, 30)
        assert await cooldown.seconds_left(OTHER) == 30
        assert await other.seconds_left(ACCOUNT) == 0

        # It comes back, empty, and is used again.
        redis.start()
        clock.now += REST_SECONDS
        await cooldown.close("carl", 30)
        assert "carl" in "".join(redis.keys())
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2  # one from each replica


@needs_redis
async def test_an_outage_is_logged_once_a_minute(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    redis.stop()
    async with replica(redis, clock) as cooldown:
        while clock.now < WARNING_SECONDS:
            await cooldown.seconds_left(ACCOUNT)
            clock.now += REST_SECONDS
        said_in_a_minute = len(caplog.messages)
        await cooldown.seconds_left(ACCOUNT)

    assert (said_in_a_minute, len(caplog.messages)) == (1, 2)


@needs_redis
async def test_a_slow_redis_is_not_waited_for(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    async with replica(redis, patience=1) as cooldown:
        await cooldown.seconds_left(OTHER)
        redis.stall()
        with anyio.fail_after(SECONDS / 2):
            await cooldown.close(ACCOUNT, 60)

            assert await cooldown.seconds_left(ACCOUNT) == 60
            assert await cooldown.seconds_left(OTHER) == 0
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@needs_redis
async def test_two_servers_share_the_wait_but_no_token(redis: RedisServer, upstream: Upstream) -> None:
    """Several accounts have a try: on a busy machine Redis may be too slow for one of them."""
    upstream.answer = (429, {"error": True, "message": "Too Many Attempts."}, {"Retry-After": "600"})
    settings = {
        "WEMASY_BASE_URL": upstream.url,
        "WEMASY_REDIS_URL": redis.url,
        "WEMASY_USER_TOKEN_HEADER": "X-Wemasy-Token",
    }
    with (
        anyio.fail_after(SECONDS),
        serving("--transport", "streamable-http", **settings) as one,
        serving("--transport", "streamable-http", **settings) as two,
    ):
        for number in range(10):
            token = f"{number}|a-token-of-no-account"
            results = []
            for server in (one, two):
                async with connect(server.url, WAYS[0], {"X-Wemasy-Token": token}) as client:
                    results.append(await client.call_tool(*SAVE))
            sent = sum(headers["authorization"] == f"Bearer {token}" for headers in upstream.headers)
            if sent == 1:
                break

    errors = [(result.structured_content or {})["error"] for result in results]
    assert sent == 1
    assert [(error["code"], 0 < error["retry_after_seconds"] <= 600) for error in errors] == [
        ("rate_limited", True)
    ] * 2
    assert account_key(token) in "".join(redis.keys())
    assert "of-no-account" not in "".join(redis.keys())


def test_the_missing_redis_client_is_named(monkeypatch: pytest.MonkeyPatch, refusal: Refusal) -> None:
    monkeypatch.setitem(sys.modules, "wemasy_mcp.shared_state.redis_connection", None)

    line = refusal("--transport", "sse", WEMASY_REDIS_URL="redis://127.0.0.1")

    assert "pip install 'wemasy-mcp[redis]'" in line
