"""The proxy that the environment names for the API, and the tunnel through it."""

import asyncio
import os
import re
from base64 import b64encode
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

# Desktops set `socks://`, and speak version 5.
_DEFAULT_PORTS = {"http": 80, "https": 443, "socks": 1080, "socks5": 1080, "socks5h": 1080}
_AROUND = " \t\r\n'\""
"""What stands around a value that was set with quotes where none belong, as at the Windows command prompt."""
_BETWEEN = re.compile(r"[\s,;|]+")
_SCHEME = re.compile(r"^[a-z]+://")
_MAX_SOCKS_TEXT = 255
_SOCKS5, _NO_AUTHENTICATION, _PASSWORD = 5, 0, 2
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")


class UnusableProxyError(ValueError):
    """The environment names a proxy that cannot be used. The text names the variable and never shows its value."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its protocol, its address, and the user and password for it."""

    scheme: str
    host: str
    port: int
    credentials: tuple[str, str] | None


def find_proxy(host: str, port: int) -> Proxy | None:
    """Return the proxy for an https API, or None if the API is reached directly.

    `HTTPS_PROXY` wins over `ALL_PROXY`, in upper or lower case; on Windows and macOS the system's settings count too.

    Raises:
        UnusableProxyError: The proxy that applies cannot be used. One that does not apply is not checked.
    """
    proxies = getproxies()
    for kind in ("https", "all"):
        if value := proxies.get(kind, "").strip(_AROUND):
            if proxy_bypass(f"{host}:{port}") or _is_exempt(host, port, proxies.get("no", "")):
                return None
            return _read_proxy(value, _variable(kind))
    return None


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Return whether `NO_PROXY` covers the host in one of the forms that others know but urllib does not.

    curl separates by spaces, Windows by semicolons, Java by bars; the last two allow an asterisk. Go knows networks.
    """
    for entry in _BETWEEN.split(no_proxy.lower()):
        bare = _SCHEME.sub("", entry.strip(_AROUND)).partition("/")[0].removesuffix(f":{port}").rstrip(".")
        is_pattern = bare.count("*") == 1
        if bare and (fnmatchcase(host, bare) if is_pattern else f".{host}".endswith(f".{bare.lstrip('.')}")):
            return True
        try:
            if ip_address(host) in ip_network(entry.strip("[]"), strict=False):
                return True
        except ValueError:
            continue
    return False


def _variable(kind: str) -> str:
    # The lower-case variable wins if both are set.
    return max((name for name in os.environ if name.lower() == f"{kind}_proxy"), default="the system's proxy setting")


def _read_proxy(value: str, variable: str) -> Proxy:
    try:
        url = urlsplit(value if "://" in value else f"http://{value}")
        host, port = url.hostname or "", url.port
    except ValueError:
        raise UnusableProxyError(f"{variable} is not the URL of a proxy.") from None
    if url.scheme not in _DEFAULT_PORTS:
        raise UnusableProxyError(f"{variable} names a proxy of an unknown kind; known are http, https and socks5.")
    if not host.isascii() or not host.isprintable() or not host or " " in host or port == 0:
        raise UnusableProxyError(f"{variable} is not the URL of a proxy.")
    credentials = None
    if url.username is not None:
        credentials = unquote(url.username), unquote(url.password or "")
        if url.scheme.startswith("socks") and max(len(text.encode()) for text in credentials) > _MAX_SOCKS_TEXT:
            raise UnusableProxyError(f"{variable} holds a user or a password that is too long for SOCKS.")
    return Proxy(url.scheme, host, port or _DEFAULT_PORTS[url.scheme], credentials)


class TunnelError(httpx2.ProxyError):
    """The proxy did not open a tunnel. `status` is the status that an HTTP proxy answered with."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


async def open_tunnel(
    proxy: Proxy, host: str, port: int, reader: asyncio.StreamReader, transport: asyncio.Transport
) -> None:
    """Have the proxy connect to `host`; everything sent on the transport from then on goes there.

    Raises:
        TunnelError: The proxy refuses, or is not a proxy of this kind.
    """
    ask = _ask_socks if proxy.scheme.startswith("socks") else _ask_http
    try:
        await ask(proxy, host, port, reader, transport)
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        raise TunnelError(str(error)) from error


async def _ask_http(
    proxy: Proxy, host: str, port: int, reader: asyncio.StreamReader, transport: asyncio.Transport
) -> None:
    """Open the tunnel with HTTP CONNECT (RFC 9110, section 9.3.6)."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.credentials:
        lines.append(f"Proxy-Authorization: Basic {b64encode(':'.join(proxy.credentials).encode()).decode()}")
    transport.write("\r\n".join([*lines, "", ""]).encode())
    status_line = _STATUS_LINE.match(await reader.readuntil(b"\r\n\r\n"))
    if status_line is None or not status_line[1].startswith(b"2"):
        raise TunnelError("the proxy refuses, or is not one", int(status_line[1]) if status_line else None)


async def _ask_socks(
    proxy: Proxy, host: str, port: int, reader: asyncio.StreamReader, transport: asyncio.Transport
) -> None:
    """Open the tunnel with SOCKS5 (RFC 1928, and RFC 1929 for the password). The proxy resolves the name."""
    transport.write(bytes([_SOCKS5, 2, _NO_AUTHENTICATION, _PASSWORD] if proxy.credentials else [_SOCKS5, 1, 0]))
    version, method = await reader.readexactly(2)
    if method == _PASSWORD and proxy.credentials:
        user, password = (text.encode() for text in proxy.credentials)
        transport.write(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        _, refusal = await reader.readexactly(2)
        if refusal:
            raise TunnelError("the SOCKS proxy refuses the user or the password")
    elif version != _SOCKS5 or method != _NO_AUTHENTICATION:
        raise TunnelError("not a SOCKS proxy, or one that asks for a password")
    name = host.encode()
    transport.write(bytes([_SOCKS5, 1, 0, 3, len(name)]) + name + port.to_bytes(2, "big"))
    _, refusal, _, kind = await reader.readexactly(4)
    if refusal:
        raise TunnelError(f"the SOCKS proxy refuses: {refusal}")
    # The address that the proxy connected from: IPv4, IPv6 or a name.
    size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
    await reader.readexactly(size + 2)
