"""Streamable HTTP of both protocol eras at `/mcp`, without sessions: any replica serves any request."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.streamable_http import check_accept_headers
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wemasy_mcp.http.guard import WholeBody

MCP_PATH = "/mcp"


class Streamable:
    """An ASGI application. Nothing is ever sent outside the answer to a POST, so GET is refused, as MCP allows."""

    def __init__(self, server: Server[Any]) -> None:
        self._as_json = StreamableHTTPSessionManager(server, stateless=True, json_response=True)
        self._as_stream = StreamableHTTPSessionManager(server, stateless=True)

    def routes(self, admit: Callable[[ASGIApp], ASGIApp]) -> list[Route]:
        """Return where MCP is served to those whom `admit` lets through."""
        return [Route(MCP_PATH, admit(WholeBody(self)), methods=["POST"])]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be ready to serve for as long as the block lasts."""
        async with self._as_json.run(), self._as_stream.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an event stream where the client takes one."""
        _, takes_stream = check_accept_headers(Request(scope))
        manager = self._as_stream if takes_stream else self._as_json
        await manager.handle_request(scope, receive, send)
