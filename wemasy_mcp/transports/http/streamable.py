"""Streamable HTTP of both protocol eras at `/mcp`, without sessions that are kept: any replica serves any request."""

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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wemasy_mcp.core.server import CLIENT_HAS_LEFT
from wemasy_mcp.transports.http.cancellations import Cancellations, naming_session
from wemasy_mcp.transports.http.middleware import WholeBody, replaying

MCP_PATH = "/mcp"


class Streamable:
    """An ASGI application. Nothing is ever sent outside the answer to a POST, so GET is refused, as MCP allows.

    An answer is JSON where the client takes that: an event stream would carry the same one message at twice the cost.
    """

    def __init__(self, server: Server[Any]) -> None:
        self._as_json = StreamableHTTPSessionManager(server, stateless=True, json_response=True)
        self._as_stream = StreamableHTTPSessionManager(server, stateless=True)
        self._cancellations = Cancellations()

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
        whole = await receive()
        session = self._cancellations.note(scope, whole["body"])
        leaving = asyncio.ensure_future(receive())
        scope[CLIENT_HAS_LEFT] = lambda request_id: leaving.done() or self._cancellations.hold(session, request_id)
        try:
            await self._serve(
                scope, replaying(whole, lambda: asyncio.shield(leaving)), naming_session(whole, send), leaving
            )
        finally:
            leaving.cancel()

    async def _serve(self, scope: Scope, receive: Receive, send: Send, leaving: asyncio.Future[Message]) -> None:
        request = Request(scope)
        takes_json, takes_stream = check_accept_headers(request)
        if request.headers.get("mcp-protocol-version") in MODERN_PROTOCOL_VERSIONS:
            # The 2026-07-28 protocol cancels by closing the connection, and in no other way. Earlier protocols have a
            # message for it, and there a lost connection must cancel nothing.
            with anyio.CancelScope() as serving:
                leaving.add_done_callback(lambda _: serving.cancel())
                await self._as_json.handle_request(scope, receive, send)
        elif takes_stream and not takes_json:
            # The SDK insists on both, as the specification does; a client that names one form means it.
            headers = MutableHeaders(raw=list(scope["headers"]))
            headers["Accept"] = "application/json, text/event-stream"
            await self._as_stream.handle_request({**scope, "headers": headers.raw}, receive, send)
        else:
            await self._as_json.handle_request(scope, receive, send)
