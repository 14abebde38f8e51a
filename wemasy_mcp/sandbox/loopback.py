"""Keeps other web pages away from the page and its controls.

A page elsewhere can send requests to loopback, and with a DNS name of its own pointing there even read the answers
(DNS rebinding). The exact Host shuts out the second, Origin and Sec-Fetch-Site the first.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NAMES = ("127.0.0.1", "localhost", "[::1]")
_HTTP_PORT = 80

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class LoopbackOnly:
    """Lets a request through if its Host is this server on loopback and no other origin's page sent it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 or 403, or pass on; every answer gets `SECURITY_HEADERS`."""

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        refusal = _refusal(scope)
        await (refusal or self._app)(scope, receive, send_secured)


def _refusal(scope: Scope) -> JSONResponse | None:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if host not in _own_hosts(scope):
        return JSONResponse({"message": "The sandbox answers only to its loopback address."}, 421)
    origin = headers.get("origin")
    if origin is not None and origin != f"{scope['scheme']}://{host}":
        return JSONResponse({"message": "Pages of another origin may not use the sandbox."}, 403)
    # A navigation from a link elsewhere may open the page; nothing else may come from another site.
    navigates = headers.get("sec-fetch-mode") == "navigate" and scope["path"] == "/"
    if headers.get("sec-fetch-site") in {"cross-site", "same-site"} and not navigates:
        return JSONResponse({"message": "Pages of another origin may not use the sandbox."}, 403)
    return None


def _own_hosts(scope: Scope) -> set[str]:
    _, port = scope.get("server") or (None, None)
    if port in (None, _HTTP_PORT):
        return {host for name in _NAMES for host in (name, f"{name}:{_HTTP_PORT}")}
    return {f"{name}:{port}" for name in _NAMES}
