"""One exchange with the API: a POST that is never repeated, within one deadline, and what is known about it so far.

This module decides whether a byte of a request may have left this machine, by one fact: the httpx2 trace event that
fires before the first byte is written. Before it, nothing was sent; after it, only a complete answer proves anything.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from socket import gaierror
from typing import Any

import anyio
import httpx2

from wemasy_mcp.upstream.open import open_upstream
from wemasy_mcp.upstream.proxies import UnusableProxyError

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0


@dataclass(slots=True)
class Exchange:
    """The facts known so far about an exchange in progress."""

    sent: bool = False
    """True if a byte of the request may have left this machine."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    is_complete: bool = False

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Record that the request is about to be written, and later that the whole answer was read."""
        if event == "http11.send_request_headers.started":
            self.sent = True
        elif event == "http11.receive_response_body.complete":
            self.is_complete = True

    @property
    def is_decided(self) -> bool:
        """True if the response so far settles the outcome: a 2xx needs its whole body, any other status is enough."""
        return self.is_complete or (self.status is not None and not 200 <= self.status < 300)


class ExchangeError(Exception):
    """There is no answer. The text, if any, is safe to show: it is our own, as an exception's may hold a header."""


class UnusableSettingError(ExchangeError):
    """Nothing was sent: the environment or the address cannot be used."""


class NotSentError(ExchangeError):
    """Nothing was sent: there was no connection, or no time left."""


class LateError(ExchangeError):
    """The request was sent, but the answer did not arrive in time."""


class BrokenError(ExchangeError):
    """The request was sent, but the connection broke."""


class StoppedError(ExchangeError):
    """The request was sent, and then `stop` was called."""


class Upstream:
    """The way to the API at `base_url`. Nothing is opened before the first exchange.

    Args:
        base_url: Without a trailing slash.
        timeout_seconds: Maximum duration of one exchange.
        keepalive_seconds: Seconds that an idle connection is kept.
        max_body: Maximum bytes of an unpacked answer; nothing is kept of a longer one.
        transport: Sends the requests instead of our own.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout_seconds: float,
        keepalive_seconds: float,
        max_body: int,
        transport: httpx2.AsyncBaseTransport | None,
    ) -> None:
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._connect_seconds = min(CONNECT_SECONDS, timeout_seconds)
        self._keepalive_seconds = keepalive_seconds
        self._max_body = max_body
        self._transport = transport
        self._opening: asyncio.Future[httpx2.AsyncBaseTransport] | None = None
        # Only our own transport reports when it starts sending; for any other, assume that the request was sent.
        self._reports_when_sent = transport is None
        self._deadlines: set[anyio.CancelScope] = set()
        self._stopping = False

    async def post(self, path: str, headers: dict[str, str], body: bytes, exchange: Exchange) -> None:
        """Fill `exchange` with the answer. httpx2's own timeouts are per read: one deadline covers it all.

        Raises:
            ExchangeError: There is no answer that settles the outcome.
        """
        if self._stopping:
            raise self._cut_off(exchange)
        with anyio.move_on_after(self._timeout_seconds) as deadline:
            self._deadlines.add(deadline)
            try:
                transport = await self._open_transport()
                exchange.sent = not self._reports_when_sent
                extensions = {"trace": exchange.trace, "timeout": {"connect": self._connect_seconds}}
                url = _parsed(f"{self._base_url}/{path}")
                request = httpx2.Request("POST", url, headers=headers, content=body, extensions=extensions)
                await self._send(transport, request, exchange)
            except httpx2.DecodingError:
                exchange.body.clear()
            except httpx2.HTTPError as error:
                if not exchange.is_decided:
                    raise _broken(error, exchange) from None
            except ValueError as error:
                # For example a label over 63 characters: Python refuses it on the way to the socket.
                if exchange.sent:
                    raise
                logger.warning("unusable address", exc_info=error)
                raise UnusableSettingError(
                    "WEMASY_BASE_URL, HTTPS_PROXY or ALL_PROXY holds a host name that cannot be used."
                ) from None
            finally:
                self._deadlines.discard(deadline)
        if deadline.cancelled_caught and not exchange.is_decided:
            raise self._cut_off(exchange)

    def prepare(self) -> None:
        """Start reading the CA certificates, which takes as long as a few calls."""
        if self._transport is None:
            self._begin_to_open()

    def stop(self) -> None:
        """End the exchanges in progress, and begin no more."""
        self._stopping = True
        for deadline in self._deadlines:
            deadline.cancel()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _send(self, transport: httpx2.AsyncBaseTransport, request: httpx2.Request, exchange: Exchange) -> None:
        answer = await transport.handle_async_request(request)
        try:
            exchange.headers = answer.headers
            exchange.status = answer.status_code
            if "," in answer.headers.get("content-encoding", ""):
                # Not asked for, and a few bytes in several layers can keep a processor busy for as long as they like.
                return
            async for chunk in answer.aiter_bytes():
                exchange.body += chunk
                if len(exchange.body) > self._max_body:
                    exchange.body.clear()
                    return
        finally:
            await answer.aclose()

    def _cut_off(self, exchange: Exchange) -> ExchangeError:
        if self._stopping:
            return StoppedError() if exchange.sent else NotSentError("The server was stopped before the call was sent.")
        if exchange.sent:
            return LateError(f"Wemasy did not answer within {self._timeout_seconds:g} seconds.")
        return NotSentError(f"Wemasy could not be reached within {self._timeout_seconds:g} seconds.")

    async def _open_transport(self) -> httpx2.AsyncBaseTransport:
        if self._transport is None:
            try:
                self._transport = await asyncio.shield(self._begin_to_open())
            except (UnusableProxyError, OSError) as error:
                self._opening = None
                if isinstance(error, UnusableProxyError):
                    raise UnusableSettingError(str(error)) from None
                raise UnusableSettingError(
                    "SSL_CERT_FILE or SSL_CERT_DIR names certificates that cannot be read."
                ) from None
        return self._transport

    def _begin_to_open(self) -> "asyncio.Future[httpx2.AsyncBaseTransport]":
        """Open the transport in a thread, so that other calls continue."""
        if self._opening is None:
            loop = asyncio.get_running_loop()
            self._opening = loop.run_in_executor(None, open_upstream, self._base_url, self._keepalive_seconds)
            # An error belongs to the call that needs the transport; there may not be one.
            self._opening.add_done_callback(lambda opening: opening.cancelled() or opening.exception())
        return self._opening


@lru_cache(maxsize=16)
def _parsed(url: str) -> httpx2.URL:
    """Return the parsed URL, cached per endpoint: parsing it costs as much as checking the arguments."""
    return httpx2.URL(url)


def _broken(error: httpx2.HTTPError, exchange: Exchange) -> ExchangeError:
    never_sent = isinstance(error, (httpx2.PoolTimeout, httpx2.ConnectTimeout, httpx2.ConnectError, httpx2.ProxyError))
    if never_sent or not exchange.sent:
        return NotSentError(_unreachable_because(error))
    return LateError() if isinstance(error, httpx2.TimeoutException) else BrokenError()


def _unreachable_because(error: BaseException) -> str:
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
        return "Could not connect in time to Wemasy, or to the proxy in front of it."
    return "Could not connect to Wemasy, or to the proxy in front of it."
