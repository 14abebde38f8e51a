"""The one connection to Redis. It never holds up or fails a call: whatever Redis does, the worst answer is None.

A caller waits `PATIENCE_SECONDS` at most. Connecting, which takes several round trips, continues meanwhile. Questions
asked at the same time travel together, so one connection serves a whole process however far away Redis is.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import anyio
from redis.asyncio import Redis
from redis.exceptions import RedisError

from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.shared_state.redis_address import CONNECT_SECONDS

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.1
"""Maximum wait of a call for an answer."""

REST_SECONDS = 1.0
"""Seconds that Redis is left alone after a failure, so that an outage does not slow every call down."""

WARNING_SECONDS = 60.0
"""Minimum interval between two log lines about an outage."""

MAX_WAITING = 10_000
"""Maximum number of questions that wait for an exchange to end."""

Command = tuple[str | int, ...]
Question = tuple[Sequence[Command], "asyncio.Future[list[Any] | None]"]


def describe(error: Exception) -> str:
    """Return the error that Redis, or the way to it, reported, without an address's password or a command."""
    return f"{type(error).__name__}: {sanitize(str(error), limit=200)}".removesuffix(": ")


class RedisConnection:
    """Asks Redis, and pauses after a failure. A failed connection is dropped, so that the next finds a new primary.

    Args:
        redis: The client of one address; nothing else may use it.
        clock: Counts seconds.
        patience_seconds: Maximum wait of `ask` for an answer.
    """

    def __init__(
        self,
        redis: Redis,
        clock: Callable[[], float] = time.monotonic,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._redis = redis
        # The caller checks the replies: redis-py's own parsing of them may raise anything.
        self._redis.response_callbacks.clear()
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._waiting: list[Question] = []
        self._exchanging: asyncio.Task[None] | None = None
        self._is_connected = False
        self._is_late = False
        self._is_failing = False
        self._rests_until = -math.inf
        self._silent_until = -math.inf

    def connect_soon(self) -> None:
        """Connect in the background, so that the first call does not have to wait for it."""
        self._put([("PING",)])

    async def ask(self, *commands: Command) -> list[Any] | None:
        """Return the replies as Redis gave them; None if it is away, is late, or refused one of the commands.

        The replies may be anything: the caller checks their types. Even if the result is None, a command may have run.
        """
        if self._is_late or self._clock() < self._rests_until or len(self._waiting) >= MAX_WAITING:
            return None
        answer = self._put(commands)
        await asyncio.wait([answer], timeout=self._patience_seconds)
        if answer.done():
            return answer.result()
        self._is_late = True
        if self._is_connected:
            self._warn(f"no answer within {self._patience_seconds:g} seconds")
        return None

    async def aclose(self) -> None:
        """Close the connection. Callers that still wait get None."""
        if self._exchanging is not None:
            self._exchanging.cancel()
            await asyncio.wait([self._exchanging])
        await self._drop()

    def _put(self, commands: Sequence[Command]) -> "asyncio.Future[list[Any] | None]":
        answer: asyncio.Future[list[Any] | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((commands, answer))
        if self._exchanging is None:
            self._exchanging = asyncio.create_task(self._exchange())
        return answer

    async def _exchange(self) -> None:
        """Send everything that waits, then whatever has arrived meanwhile, until nothing waits."""
        asked: list[Question] = []
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                was_connected = self._is_connected
                replies = iter(await self._replies([command for commands, _ in asked for command in commands]))
                for commands, answer in asked:
                    own = [next(replies, None) for _ in commands]
                    answer.set_result(None if any(isinstance(reply, RedisError) for reply in own) else own)
                if self._is_late and was_connected:
                    self._rests_until = max(self._rests_until, self._clock() + REST_SECONDS)
                self._is_late = False
        finally:
            self._exchanging = None
            for _, answer in asked + self._waiting:
                if not answer.done():
                    answer.set_result(None)

    async def _replies(self, commands: Sequence[Command]) -> list[Any]:
        """Return one reply per command; an error is a reply too. If Redis could not be asked, every command failed."""
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for command in commands:
                        pipeline.execute_command(*command)
                    replies: list[Any] = await pipeline.execute(raise_on_error=False)
        # A server that is not Redis may answer anything, and redis-py's parser may raise anything.
        except Exception as error:
            await self._fail(error)
            return [RedisError()] * len(commands)
        # A key of another type affects one account; any other refusal (a read-only replica, a server that is loading
        # its data, a lost permission) affects this connection.
        refusal = next((it for it in replies if isinstance(it, RedisError) and "WRONGTYPE" not in str(it)), None)
        if refusal is not None:
            await self._fail(refusal)
        else:
            self._is_connected = True
            if self._is_failing:
                self._is_failing = False
                logger.info("Redis answers again")
        return replies

    async def _fail(self, error: Exception) -> None:
        self._rests_until = self._clock() + REST_SECONDS
        self._is_connected = False
        self._warn(describe(error))
        await self._drop()

    def _warn(self, said: str) -> None:
        self._is_failing = True
        if self._clock() >= self._silent_until:
            self._silent_until = self._clock() + WARNING_SECONDS
            what_then = "until it answers, each replica relies on what it knows itself"
            logger.warning("Redis (WEMASY_REDIS_URL) failed: %s; %s", said.rstrip("."), what_then)

    async def _drop(self) -> None:
        with suppress(RedisError, OSError):
            await self._redis.connection_pool.disconnect()
