"""The HTTP client: one POST a call, never repeated, inside one deadline. The only module that calls the API.

Whether a write may have happened is decided here, by one fact: httpx2's trace event that fires before the first byte
of the request is written. Before it, nothing was sent; after it, only a complete answer proves anything.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from socket import gaierror
from typing import Any, Protocol
from uuid import uuid4

import anyio
import httpx2
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
from wemasy_mcp.upstream.open import open_upstream
from wemasy_mcp.upstream.proxies import UnusableProxyError

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json"}


@dataclass(slots=True)
class Attempt:
    """What is known about one call while it is under way."""

    request_id: str = field(default_factory=lambda: str(uuid4()))
    """Names the request in the log here, and to Wemasy in `X-Request-Id`."""
    record: int | None = None
    """The id that Wemasy gave to what it stored, for who asks later who saved it."""
    sent: bool = False
    """Whether a byte of the request may have left this machine."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    is_complete: bool = False
    notes: list[str] = field(default_factory=list)
    """What the caller of the tool should know besides the answer."""
    client_is_there: Callable[[], bool] = lambda: True
    """Whether an answer given now would reach the client."""
    report: Callable[["Attempt", str, str], None] = lambda request, outcome, code: None
    """Logs a request's outcome under a code, when it becomes known only after the call has ended."""
    runs_on: bool = False
    """Whether the request goes on though the call was cancelled: `report` will then be called."""

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note that the request is about to be written, and that the answer was read whole."""
        if event == "http11.send_request_headers.started":
            self.sent = True
        elif event == "http11.receive_response_body.complete":
            self.is_complete = True

    def adopt(self, request: "Attempt") -> None:
        """Know what another attempt knows of the request that answers this call."""
        self.request_id, self.sent, self.status = request.request_id, request.sent, request.status
        self.record = request.record

    @property
    def sent_id(self) -> str | None:
        """The request's id, where Wemasy may have seen it."""
        return self.request_id if self.sent else None

    @property
    def is_decided(self) -> bool:
        """Whether what came says what happened: only a 2xx needs its whole body, any other status speaks for itself."""
        return self.is_complete or (self.status is not None and not 200 <= self.status < 300)


def created_record(endpoint: Endpoint, reply: Reply) -> int | None:
    """Return the id of a new record. One that was an argument of the call is not repeated in a log."""
    data = reply.data if isinstance(endpoint.effect, Creates) and isinstance(reply.data, dict) else {}
    return record if isinstance(record := data.get("id"), int) else None


class Caller(Protocol):
    """What the server calls the API through."""

    async def call(
        self, endpoint: Endpoint, body: bytes, *, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Reply:
        """Send the body once and return what the API confirmed, or raise a `WemasyError`."""

    def prepare(self) -> None:
        """Make ready what the first call needs, in the background."""

    def stop(self) -> None:
        """End the calls under way, each with a truthful answer, and send no more."""

    async def finish(self, seconds: float) -> None:
        """Let requests that run on without a call end, for at most `seconds`."""

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
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._connect_seconds = min(CONNECT_SECONDS, timeout_seconds)
        self._keepalive_seconds = keepalive_seconds
        self._cooldown = cooldown or Cooldown()
        self._transport = transport
        self._opening: asyncio.Future[httpx2.AsyncBaseTransport] | None = None
        # Only our own transport reports when it starts sending; for any other, assume it was sent.
        self._tells_when_sent = transport is None
        self._deadlines: set[anyio.CancelScope] = set()
        self._stopping = False

    async def call(
        self, endpoint: Endpoint, body: bytes, *, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Reply:
        """Send the body once and return what the API confirmed.

        Raises:
            WemasyError: Anything else, with what is known about the write.
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
                await self._exchange(f"{self._base_url}/{endpoint.path}", headers, body, attempt)
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

    def prepare(self) -> None:
        """Begin to read the CA certificates, which takes as long as a few calls."""
        if self._transport is None:
            self._begin_to_open()

    def stop(self) -> None:
        """End the calls under way, each with a truthful answer, and send no more."""
        self._stopping = True
        for deadline in self._deadlines:
            deadline.cancel()

    async def finish(self, seconds: float) -> None:
        """No request outlives its call here."""

    async def aclose(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.aclose()
        await self._cooldown.aclose()

    async def _exchange(self, url: str, headers: dict[str, str], body: bytes, attempt: Attempt) -> None:
        """Fill `attempt` with the answer. httpx2's own timeouts are per read: the one deadline is around it all."""
        if self._stopping:
            raise self._cut_off(attempt)
        with anyio.move_on_after(self._timeout_seconds) as deadline:
            self._deadlines.add(deadline)
            try:
                transport = await self._open_transport()
                attempt.sent = not self._tells_when_sent
                extensions = {"trace": attempt.trace, "timeout": {"connect": self._connect_seconds}}
                request = httpx2.Request("POST", _parsed(url), headers=headers, content=body, extensions=extensions)
                await _send(transport, request, attempt)
            except httpx2.DecodingError:
                attempt.body.clear()
            except httpx2.HTTPError as error:
                if not attempt.is_decided:
                    raise _broken(error, attempt) from None
            except ValueError as error:
                # A label over 63 characters, for one: Python refuses it on the way to the socket.
                if attempt.sent:
                    raise
                logger.warning("unusable address", exc_info=error)
                raise NotConfigured(
                    "WEMASY_BASE_URL, HTTPS_PROXY or ALL_PROXY holds a host name that cannot be used."
                ) from None
            finally:
                self._deadlines.discard(deadline)
        if deadline.cancelled_caught and not attempt.is_decided:
            raise self._cut_off(attempt)

    def _cut_off(self, attempt: Attempt) -> WemasyError:
        if self._stopping:
            return ShuttingDown() if attempt.sent else Unreachable("The server was stopped before the call was sent.")
        if attempt.sent:
            return TimedOut(f"Wemasy did not answer within {self._timeout_seconds:g} seconds.")
        return Unreachable(f"Wemasy could not be reached within {self._timeout_seconds:g} seconds.")

    async def _open_transport(self) -> httpx2.AsyncBaseTransport:
        if self._transport is None:
            try:
                self._transport = await asyncio.shield(self._begin_to_open())
            except (UnusableProxyError, OSError) as error:
                self._opening = None
                if isinstance(error, UnusableProxyError):
                    raise NotConfigured(str(error)) from None
                raise NotConfigured("SSL_CERT_FILE or SSL_CERT_DIR names certificates that cannot be read.") from None
        return self._transport

    def _begin_to_open(self) -> "asyncio.Future[httpx2.AsyncBaseTransport]":
        """Open the transport in a thread, so that other calls go on."""
        if self._opening is None:
            loop = asyncio.get_running_loop()
            self._opening = loop.run_in_executor(None, open_upstream, self._base_url, self._keepalive_seconds)
            # An error is for the call that needs the transport; there may be none.
            self._opening.add_done_callback(lambda opening: opening.cancelled() or opening.exception())
        return self._opening


async def _send(transport: httpx2.AsyncBaseTransport, request: httpx2.Request, attempt: Attempt) -> None:
    answer = await transport.handle_async_request(request)
    try:
        attempt.headers = answer.headers
        attempt.status = answer.status_code
        async for chunk in answer.aiter_bytes():
            attempt.body += chunk
            if len(attempt.body) > MAX_BODY:
                attempt.body.clear()
                return
    finally:
        await answer.aclose()


@lru_cache(maxsize=16)
def _parsed(url: str) -> httpx2.URL:
    """One URL an endpoint: to parse it costs as much as to check the arguments."""
    return httpx2.URL(url)


def _broken(error: httpx2.HTTPError, attempt: Attempt) -> WemasyError:
    never_sent = isinstance(error, (httpx2.PoolTimeout, httpx2.ConnectTimeout, httpx2.ConnectError, httpx2.ProxyError))
    if never_sent or not attempt.sent:
        return Unreachable(_unreachable_because(error))
    return TimedOut() if isinstance(error, httpx2.TimeoutException) else ConnectionLost()


def _unreachable_because(error: BaseException) -> str:
    """Say why in own words; an exception's text may hold a header."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "Wemasy's TLS certificate could not be verified; `wemasy-mcp doctor` says more."
        if isinstance(cause, ssl.SSLError):
            return "The TLS handshake with Wemasy failed; `wemasy-mcp doctor` says more."
        if isinstance(cause, gaierror):
            return "The host name of WEMASY_BASE_URL, or of a proxy, could not be resolved."
        if isinstance(cause, httpx2.ProxyError):
            return "The proxy did not let the request through."
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.ConnectTimeout):
        return "Wemasy, or the proxy before it, could not be connected to in time."
    return "Wemasy, or the proxy before it, could not be connected to."
