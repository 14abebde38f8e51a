"""Opens a connection to the API: TCP, a tunnel if there is a proxy in between, TLS."""

import asyncio
import ssl
from asyncio import sslproto
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, cast

import httpx2

from wemasy_mcp.upstream.http1 import MAX_HEAD, Connection
from wemasy_mcp.upstream.proxies import Proxy, open_tunnel
from wemasy_mcp.upstream.tls_layer import TlsLayer

HAPPY_EYEBALLS_SECONDS = 0.25
"""Seconds that one address is tried alone before the next is tried in parallel (RFC 8305, section 5)."""

# asyncio gives every TLS connection a read buffer of 256 KiB, and touches all of it: 25 MB for 100 connections, while
# an answer needs a few hundred bytes. A TLS record holds at most this many bytes.
sslproto.SSLProtocol.max_size = 2**14

Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""Receives every step of a request: httpx2's `trace` extension, with the same event names."""


@dataclass(frozen=True, slots=True)
class Dialer:
    """Opens connections to one API.

    Args:
        ssl_context: Verifies the API's certificate; None for plain http.
        proxy: The proxy in between; only ever for an API that is reached over TLS.
    """

    host: str
    port: int
    ssl_context: ssl.SSLContext | None
    proxy: Proxy | None = None

    async def connect(self, seconds: float, trace: Trace) -> Connection:
        """Return a connection that is ready for a request. Each step may take `seconds`.

        Raises:
            httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError: No connection could be opened.
        """
        connection = Connection()
        try:
            if self.proxy is None or self.ssl_context is None:
                underneath = await _connect_tcp(lambda: connection, self.host, self.port, seconds, trace)
            else:
                underneath = await self._connect_through(
                    self.proxy, self.ssl_context, seconds, trace, connection.layers
                )
            if self.ssl_context is not None:
                async with _step("start_tls", seconds, trace) as step:
                    step["return_value"] = await _encrypt(
                        underneath, connection, self.ssl_context, self.host, connection.layers
                    )
        except BaseException:
            # A call cancelled just as its connection opens would otherwise leave it open.
            connection.abort()
            raise
        return connection

    async def _connect_through(
        self, proxy: Proxy, ssl_context: ssl.SSLContext, seconds: float, trace: Trace, layers: list[TlsLayer]
    ) -> asyncio.Transport:
        reader = asyncio.StreamReader(limit=MAX_HEAD)
        protocol = asyncio.StreamReaderProtocol(reader)
        is_encrypted = proxy.scheme == "https"
        first = asyncio.Protocol() if is_encrypted else protocol
        transport = await _connect_tcp(lambda: first, proxy.host, proxy.port, seconds, trace)
        try:
            if is_encrypted:
                async with _step("start_proxy_tls", seconds, trace):
                    transport = await _encrypt(transport, protocol, ssl_context, proxy.host, layers)
            # No limit of its own: it may take as long as the call.
            async with _step("open_tunnel", None, trace):
                await open_tunnel(proxy, self.host, self.port, reader, transport)
        except BaseException:
            transport.abort()
            raise
        return transport


async def _connect_tcp(
    factory: Callable[[], asyncio.BaseProtocol], host: str, port: int, seconds: float, trace: Trace
) -> asyncio.Transport:
    async with _step("connect_tcp", seconds, trace, host=host, port=port) as step:
        # Even with a single address, the race costs as much as sending a request.
        delay = None if is_address(host) else HAPPY_EYEBALLS_SECONDS
        transport, _ = await asyncio.get_running_loop().create_connection(
            factory, host, port, happy_eyeballs_delay=delay
        )
        step["return_value"] = transport
    return transport


async def _encrypt(
    underneath: asyncio.Transport,
    protocol: asyncio.BaseProtocol,
    ssl_context: ssl.SSLContext,
    host: str,
    layers: list[TlsLayer],
) -> asyncio.Transport:
    """Encrypt everything that follows. Bytes received before the handshake are unauthenticated and are discarded."""
    if underneath.is_closing():
        raise ConnectionResetError("closed, or something came before the TLS handshake")
    loop = asyncio.get_running_loop()
    transport = cast("asyncio.Transport", await loop.start_tls(underneath, protocol, ssl_context, server_hostname=host))
    layers.append(TlsLayer(underneath))
    protocol.connection_made(transport)
    return transport


@asynccontextmanager
async def _step(name: str, seconds: float | None, trace: Trace, **info: Any) -> AsyncIterator[dict[str, Any]]:
    """Run one step of opening a connection: bounded in time, traced, with errors turned into those of httpx2."""
    await trace(f"connection.{name}.started", info)
    try:
        try:
            async with asyncio.timeout(seconds):
                yield info
        except TimeoutError as error:
            raise httpx2.ConnectTimeout("too late") from error
        except OSError as error:
            raise httpx2.ConnectError(str(error)) from error
    except BaseException as error:
        await trace(f"connection.{name}.failed", info | {"exception": error})
        raise
    await trace(f"connection.{name}.complete", info)


def is_address(host: str) -> bool:
    """Return whether a host is an IP address rather than a name that resolves to some."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
