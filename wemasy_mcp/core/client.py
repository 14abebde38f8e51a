"""The API client: one POST per call, never repeated, and what its answer says. The token enters the request here.

`upstream` reports how the exchange went; this says what that means for the write, as one of the `WemasyError`s.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from pydantic import SecretStr

from wemasy_mcp.core.cooldown import Cooldown, account_key
from wemasy_mcp.core.errors import (
    ConnectionLost,
    NotConfigured,
    RateLimited,
    ShuttingDown,
    TimedOut,
    Unreachable,
    WemasyError,
)
from wemasy_mcp.core.protocol import MAX_BODY, Reply, read_reply
from wemasy_mcp.endpoints.base import Creates, Endpoint
from wemasy_mcp.observability.metrics import instruments
from wemasy_mcp.observability.tracing import request_span
from wemasy_mcp.upstream.exchange import (
    BrokenError,
    Exchange,
    ExchangeError,
    LateError,
    NotSentError,
    StoppedError,
    UnusableSettingError,
    Upstream,
)

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport

HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json"}

_MEANINGS: dict[type[ExchangeError], type[WemasyError]] = {
    UnusableSettingError: NotConfigured,
    NotSentError: Unreachable,
    LateError: TimedOut,
    BrokenError: ConnectionLost,
    StoppedError: ShuttingDown,
}


@dataclass(slots=True)
class Attempt(Exchange):
    """The facts known so far about a call in progress."""

    request_id: str = field(default_factory=lambda: str(uuid4()))
    """Identifies the request in our log, and to Wemasy in `X-Request-Id`."""
    record: int | None = None
    """The id that Wemasy gave to the stored record, for anyone who asks later who saved it."""
    notes: list[str] = field(default_factory=list)
    """Remarks for the caller of the tool, in addition to the answer."""
    client_is_there: Callable[[], bool] = lambda: True
    """Returns whether an answer given now would reach the client."""
    report: Callable[["Attempt", str, str], None] = lambda request, outcome, code: None
    """Logs a request's outcome under a code if it becomes known only after the call has ended."""
    runs_on: bool = False
    """True if the request continues although the call was cancelled: `report` will then be called."""

    def facts(self) -> "Attempt":
        """Return what is known about the request, without the answer's bytes and all that belongs to the call."""
        # Given an id, it makes none, which would cost more than all else here.
        kept = Attempt(request_id=self.request_id)
        kept.adopt(self)
        return kept

    def adopt(self, request: "Attempt") -> None:
        """Copy what another attempt knows about the request that answers this call."""
        self.request_id, self.sent, self.status = request.request_id, request.sent, request.status
        self.record = request.record

    @property
    def sent_id(self) -> str | None:
        """The request's id if Wemasy may have seen it, else None."""
        return self.request_id if self.sent else None


def created_record(endpoint: Endpoint, reply: Reply) -> int | None:
    """Return the id of a new record. An id that was an argument of the call is not repeated in a log."""
    data = reply.data if isinstance(endpoint.effect, Creates) and isinstance(reply.data, dict) else {}
    return record if isinstance(record := data.get("id"), int) else None


class Caller(Protocol):
    """The interface through which the server calls the API."""

    async def call(
        self, endpoint: Endpoint, body: bytes, *, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Reply:
        """Send the body once and return what the API confirmed, or raise a `WemasyError`."""

    def prepare(self) -> None:
        """Prepare in the background for the first call."""

    def stop(self) -> None:
        """End the calls in progress, each with a truthful answer, and send no more."""

    async def finish(self, seconds: float) -> None:
        """Wait at most `seconds` for requests that continue without a call to end."""

    async def aclose(self) -> None:
        """Close the connections."""


class WemasyClient:
    """Calls the API at `base_url`. Nothing is opened before the first call."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_seconds: float,
        keepalive_seconds: float = 0,
        cooldown: Cooldown | None = None,
        transport: "AsyncBaseTransport | None" = None,
    ) -> None:
        self._base_url = base_url
        self._cooldown = cooldown or Cooldown()
        self._upstream = Upstream(
            base_url,
            timeout_seconds=timeout_seconds,
            keepalive_seconds=keepalive_seconds,
            max_body=MAX_BODY,
            transport=transport,
        )
        self.prepare = self._upstream.prepare
        self.stop = self._upstream.stop

    async def call(
        self, endpoint: Endpoint, body: bytes, *, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Reply:
        """Send the body once and return what the API confirmed.

        Raises:
            WemasyError: In all other cases, with what is known about the write.
        """
        secret = token.get_secret_value()
        account = account_key(secret)
        if seconds := await self._cooldown.seconds_left(account):
            raise RateLimited("Wemasy asked to wait; the call was not sent.", retry_after_seconds=seconds)
        headers = HEADERS | {
            "Authorization": f"Bearer {secret}",
            "User-Agent": user_agent,
            "X-Request-Id": attempt.request_id,
        }
        try:
            with request_span(self._base_url, endpoint.path, attempt):
                await self._post(endpoint.path, headers, body, attempt)
                reply = read_reply(
                    endpoint, attempt.status or 0, attempt.headers, bytes(attempt.body), now=time.time(), secret=secret
                )
            attempt.record = created_record(endpoint, reply)
            return reply
        except RateLimited as error:
            if error.retry_after_seconds:
                instruments().cooldowns.add(1)
                await self._cooldown.close(account, error.retry_after_seconds)
            raise

    async def finish(self, seconds: float) -> None:
        """Do nothing: here no request outlives its call."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._upstream.aclose()
        await self._cooldown.aclose()

    async def _post(self, path: str, headers: dict[str, str], body: bytes, attempt: Attempt) -> None:
        try:
            await self._upstream.post(path, headers, body, attempt)
        except ExchangeError as error:
            raise _MEANINGS[type(error)](str(error)) from None
