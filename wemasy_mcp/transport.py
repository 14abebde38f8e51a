"""httpx2's way to the API when no proxy is in between: httpcore2's pool on this package's own connections."""

import ssl
from collections.abc import AsyncIterator

import httpcore2
import httpx2

from wemasy_mcp.sockets import Connection, Sockets

_AS_HTTPX2: dict[type[Exception], type[httpx2.TransportError]] = {
    httpcore2.ConnectError: httpx2.ConnectError,
    httpcore2.ConnectTimeout: httpx2.ConnectTimeout,
    httpcore2.LocalProtocolError: httpx2.LocalProtocolError,
    httpcore2.PoolTimeout: httpx2.PoolTimeout,
    httpcore2.ReadError: httpx2.ReadError,
    httpcore2.RemoteProtocolError: httpx2.RemoteProtocolError,
}
"""The errors that the pool and the connections raise, as `httpx2.AsyncHTTPTransport` names them."""

_ERRORS = tuple(_AS_HTTPX2)


class DirectTransport(httpx2.AsyncBaseTransport):
    """Sends requests without a proxy, HTTP/1.1, each on a connection of its own or on a clean kept one."""

    def __init__(self, ssl_context: ssl.SSLContext, *, max_connections: int, keepalive_seconds: float) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=max_connections,
            max_keepalive_connections=max_connections if keepalive_seconds else 0,
            keepalive_expiry=keepalive_seconds,
            network_backend=Sockets(),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request and return the answer, its head read.

        Raises:
            httpx2.TransportError: The request could not be sent, or no head came.
        """
        url = request.url
        core_request = httpcore2.Request(
            request.method,
            httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = await self._pool.handle_async_request(core_request)
        except _ERRORS as error:
            raise _as_httpx2(error) from error
        response = httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )
        connection = answer.extensions["network_stream"]
        if isinstance(connection, Connection) and "transfer-encoding" not in response.headers:
            connection.expect_body(int(response.headers.get("content-length", "0")))
        return response

    async def aclose(self) -> None:
        """Close the kept connections."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._answer.aiter_stream():
                yield part
        except _ERRORS as error:
            raise _as_httpx2(error) from error

    async def aclose(self) -> None:
        await self._answer.aclose()


def _as_httpx2(error: Exception) -> httpx2.TransportError:
    return _AS_HTTPX2[type(error)](str(error))
