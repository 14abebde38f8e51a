"""Streamable HTTP of both protocol eras at `/mcp`. No session is kept: any replica serves any request."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wemasy_mcp.core.request_context import CLIENT_HAS_LEFT
from wemasy_mcp.transports.http.body import replaying
from wemasy_mcp.transports.http.cancellations import Cancellations, naming_session
from wemasy_mcp.transports.http.refusal import Refusal

MCP_PATH = "/mcp"

_JSON = ("application/json", "application/*", "*/*")
_STREAM = ("text/event-stream", "text/*", "*/*")
_REFUSED = re.compile(r";q=0(\.0*)?(;|$)")
_NOT_ACCEPTABLE = Refusal(406, "not_acceptable", "Answers are application/json or text/event-stream.")


class Streamable:
    """An ASGI application. Nothing is ever sent outside the answer to a POST, so GET is refused, as MCP allows.

    An answer is JSON where the client accepts it: an event stream would carry the same message at twice the cost.
    """

    def __init__(self, server: Server[Any]) -> None:
        self._as_json = StreamableHTTPSessionManager(server, stateless=True, json_response=True)
        self._as_stream = StreamableHTTPSessionManager(server, stateless=True)
        self._cancellations = Cancellations()

    def endpoints(self) -> dict[str, tuple[str, ASGIApp]]:
        """Return the path at which MCP is served, with the method."""
        return {MCP_PATH: ("POST", self)}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be ready to serve for as long as the block lasts."""
        async with self._as_json.run(), self._as_stream.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request whose body has arrived."""
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
        headers = Headers(scope=scope)
        takes_json, takes_stream = _takes(headers.getlist("accept"))
        if not takes_json and not takes_stream:
            await _NOT_ACCEPTABLE(scope, receive, send)
            return
        manager = self._as_json if takes_json else self._as_stream
        # The SDK compares text, and requires both types as the specification does. A client that names one means it.
        scope["headers"] = [
            *((name, value) for name, value in scope["headers"] if name not in {b"accept", b"content-type"}),
            (b"accept", b"application/json, text/event-stream"),
            (b"content-type", b"application/json"),
        ]
        if headers.get("mcp-protocol-version") in MODERN_PROTOCOL_VERSIONS:
            # The 2026-07-28 protocol cancels only by closing the connection. Earlier protocols have a
            # message for it, so there a lost connection must not cancel anything.
            with anyio.CancelScope() as serving:
                leaving.add_done_callback(lambda _: serving.cancel())
                await manager.handle_request(scope, receive, send)
        else:
            await manager.handle_request(scope, receive, send)


def _takes(accepted: Sequence[str]) -> tuple[bool, bool]:
    """Return whether a client accepts JSON, and an event stream; one that sends no Accept takes anything.

    Source: RFC 9110, section 12.5.1.
    """
    ranges = [each.lower().replace(" ", "") for each in ",".join(accepted).split(",") if each.strip()]
    if not ranges:
        return True, True
    wanted = {each.partition(";")[0] for each in ranges if not _REFUSED.search(each)}
    return not wanted.isdisjoint(_JSON), not wanted.isdisjoint(_STREAM)
