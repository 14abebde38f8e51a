"""The way to the API: direct, or through a proxy that the environment names."""

from urllib.parse import urlsplit

import httpx2

from wemasy_mcp.upstream.certificates import create_ssl_context
from wemasy_mcp.upstream.connections import UpstreamTransport
from wemasy_mcp.upstream.dial import Dialer
from wemasy_mcp.upstream.proxies import find_proxy
from wemasy_mcp.urls import is_loopback


def open_upstream(base_url: str, keepalive_seconds: float) -> httpx2.AsyncBaseTransport:
    """Return the transport that sends requests to `base_url`. It reads the CA certificates, but does not connect yet.

    Raises:
        UnusableProxyError: The environment names a proxy that cannot be used.
        OSError: The environment names certificates that cannot be read.
    """
    url = urlsplit(base_url)
    host = url.hostname or ""
    if url.scheme == "http":
        return UpstreamTransport(Dialer(host, url.port or 80, None), keepalive_seconds=keepalive_seconds)
    port = url.port or 443
    ssl_context = create_ssl_context()
    ssl_context.set_alpn_protocols(["http/1.1"])
    # No proxy for loopback. Plain http, where a proxy would see the token, is only used on loopback.
    proxy = None if is_loopback(host) else find_proxy(host, port)
    return UpstreamTransport(Dialer(host, port, ssl_context, proxy), keepalive_seconds=keepalive_seconds)
