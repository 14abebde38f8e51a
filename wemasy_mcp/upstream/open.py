"""Which way to take to the API: straight, or through a proxy of the environment."""

import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2

from wemasy_mcp.settings import is_loopback
from wemasy_mcp.upstream.connections import DirectTransport
from wemasy_mcp.upstream.proxies import ProxiedTransport


def open_upstream(base_url: str, keepalive_seconds: float) -> httpx2.AsyncBaseTransport:
    """Return what sends requests to `base_url`. Nothing is connected yet.

    Raises:
        ValueError, ImportError, httpx2.InvalidURL: The environment names what cannot be used as a proxy.
        OSError: It names certificates that cannot be read.
    """
    url = urlsplit(base_url)
    is_local = url.scheme == "http" or is_loopback(url.hostname or "")
    # Over plain http no certificate is ever looked at: a context that trusts nobody costs no CA store.
    ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.scheme == "http" else httpx2.create_ssl_context()
    # A proxy from the environment would see the token of plain-http traffic, and loopback is no proxy's business.
    if not is_local and getproxies():
        return ProxiedTransport(ssl_context)
    return DirectTransport(ssl_context, keepalive_seconds=keepalive_seconds)
