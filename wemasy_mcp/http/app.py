"""Either HTTP transport as one ASGI application: guard, client authentication, MCP, health. Knows no socket."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import check_accept_headers
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.authentication import AuthenticationError
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wemasy_mcp.http.guard import HostAndOrigin, WholeBody, own_hosts, own_origins
from wemasy_mcp.http.keys import PAUSE_SECONDS
from wemasy_mcp.http.oauth import JwtTokens, protected_resource
from wemasy_mcp.http.sse import MESSAGES_PATH, OPEN_PATH, SseSessions
from wemasy_mcp.settings import Settings

MCP_PATH = "/mcp"
ALIVE_PATH, READY_PATH = "/healthz", "/readyz"


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
    middleware = [
        Middleware(
            HostAndOrigin,
            hosts=hosts,
            origins=origins,
            open_paths=(ALIVE_PATH, READY_PATH),
        )
    ]
    if settings.allowed_origins:
        # A web page on an allowed origin can read no answer without these headers.
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["GET", "POST"],
                allow_headers=["*"],
                expose_headers=["WWW-Authenticate"],
            )
        )
    if verifier is not None:
        backend = BearerAuthBackend(verifier)
        middleware.append(Middleware(AuthenticationMiddleware, backend=backend, on_error=_cannot_judge))
        middleware.append(Middleware(AuthContextMiddleware))

    metadata: list[Route] = []
    metadata_url = None
    if isinstance(verifier, JwtTokens):
        path = OPEN_PATH if settings.transport == "sse" else MCP_PATH
        described = protected_resource(settings, hosts, path)
        metadata = create_protected_resource_routes(described.resource, described.authorization_servers)
        metadata_url = build_resource_metadata_url(described.resource)

    def for_clients(app: ASGIApp) -> ASGIApp:
        return app if verifier is None else RequireAuthMiddleware(app, [], metadata_url)

    managers: Sequence[StreamableHTTPSessionManager] = ()
    if settings.transport == "sse":
        sessions = SseSessions(server, stopping)
        routes = [
            Route(OPEN_PATH, for_clients(WholeBody(sessions.open)), methods=["GET"]),
            Route(MESSAGES_PATH, for_clients(WholeBody(sessions.take_message)), methods=["POST"]),
        ]
    else:
        streamable = _Streamable(server)
        managers = (streamable.as_json, streamable.as_stream)
        routes = [Route(MCP_PATH, for_clients(WholeBody(streamable)), methods=["POST"])]

    async def alive(request: Request) -> Response:
        return PlainTextResponse("alive")

    async def ready(request: Request) -> Response:
        return PlainTextResponse("stopping", 503) if stopping.is_set() else PlainTextResponse("ready")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            for manager in managers:
                await running.enter_async_context(manager.run())
            yield

    app = Starlette(
        routes=[*routes, *metadata, Route(ALIVE_PATH, alive), Route(READY_PATH, ready)],
        middleware=middleware,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _cannot_judge(request: HTTPConnection, error: AuthenticationError) -> Response:
    """A 401 would make the client throw its token away."""
    return PlainTextResponse("The issuer's keys cannot be fetched now.", 503, {"Retry-After": f"{PAUSE_SECONDS:.0f}"})


class _Streamable:
    """Streamable HTTP of both protocol eras, without sessions: any replica serves any request.

    Nothing is ever sent outside the answer to a POST, so GET is refused as the specification allows.
    """

    def __init__(self, server: Server[Any]) -> None:
        self.as_json = StreamableHTTPSessionManager(server, stateless=True, json_response=True)
        self.as_stream = StreamableHTTPSessionManager(server, stateless=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an event stream where the client takes one."""
        _, takes_stream = check_accept_headers(Request(scope))
        manager = self.as_stream if takes_stream else self.as_json
        await manager.handle_request(scope, receive, send)
