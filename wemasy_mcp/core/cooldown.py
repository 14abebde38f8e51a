"""The cooldown after a 429 with a usable wait: calls made during it are answered here instead of being sent.

It holds one wait per account, keyed by a hash, so that no token is kept. It ends by itself and never delays a call.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_ACCOUNTS = 10_000
"""Maximum number of accounts. Beyond it, the one that was asked to wait longest ago is forgotten: its next call is
sent, and is asked to wait again."""


def account_key(token: str) -> str:
    """Return the hash that represents a token where the token itself must not be kept."""
    return hashlib.sha256(token.encode()).hexdigest()


class Cooldown:
    """This process's own cooldown."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: OrderedDict[str, float] = OrderedDict()

    async def seconds_left(self, account: str) -> int:
        """Return the whole seconds left of the account's wait; 0 if there is none."""
        left = math.ceil(self._ends.get(account, 0.0) - self._clock())
        if left <= 0:
            self._ends.pop(account, None)
        return max(0, left)

    async def close(self, account: str, seconds: int) -> None:
        """Hold the account's calls back for `seconds`, or longer if a longer wait is already known."""
        end = max(self._ends.pop(account, 0.0), self._clock() + seconds)
        if len(self._ends) >= MAX_ACCOUNTS:
            self._ends.popitem(last=False)
        self._ends[account] = end

    async def aclose(self) -> None:
        """Do nothing: nothing is ever open."""
