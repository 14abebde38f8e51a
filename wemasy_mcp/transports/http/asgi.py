"""Either HTTP transport as one ASGI application: guard, client authentication, MCP, health. It opens no sockets."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

import anyio
from mcp.server.auth.provider import TokenVerifier
from mcp.server.lowlevel import Server
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from wemasy_mcp.settings import FORWARDED_PREFIX, Settings
from wemasy_mcp.transports.http.auth.admission import Admission
from wemasy_mcp.transports.http.auth.oauth import JwtTokens, protected_resource
from wemasy_mcp.transports.http.body import Bodies, WholeBody
from wemasy_mcp.transports.http.guard import Guard, own_hosts, own_origins
from wemasy_mcp.transports.http.refusal import Refusal
from wemasy_mcp.transports.http.refusal_log import RefusalLog
from wemasy_mcp.transports.http.sse import OPEN_PATH, SseSessions
from wemasy_mcp.transports.http.streamable import MCP_PATH, Streamable

ALIVE_PATH, READY_PATH = "/healthz", "/readyz"
METADATA_PATH = "/.well-known/oauth-protected-resource"

READING = ("GET", "HEAD")

_NOT_FOUND = Refusal(404, "not_found", "Nothing is served at this path.")


def mcp_path(settings: Settings) -> str:
    """Return the path that clients use."""
    return OPEN_PATH if settings.transport == "sse" else MCP_PATH


def build_app(
    server: Server[Any], settings: Settings, port: int, verifier: TokenVerifier | None, stopping: anyio.Event
) -> ASGIApp:
    """Return the application that serves MCP over the transport of `settings`.

    Args:
        server: The MCP server.
        settings: The transport, hosts and origins.
        port: The port at which the application is reached.
        verifier: Recognises clients; None admits everyone.
        stopping: Set when the server stops.

    Raises:
        SettingsError: A setting cannot be used.
    """
    hosts, origins = own_hosts(settings.allowed_hosts, port), own_origins(settings.allowed_origins, port)
    transport = SseSessions(server, stopping) if settings.transport == "sse" else Streamable(server)
    admit, discovery = _admission(verifier, settings, hosts[0])
    bodies = Bodies()
    served = {
        path: admit(Methods([method], WholeBody(app, bodies))) for path, (method, app) in transport.endpoints().items()
    }
    app: ASGIApp = Paths({**served, **discovery, **_health(verifier, stopping)}, transport.running)
    if settings.allowed_origins:
        # A web page on an allowed origin may read the answers.
        app = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["WWW-Authenticate"],
        )
    return RefusalLog(Guard(app, hosts, origins, (ALIVE_PATH, READY_PATH), settings.path_prefix))


class Paths:
    """Serves each path, with or without a trailing slash, and nothing else.

    Args:
        endpoints: The application that serves each path.
        running: A context manager that is open for the server's lifetime.
    """

    def __init__(
        self, endpoints: Mapping[str, ASGIApp], running: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        self._endpoints = endpoints
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] == "lifespan":
            await receive()
            async with self._running():
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await self._endpoints.get(scope["path"].removesuffix("/"), _NOT_FOUND)(scope, receive, send)


class Methods:
    """Serves requests with the given methods and refuses all others."""

    def __init__(self, methods: Sequence[str], app: ASGIApp) -> None:
        self._methods = methods
        self._app = app
        allowed = ", ".join(methods)
        self._refusal = Refusal(405, "method_not_allowed", f"Served here: {allowed}.", {"Allow": allowed})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        await (self._app if scope["method"] in self._methods else self._refusal)(scope, receive, send)


def _admission(
    verifier: TokenVerifier | None, settings: Settings, host: str
) -> tuple[Callable[[ASGIApp], ASGIApp], dict[str, ASGIApp]]:
    """Return a wrapper that admits only clients, and the paths where others can find the issuer."""
    if verifier is None:
        return lambda app: app, {}
    if not isinstance(verifier, JwtTokens):
        return lambda app: Admission(app, verifier), {}
    prefix = settings.path_prefix if settings.path_prefix != FORWARDED_PREFIX else ""
    metadata = protected_resource(settings, host, prefix + mcp_path(settings))
    resource = urlsplit(metadata["resource"])
    document = Methods(READING, JSONResponse(metadata))
    # RFC 9728 puts the resource's path last. Behind a proxy that strips a prefix, only what follows the prefix arrives.
    path = METADATA_PATH + resource.path.removesuffix("/")
    shown = f"{prefix}{METADATA_PATH}{mcp_path(settings)}" if prefix else path
    url = f"{resource.scheme}://{resource.netloc}{shown}"
    paths = {METADATA_PATH, METADATA_PATH + mcp_path(settings), path}
    return lambda app: Admission(app, verifier, settings.auth_scopes, url), dict.fromkeys(paths, document)


def _health(verifier: TokenVerifier | None, stopping: anyio.Event) -> dict[str, ASGIApp]:
    async def ready(scope: Scope, receive: Receive, send: Send) -> None:
        if stopping.is_set():
            answer = PlainTextResponse("stopping", 503)
        elif isinstance(verifier, JwtTokens) and not await verifier.could_admit():
            answer = PlainTextResponse("without the issuer's keys", 503)
        else:
            answer = PlainTextResponse("ready")
        await answer(scope, receive, send)

    return {
        ALIVE_PATH: Methods(["GET", "HEAD"], PlainTextResponse("alive")),
        READY_PATH: Methods(["GET", "HEAD"], ready),
    }
