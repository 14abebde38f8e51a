"""What every request must pass before MCP sees it: its Host, its Origin, and a whole body of bounded size.

Pure ASGI. A web page can make a browser send requests to a server on loopback, and by DNS rebinding even read the
answers; the browser tells on it in `Origin` and `Host` (MCP specification, "Security Warning" of streamable HTTP).
"""

from collections.abc import Iterable

from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wemasy_mcp.settings import SettingsError, variable_of

MAX_BODY = 4 * 2**20
"""Bytes of a request's body: 4 MiB."""


class HostAndOrigin:
    """Answers 421 to a foreign `Host` and 403 to a foreign `Origin`. Both are compared whole, never by prefix.

    Args:
        app: What serves the requests that pass.
        hosts: The `Host` values that are served, port included where clients send one.
        origins: The `Origin` values that are served; a request without one comes from no web page.
        open_paths: Paths that any Host may ask: probes address a container by its IP, and learn nothing there.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], origins: Iterable[str], open_paths: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower().encode() for host in hosts)
        self._origins = frozenset(origin.lower().encode() for origin in origins)
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        answer: ASGIApp = self._app
        if scope["type"] == "http":
            origins = _values(scope, b"origin")
            if not self._origins.issuperset(origins):
                answer = PlainTextResponse("This Origin is not served here (WEMASY_ALLOWED_ORIGINS).", 403)
            elif scope["path"] not in self._open_paths and not self._is_own(_values(scope, b"host")):
                answer = PlainTextResponse("This Host is not served here (WEMASY_ALLOWED_HOSTS).", 421)
        await answer(scope, receive, send)

    def _is_own(self, hosts: list[bytes]) -> bool:
        return len(hosts) == 1 and hosts[0] in self._hosts


class WholeBody:
    """Calls the app only once the whole body has arrived: 413 when it is too long, silence when the client has gone.

    The SDK logs an error for every client that leaves in the middle of its request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._limited = RequestBodyLimitMiddleware(self._serve_whole, MAX_BODY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, refuse it, or drop it."""
        await self._limited(scope, receive, send)

    async def _serve_whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = await receive()
        if whole["type"] != "http.request" or whole.get("more_body", False):
            return
        await self._app(scope, replaying(whole, receive), send)


def replaying(message: Message, receive: Receive) -> Receive:
    """Return what receives `message` again, and then what `receive` does."""
    unread = [message]

    async def receive_again() -> Message:
        return unread.pop() if unread else await receive()

    return receive_again


def own_hosts(allowed: Iterable[str], port: int) -> list[str]:
    """Return the `Host` values to serve: those allowed, or loopback's with the port.

    Raises:
        SettingsError: An allowed one is no host.
    """
    hosts = list(allowed)
    if any("/" in host or "*" in host or not host.isascii() for host in hosts):
        raise SettingsError(
            variable_of("allowed_hosts"), "should hold hosts as clients send them, such as mcp.example.com:8443."
        )
    return hosts or [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]


def own_origins(allowed: Iterable[str], port: int) -> list[str]:
    """Return the `Origin` values to serve: those allowed, or loopback's with the port.

    Raises:
        SettingsError: An allowed one is no origin.
    """
    origins = [origin.rstrip("/") for origin in allowed]
    if any(_is_no_origin(origin) for origin in origins):
        raise SettingsError(
            variable_of("allowed_origins"), "should hold origins as browsers send them, such as https://example.com."
        )
    return origins or [f"http://{host}" for host in own_hosts((), port)]


def _is_no_origin(origin: str) -> bool:
    scheme, separator, host = origin.partition("://")
    return not (scheme and separator and host) or "/" in host or "*" in host or not origin.isascii()


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value.lower() for key, value in scope["headers"] if key == name]
