"""Large calls are bounded by the memory that they take together: what does not fit is refused, and not sent."""

from collections.abc import Callable

from pydantic import SecretStr

from wemasy_mcp.core.client import Attempt, Caller
from wemasy_mcp.core.errors import Unreachable
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.json_weight import SMALL, weigh, weigh_copies

MAX_CALLS = 40 * 2**20
"""Bytes of memory that calls may take together until they are answered: six of 1 MiB of text."""

MAX_REQUESTS = 16 * 2**20
"""Bytes of all request bodies together, until the requests have ended. A request takes about three times its body."""

RETRY_SECONDS = 5
"""`retry_after_seconds` of a call that does not fit: by then, most calls in progress have been answered."""

_ROUGH = 2**20
"""Weight up to which a rough estimate will do."""


class Overloaded(Unreachable):
    """Not even tried: calls in progress hold all the memory that there is for large ones."""

    default_message = "Too many large calls are in progress; this one was not sent."

    def _advice(self) -> str:
        return f"Send the same call again{self._when_to_repeat()}, and large calls one after another."


def weigh_call(body: bytes) -> int:
    """Return the bytes of memory that a call takes until it is answered, by the body of its request."""
    return 0 if len(body) <= SMALL else weigh(body, _ROUGH) - SMALL + weigh_copies(len(body))


def weigh_request(body: bytes) -> int:
    """Return the bytes of a request's body that count."""
    return max(0, len(body) - SMALL)


class BoundedCaller:
    """Calls the API through `caller`, with a limit on the memory of all calls in progress in it.

    Args:
        caller: Makes the calls.
        limit: Bytes that all calls together may take. One that would take more is made while it is alone.
        weigh: Returns the bytes that a call takes, by its body; 0 for one that is never refused.
    """

    def __init__(self, caller: Caller, limit: int, weigh: Callable[[bytes], int]) -> None:
        self._caller = caller
        self._limit = limit
        self._weigh = weigh
        self._held = 0
        self.prepare = caller.prepare
        self.stop = caller.stop
        self.finish = caller.finish
        self.aclose = caller.aclose

    async def call(
        self, endpoint: Endpoint, body: bytes, *, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Reply:
        """Send the body once and return what the API confirmed.

        Raises:
            WemasyError: In all other cases, with what is known about the write.
        """
        weight = self._weigh(body)
        if weight and self._held and self._held + weight > self._limit:
            raise Overloaded(retry_after_seconds=RETRY_SECONDS)
        self._held += weight
        try:
            return await self._caller.call(endpoint, body, token=token, user_agent=user_agent, attempt=attempt)
        finally:
            self._held -= weight
