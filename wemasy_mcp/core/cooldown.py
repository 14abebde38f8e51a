"""The rate gate: after a 429 with a usable wait, calls inside it are answered here instead of being sent.

It holds one account's wait at a time for each token, keyed by a hash so that no token is kept, opens by itself, and
never delays a call.
"""

import hashlib
import math
import time
from collections.abc import Callable

MAX_ACCOUNTS = 10_000


def account_key(token: str) -> str:
    """Return what stands for a token where the token itself must not be kept."""
    return hashlib.sha256(token.encode()).hexdigest()


class Cooldown:
    """This process's own gate."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._opens_at: dict[str, float] = {}

    async def seconds_left(self, account: str) -> int:
        """Return the whole seconds that remain of the account's wait; 0 when the gate is open."""
        opens_at = self._opens_at.get(account)
        if opens_at is None:
            return 0
        left = math.ceil(opens_at - self._clock())
        if left <= 0:
            del self._opens_at[account]
            return 0
        return left

    async def close(self, account: str, seconds: int) -> None:
        """Keep the account's calls back for `seconds`."""
        if len(self._opens_at) >= MAX_ACCOUNTS:
            now = self._clock()
            self._opens_at = {key: at for key, at in self._opens_at.items() if at > now}
        self._opens_at[account] = max(self._opens_at.get(account, 0.0), self._clock() + seconds)

    async def aclose(self) -> None:
        """Nothing is ever open."""
