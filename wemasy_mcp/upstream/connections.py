"""The connections to the API as one httpx2 transport: each is used once, or kept for a while and reused."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

import httpx2

from wemasy_mcp.upstream.dial import Dialer, Trace
from wemasy_mcp.upstream.http1 import Connection

MAX_CONNECTIONS = 100
"""Maximum number of connections at the same time; a call that finds none free waits within its own deadline."""

LAST_REQUEST = (b"Connection", b"close")
"""The header that a client must send if it will not use the connection again (RFC 9112, section 9.3)."""

_TIMEOUT = re.compile(r'\btimeout\s*=\s*"?(\d{1,9})', re.IGNORECASE)


class UpstreamTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 to one API; each request uses a new connection, or a kept one on which nothing is unread.

    Args:
        dialer: Opens connections.
        keepalive_seconds: Seconds that an idle connection is kept, unless the API asks for less; 0 keeps none.
    """

    def __init__(self, dialer: Dialer, *, keepalive_seconds: float) -> None:
        self._dialer = dialer
        self._keepalive_seconds = keepalive_seconds
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)
        self._idle: list[_Idle] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request and return the answer once its head is read. The `trace` extension receives every step.

        Raises:
            httpx2.TransportError: The request could not be sent, or no head arrived.
        """
        trace: Trace = request.extensions.get("trace", _untraced)
        if not self._keepalive_seconds:
            request.headers.update([LAST_REQUEST])
        connection = None
        # There is no await, and so no cancellation, between taking a place and the block that gives it back.
        await self._places.acquire()
        try:
            connection = await self._kept() or await self._dialer.connect(
                request.extensions.get("timeout", {}).get("connect"), trace
            )
            prepared = connection.prepare(request)
            connection.check_open()
            await trace("http11.send_request_headers.started", {})
            head = await connection.exchange(prepared)
        except BaseException:
            if connection is not None:
                connection.abort()
            self._places.release()
            raise
        headers = httpx2.Headers(head.headers.raw_items())
        body = _Body(connection, trace, partial(self._leave, connection, headers))
        return httpx2.Response(head.status_code, headers=headers, stream=body)

    async def aclose(self) -> None:
        """Close the idle connections, and keep no further ones."""
        self._keepalive_seconds = 0
        while self._idle:
            self._idle.pop().take().abort()

    async def _kept(self) -> Connection | None:
        """Return the most recently used of the kept connections that can be reused; None if there is none."""
        while self._idle:
            idle = self._idle.pop()
            is_fresh, is_usable = idle.is_fresh, False
            connection = idle.take()
            try:
                is_usable = is_fresh and await connection.is_silent()
            finally:
                # Also if the call is cancelled here.
                if not is_usable:
                    connection.abort()
            if is_usable:
                return connection
        return None

    def _leave(self, connection: Connection, response_headers: httpx2.Headers) -> None:
        """Keep a connection that can take another exchange, and close any other."""
        self._places.release()
        seconds = self._keepalive_seconds
        if timeout := _TIMEOUT.search(response_headers.get("keep-alive", "")):
            seconds = min(seconds, int(timeout[1]) - 1)
        # Whoever declares the end of an answer twice may mean another one than is read here (RFC 9112, section 6.3).
        is_ambiguous = "content-length" in response_headers and "transfer-encoding" in response_headers
        if seconds > 0 and not is_ambiguous and connection.finish():
            self._idle.append(_Idle(connection, seconds))
        else:
            connection.abort()


class _Idle:
    """A connection between two exchanges. It closes itself when its time is up."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._since = time.time()
        self._end = asyncio.get_running_loop().call_later(seconds, connection.abort)

    @property
    def is_fresh(self) -> bool:
        """Return whether time is left, also by the wall clock: the event loop's may stop while a laptop sleeps."""
        return asyncio.get_running_loop().time() < self._end.when() and abs(time.time() - self._since) < self._seconds

    def take(self) -> Connection:
        """Return the connection, which no longer closes itself."""
        self._end.cancel()
        return self._connection


class _Body(httpx2.AsyncByteStream):
    def __init__(self, connection: Connection, trace: Trace, leave: Callable[[], None]) -> None:
        self._connection = connection
        self._trace = trace
        self._leave = leave

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._connection.body():
            yield piece
        await self._trace("http11.receive_response_body.complete", {})

    async def aclose(self) -> None:
        self._leave()


async def _untraced(event: str, info: Mapping[str, Any]) -> None:
    pass
