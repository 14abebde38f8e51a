"""Streamable HTTP of both protocol eras at `/mcp`, without sessions: any replica serves any request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import check_accept_headers
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wemasy_mcp.transports.http.middleware import WholeBody, replaying

MCP_PATH = "/mcp"


class Streamable:
    """An ASGI application. Nothing is ever sent outside the answer to a POST, so GET is refused, as MCP allows.

    An answer is JSON where the client takes that: an event stream would carry the same one message at twice the cost.
    """

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
        """Serve one request whose body has come."""
        request = Request(scope)
        takes_json, takes_stream = check_accept_headers(request)
        if request.headers.get("mcp-protocol-version") in MODERN_PROTOCOL_VERSIONS:
            await _serve_until_client_leaves(self._as_json.handle_request, scope, receive, send)
        elif takes_stream and not takes_json:
            # The SDK insists on both, as the specification does; a client that names one form means it.
            headers = MutableHeaders(raw=list(scope["headers"]))
            headers["Accept"] = "application/json, text/event-stream"
            await self._as_stream.handle_request({**scope, "headers": headers.raw}, receive, send)
        else:
            await self._as_json.handle_request(scope, receive, send)


async def _serve_until_client_leaves(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Cancel what `app` does once the client closes the connection: the 2026-07-28 protocol cancels no other way.

    Earlier protocols have a message for it, and there a lost connection must cancel nothing.
    """
    whole = await receive()
    leaving = asyncio.ensure_future(receive())
    with anyio.CancelScope() as serving:
        leaving.add_done_callback(lambda _: serving.cancel())
        try:
            await app(scope, replaying(whole, lambda: asyncio.shield(leaving)), send)
        finally:
            leaving.cancel()
