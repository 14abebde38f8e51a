"""The rate limit: a fixed one-minute window of requests per token, as in Laravel's `throttle` middleware."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from wemasy_mcp.sandbox.tokens import READY_MADE

REQUESTS_PER_WINDOW = 60
"""The limit that the API's pages show."""

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """The requests that a token has left in its window."""

    remaining: int
    resets_at: float | None
    """The time at which the window ends; None if none has begun."""
    retry_after: int | None = None
    """Whole seconds until the window ends, if this request was one too many."""


@dataclass(slots=True)
class _Window:
    ends_at: float
    spent: int = 0


class Budget:
    """Counts requests. A window begins with a token's first request; a refused request does not count."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def spend(self, token: str) -> Allowance:
        """Count one request with `token` and return the remaining allowance."""
        # One window for all unknown tokens, so that a caller cannot fill the sandbox's memory with them.
        key = token if token in READY_MADE else ""
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            window = self._windows[key] = _Window(ends_at=now + WINDOW_SECONDS)
        exceeded = window.spent >= REQUESTS_PER_WINDOW
        if not exceeded:
            window.spent += 1
        return Allowance(
            remaining=REQUESTS_PER_WINDOW - window.spent,
            resets_at=window.ends_at,
            retry_after=math.ceil(window.ends_at - now) if exceeded else None,
        )

    def left(self, token: str) -> Allowance:
        """Return the allowance that `token` has left, without counting a request."""
        window = self._windows.get(token)
        if window is None or window.ends_at <= self._clock():
            return Allowance(remaining=REQUESTS_PER_WINDOW, resets_at=None)
        return Allowance(remaining=REQUESTS_PER_WINDOW - window.spent, resets_at=window.ends_at)
