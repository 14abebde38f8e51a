"""The first check of a request: the host it was sent to, the page it came from, and the proxy's path prefix.

Pure ASGI. A web page can make a browser send requests to a server on loopback, and by DNS rebinding even read the
answers; `Origin` and `Host` give it away (MCP specification, "Security Warning" of streamable HTTP).
"""

from collections.abc import Iterable
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from wemasy_mcp.settings import FORWARDED_PREFIX, SettingsError, is_path_prefix, variable_of
from wemasy_mcp.transports.http.refusal import Refusal

_DEFAULT_PORTS = {"http": ("80",), "https": ("443",), "": ("80", "443")}

_TWO_LENGTHS = {b"content-length", b"transfer-encoding"}
_AMBIGUOUS = Refusal(400, "invalid_request", "The request has both Content-Length and Transfer-Encoding.")
"""Two servers in a row may see two different requests in it (RFC 9112, section 6.3)."""

_FOREIGN_ORIGIN = Refusal(403, "forbidden_origin", "This Origin is not served here (WEMASY_ALLOWED_ORIGINS).")
_FOREIGN_HOST = Refusal(421, "misdirected_request", "This Host is not served here (WEMASY_ALLOWED_HOSTS).")


class Guard:
    """Answers 421 to a foreign `Host` and 403 to a foreign `Origin`, and determines the path within this server.

    Both are compared whole, never by prefix, and a default port equals none (RFC 9110, section 4.2.3).

    Args:
        app: The application that serves the requests that pass.
        hosts: The `Host` values that are served, including the port where clients send one.
        origins: The `Origin` values that are served; a request without one does not come from a web page.
        open_paths: Paths open to any Host: probes address a container by its IP, and learn nothing there.
        prefix: The path under which a proxy exposes this server, or the name of the header in which it sends that path.
    """

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str], origins: Iterable[str], open_paths: Iterable[str], prefix: str = ""
    ) -> None:
        self._app = app
        self._hosts = frozenset(map(_without_default_port, hosts))
        self._origins = frozenset(map(_without_default_port, origins))
        self._open_paths = frozenset(open_paths)
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        await (self._judge(scope) if scope["type"] == "http" else self._app)(scope, receive, send)

    def _judge(self, scope: Scope) -> ASGIApp:
        if {name for name, _ in scope["headers"]} >= _TWO_LENGTHS:
            return _AMBIGUOUS
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        target = scope["raw_path"].decode("latin-1")
        if not target.startswith("/") and (separator := target.find("://")) > 0:
            # The absolute form, whose host counts instead of the header's (RFC 9112, section 3.2.2).
            host, slash, path = target[separator + 3 :].partition("/")
            hosts, scope["path"] = [host.lower()], unquote(slash + path) or "/"
        prefix = self._prefix
        if prefix == FORWARDED_PREFIX:
            said = [value.rstrip("/") for value in _values(scope, FORWARDED_PREFIX.encode(), as_sent=True)]
            prefix = said[0] if len(said) == 1 and is_path_prefix(said[0]) else ""
        scope["root_path"] = prefix
        if prefix and scope["path"].startswith(f"{prefix}/"):
            scope["path"] = scope["path"].removeprefix(prefix)
        if len(origins) > 1 or not self._origins.issuperset(map(_without_default_port, origins)):
            return _FOREIGN_ORIGIN
        is_own = len(hosts) == 1 and _without_default_port(hosts[0]) in self._hosts
        return self._app if is_own or scope["path"].removesuffix("/") in self._open_paths else _FOREIGN_HOST


def own_hosts(allowed: Iterable[str], port: int) -> list[str]:
    """Return the `Host` values to serve: those allowed, or loopback's with the port.

    Raises:
        SettingsError: An allowed value is not a host.
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
        SettingsError: An allowed value is not an origin.
    """
    origins = [origin.rstrip("/") for origin in allowed]
    if not all(map(_is_origin, origins)):
        raise SettingsError(
            variable_of("allowed_origins"), "should hold origins as browsers send them, such as https://example.com."
        )
    return origins or [f"http://{host}" for host in own_hosts((), port)]


def _is_origin(origin: str) -> bool:
    scheme, _, host = origin.partition("://")
    return bool(scheme and host) and "/" not in host and "*" not in host and origin.isascii()


def _without_default_port(text: str) -> str:
    """Return the host or origin as compared: in lower case, without a default port or the root's trailing dot."""
    scheme, separator, host = text.lower().rpartition("://")
    name, _, port = host.rpartition(":") if not host.endswith("]") else ("", "", host)
    if not name:
        name, port = host, ""
    kept = "" if port in {"", *_DEFAULT_PORTS.get(scheme, ())} else f":{port}"
    return f"{scheme}{separator}{name.removesuffix('.')}{kept}"


def _values(scope: Scope, name: bytes, *, as_sent: bool = False) -> list[str]:
    found = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return found if as_sent else [value.lower() for value in found]
