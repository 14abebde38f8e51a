"""Either HTTP transport as one ASGI application: guard, client authentication, MCP, health. Knows no socket."""

from collections.abc import Callable, Sequence
from typing import Any

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.lowlevel import Server
from starlette.applications import Starlette
from starlette.authentication import AuthenticationError
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from wemasy_mcp.settings import Settings
from wemasy_mcp.transports.http.auth.jwks import PAUSE_SECONDS
from wemasy_mcp.transports.http.auth.oauth import JwtTokens, protected_resource
from wemasy_mcp.transports.http.middleware import HostAndOrigin, own_hosts, own_origins
from wemasy_mcp.transports.http.sse import OPEN_PATH, SseSessions
from wemasy_mcp.transports.http.streamable import MCP_PATH, Streamable

ALIVE_PATH, READY_PATH = "/healthz", "/readyz"


def mcp_path(settings: Settings) -> str:
    """Return the path that clients are given."""
    return OPEN_PATH if settings.transport == "sse" else MCP_PATH


def build_app(
    server: Server[Any], settings: Settings, port: int, verifier: TokenVerifier | None, stopping: anyio.Event
) -> Starlette:
    """Return the application that serves MCP over the transport of `settings`.

    Args:
        server: What answers.
        settings: Which transport, which hosts and origins.
        port: Where the application is reached.
        verifier: What tells clients from strangers; None serves everybody.
        stopping: Set when the server stops.

    Raises:
        SettingsError: A setting cannot be used.
    """
    hosts, origins = own_hosts(settings.allowed_hosts, port), own_origins(settings.allowed_origins, port)
    middleware = [Middleware(HostAndOrigin, hosts=hosts, origins=origins, open_paths=(ALIVE_PATH, READY_PATH))]
    if settings.allowed_origins:
        middleware.append(_for_web_pages(origins))
    if verifier is not None:
        middleware += _who_calls(verifier)
    admit, discovery = _admission(verifier, settings, hosts)
    transport = SseSessions(server, stopping) if settings.transport == "sse" else Streamable(server)
    app = Starlette(
        routes=[*transport.routes(admit), *discovery, *_health(stopping)],
        middleware=middleware,
        lifespan=lambda app: transport.running(),
    )
    app.router.redirect_slashes = False
    return app


def _for_web_pages(origins: Sequence[str]) -> Middleware:
    """What lets a web page on an allowed origin read the answers."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["WWW-Authenticate"],
    )


def _who_calls(verifier: TokenVerifier) -> list[Middleware]:
    """What notes on each request who brings it."""

    def cannot_judge(request: HTTPConnection, error: AuthenticationError) -> Response:
        # A 401 would make the client throw its token away.
        retry_after = {"Retry-After": f"{PAUSE_SECONDS:.0f}"}
        return PlainTextResponse("The issuer's keys cannot be fetched now.", 503, retry_after)

    return [
        Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(verifier), on_error=cannot_judge),
        Middleware(AuthContextMiddleware),
    ]


def _admission(
    verifier: TokenVerifier | None, settings: Settings, hosts: Sequence[str]
) -> tuple[Callable[[ASGIApp], ASGIApp], list[Route]]:
    """What keeps strangers out of an application, and the routes by which they can find the issuer of tokens."""
    if verifier is None:
        return lambda app: app, []
    if not isinstance(verifier, JwtTokens):
        return lambda app: RequireAuthMiddleware(app, []), []
    metadata = protected_resource(settings, hosts, mcp_path(settings))
    url = build_resource_metadata_url(metadata.resource)
    discovery = create_protected_resource_routes(metadata.resource, metadata.authorization_servers)
    return lambda app: RequireAuthMiddleware(app, [], url), discovery


def _health(stopping: anyio.Event) -> list[Route]:
    async def alive(request: Request) -> Response:
        return PlainTextResponse("alive")

    async def ready(request: Request) -> Response:
        return PlainTextResponse("stopping", 503) if stopping.is_set() else PlainTextResponse("ready")

    return [Route(ALIVE_PATH, alive), Route(READY_PATH, ready)]
