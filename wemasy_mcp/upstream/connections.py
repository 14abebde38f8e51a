"""Connections straight to the API, as an httpx2 transport, each used once or kept for a while.

A connection whose state is in doubt is never used: what is left over on one would become the next call's answer.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator

import anyio
import httpcore2
import httpx2

from wemasy_mcp.upstream.sockets import Connection, Sockets

MAX_CONNECTIONS = 100
"""Connections to the API at a time; a call that finds none free waits within its own deadline."""

_AS_HTTPX2: dict[type[Exception], type[httpx2.TransportError]] = {
    httpcore2.ConnectError: httpx2.ConnectError,
    httpcore2.ConnectTimeout: httpx2.ConnectTimeout,
    httpcore2.LocalProtocolError: httpx2.LocalProtocolError,
    httpcore2.ReadError: httpx2.ReadError,
    httpcore2.RemoteProtocolError: httpx2.RemoteProtocolError,
}
"""The errors that httpcore2's connections raise on our sockets, as `httpx2.AsyncHTTPTransport` names them."""

_ERRORS = tuple(_AS_HTTPX2)

LAST_REQUEST = (b"Connection", b"close")
"""What a client that keeps no connection must say in every request (RFC 9112, section 9.3)."""


class DirectTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 without a proxy, each request on a connection of its own or on a clean kept one.

    Args:
        ssl_context: What an https server must prove.
        keepalive_seconds: How long an idle connection is kept; 0 keeps none.
    """

    def __init__(self, ssl_context: ssl.SSLContext, *, keepalive_seconds: float) -> None:
        self._ssl_context = ssl_context
        self._keepalive_seconds = keepalive_seconds
        self._sockets = Sockets()
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)
        self._kept: list[httpcore2.AsyncHTTPConnection] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request and return the answer, its head read.

        Raises:
            httpx2.TransportError: The request could not be sent, or no head came.
        """
        url = request.url
        headers = request.headers.raw if self._keepalive_seconds else [*request.headers.raw, LAST_REQUEST]
        core_request = httpcore2.Request(
            request.method,
            httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=headers,
            content=request.stream,
            extensions=request.extensions,
        )
        await self._places.acquire()
        connection = await self._take(core_request.url.origin)
        try:
            answer = await connection.handle_async_request(core_request)
        except BaseException as error:
            # A call that is cancelled just as its connection opens would leave it open.
            await connection.aclose()
            self._places.release()
            if isinstance(error, _ERRORS):
                raise _as_httpx2(error) from error
            raise
        response = httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(self, connection, answer), extensions=answer.extensions
        )
        stream = answer.extensions["network_stream"]
        if isinstance(stream, Connection) and "transfer-encoding" not in response.headers:
            stream.expect_body(int(response.headers.get("content-length", "0")))
        return response

    async def aclose(self) -> None:
        """Close the kept connections, and keep no more."""
        self._keepalive_seconds = 0
        while self._kept:
            await self._kept.pop().aclose()

    async def leave(self, connection: httpcore2.AsyncHTTPConnection, answer: httpcore2.Response) -> None:
        """Keep the connection if its answer was read to the end and it may be kept; else close it."""
        try:
            if self._keepalive_seconds:
                with anyio.CancelScope(shield=True):
                    await answer.aclose()
        finally:
            if self._keepalive_seconds and connection.is_idle():
                self._kept.append(connection)
            else:
                await connection.aclose()
            self._places.release()

    async def _take(self, origin: httpcore2.Origin) -> httpcore2.AsyncHTTPConnection:
        """Return the kept connection that was used last, unless it is too old or something came on it; or a new one."""
        # A burst leaves more than are used afterwards: the oldest go one by one.
        while self._kept and self._kept[0].has_expired():
            await self._kept.pop(0).aclose()
        while self._kept:
            connection = self._kept.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore2.AsyncHTTPConnection(
            origin,
            ssl_context=self._ssl_context,
            keepalive_expiry=self._keepalive_seconds,
            network_backend=self._sockets,
        )


class _Body(httpx2.AsyncByteStream):
    def __init__(
        self, transport: DirectTransport, connection: httpcore2.AsyncHTTPConnection, answer: httpcore2.Response
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._answer.aiter_stream():
                yield part
        except _ERRORS as error:
            raise _as_httpx2(error) from error

    async def aclose(self) -> None:
        await self._transport.leave(self._connection, self._answer)


def _as_httpx2(error: Exception) -> httpx2.TransportError:
    return _AS_HTTPX2[type(error)](str(error))
