"""The rate gate that replicas share through Redis 7 or later: a 429 seen by one keeps the calls of all back.

Sharing only ever helps: where Redis is away or slow, each replica goes by its own gate, and no call fails or waits.
"""

import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from wemasy_mcp.core.cooldown import Cooldown
from wemasy_mcp.settings import SettingsError, variable_of

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.1
"""How long Redis may take for one answer, connecting included."""

REST_SECONDS = 1.0
"""How long Redis is left alone after it failed, so that an outage does not slow every call down."""

WARNING_SECONDS = 60.0
"""How often at most an outage is logged."""

PREFIX = "wemasy-mcp:gate:"


class RedisCooldown(Cooldown):
    """This process's own gate, and the one in Redis. An account's key there is the hash of its token."""

    def __init__(
        self, url: str, clock: Callable[[], float] = time.monotonic, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Connect to nothing yet.

        Raises:
            SettingsError: `url` is no Redis address.
        """
        super().__init__(clock)
        self._patience_seconds = patience_seconds
        try:
            self._redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
        except (ValueError, TypeError):
            raise SettingsError(
                variable_of("redis_url"), "should be a Redis address such as redis://127.0.0.1:6379/0."
            ) from None
        self._rests_until = -math.inf
        self._silent_until = -math.inf

    async def seconds_left(self, account: str) -> int:
        """Return the whole seconds that remain of the account's wait; 0 when the gate is open."""
        own = await super().seconds_left(account)
        if own:
            return own
        milliseconds = await self._ask(lambda: self._redis.pttl(PREFIX + account))
        return math.ceil(milliseconds / 1000) if milliseconds is not None and milliseconds > 0 else 0

    async def close(self, account: str, seconds: int) -> None:
        """Keep the account's calls back for `seconds`, here and in every other replica."""
        await super().close(account, seconds)

        async def close_for_all() -> None:
            async with self._redis.pipeline() as commands:
                # The later of two ends counts, whichever replica told first.
                commands.set(PREFIX + account, 1, px=seconds * 1000, nx=True)
                commands.pexpire(PREFIX + account, seconds * 1000, gt=True)
                await commands.execute()

        await self._ask(close_for_all)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _ask(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """What Redis answers; None where it does not answer in time."""
        if self._clock() < self._rests_until:
            return None
        try:
            with anyio.fail_after(self._patience_seconds):
                return await ask()
        except (RedisError, OSError) as error:
            now = self._clock()
            self._rests_until = now + REST_SECONDS
            if now >= self._silent_until:
                self._silent_until = now + WARNING_SECONDS
                logger.warning("Redis does not answer (%s); each replica uses its own rate gate", type(error).__name__)
            return None
