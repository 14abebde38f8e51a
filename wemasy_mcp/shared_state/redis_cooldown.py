"""The cooldown that replicas share through Redis: a 429 seen by one holds back the calls of all.

Sharing can only help: if Redis is away or slow, each replica uses its own cooldown, and no call fails or waits.
"""

import math
import time
from collections.abc import Callable

from wemasy_mcp.core.cooldown import Cooldown
from wemasy_mcp.retry_after import MAX_WAIT
from wemasy_mcp.shared_state.redis_connection import RedisConnection

PREFIX = "wemasy-mcp:gate:"


class RedisCooldown(Cooldown):
    """This process's own cooldown plus the one in Redis, where an account's key is the hash of its token."""

    def __init__(self, redis: RedisConnection, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._redis = redis

    async def seconds_left(self, account: str) -> int:
        """Return the whole seconds left of the account's wait; 0 if there is none."""
        if own := await super().seconds_left(account):
            return own
        (milliseconds,) = await self._redis.ask(("PTTL", PREFIX + account)) or (None,)
        # Others may write to this Redis too: a value that no replica would have written is ignored.
        if not isinstance(milliseconds, int) or not 0 < milliseconds <= MAX_WAIT * 1000:
            return 0
        return math.ceil(milliseconds / 1000)

    async def close(self, account: str, seconds: int) -> None:
        """Hold the account's calls back for `seconds`, here and in every other replica."""
        await super().close(account, seconds)
        key, milliseconds = PREFIX + account, seconds * 1000
        # The later of two ends wins, whichever replica wrote first.
        await self._redis.ask(("SET", key, 1, "PX", milliseconds, "NX"), ("PEXPIRE", key, milliseconds, "GT"))

    async def aclose(self) -> None:
        """Close the connection."""
        await self._redis.aclose()
