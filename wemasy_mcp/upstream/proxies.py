"""The way to the API through the proxies that the environment names, as an httpx2 transport."""

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from wemasy_mcp.upstream.connections import LAST_REQUEST, MAX_CONNECTIONS


class ProxiedTransport(httpx2.AsyncBaseTransport):
    """Through the proxies that the environment names, each request on a connection of its own.

    httpx2's client knows which proxy, and NO_PROXY.

    Raises:
        ValueError, ImportError: The environment names what cannot be used as a proxy.
    """

    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        self._client = httpx2.AsyncClient(
            verify=ssl_context,
            trust_env=True,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request and return the answer, its head read.

        Raises:
            httpx2.TransportError: The request could not be sent, or no head came.
        """
        request.headers.update([LAST_REQUEST])
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._client.aclose()
