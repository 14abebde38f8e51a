"""The SSE transport of 2024-11-05: `/sse` opens a session, `/messages/` takes its messages. The SDK has no app for it.

Sessions are bounded in number, end when nobody uses them, and end in order when the server stops.
"""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import anyio
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types.version import LATEST_HANDSHAKE_VERSION
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wemasy_mcp.transports.http.refusal import Refusal
from wemasy_mcp.transports.message_stream import IncomingStream, MessageStream
from wemasy_mcp.transports.opening import ANSWER_SECONDS, Opening, is_modern
from wemasy_mcp.transports.pending import Pending

MAX_SESSIONS = 500
IDLE_SECONDS = 1800.0
"""Seconds that a session lives without a message from its client: 30 minutes, as in the SDK's streamable HTTP."""

UNOPENED_SECONDS = 30.0
"""Seconds that a session lives before its first request."""

OPEN_PATH = "/sse"
MESSAGES_PATH = "/messages/"

_OPENING_NOTHING = ("ping", "server/discover")

_HANDSHAKE = types.JSONRPCRequest(
    jsonrpc="2.0",
    id="wemasy-mcp handshake for a client that reconnected",
    method="initialize",
    params={
        "protocolVersion": LATEST_HANDSHAKE_VERSION,
        "capabilities": {},
        "clientInfo": {"name": "unknown", "version": "0"},
    },
)

_REFUSALS = {
    400: Refusal(400, "invalid_request", "The session_id was not issued at /sse."),
    404: Refusal(404, "session_not_found", "The session has ended. Open a new one at /sse, and initialize again."),
}

_TOO_MANY = Refusal(
    503, "temporarily_unavailable", "Too many sessions are open. Try again later.", {"Retry-After": "30"}
)


class SseSessions:
    """The sessions of one server.

    Args:
        server: The MCP server.
        stopping: Set when the server stops: each session then ends as soon as nothing in it waits for an answer.
    """

    def __init__(
        self,
        server: Server[Any],
        stopping: anyio.Event,
        max_sessions: int = MAX_SESSIONS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._server = server
        self._stopping = stopping
        self._max_sessions = max_sessions
        self._idle_seconds = idle_seconds
        self._open = 0
        self._transport = SseServerTransport(MESSAGES_PATH)

    def endpoints(self) -> dict[str, tuple[str, ASGIApp]]:
        """Return the paths at which sessions are served, with the method of each."""
        return {OPEN_PATH: ("GET", self._open_session), MESSAGES_PATH.rstrip("/"): ("POST", self._take_message)}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do nothing: only the sessions run."""
        yield

    async def _open_session(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open >= self._max_sessions:
            await _TOO_MANY(scope, receive, send)
            return
        self._open += 1
        try:
            async with self._transport.connect_sse(scope, receive, send) as (read, write):
                session = _Session(read, write, self._idle_seconds)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(session.end_when_idle)
                    tasks.start_soon(session.end_when_answered, self._stopping)
                    options = self._server.create_initialization_options()
                    await self._server.run(session, _Answers(session), options)
                    while session.starts_over:
                        await self._server.run(session, _Answers(session), options)
                    tasks.cancel_scope.cancel()
        finally:
            self._open -= 1

    async def _take_message(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal: Refusal | None = None

        async def send_unless_refused(message: Message) -> None:
            # The SDK refuses in plain text.
            nonlocal refusal
            if message["type"] == "http.response.start":
                refusal = _REFUSALS.get(message["status"])
            if refusal is None:
                await send(message)

        # The session may end while its message is in transit; its client sees the stream end.
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            await self._transport.handle_post_message(scope, receive, send_unless_refused)
        if refusal is not None:
            await refusal(scope, receive, send)


class _Reading(Protocol):
    async def receive(self) -> SessionMessage | Exception: ...

    async def aclose(self) -> None: ...


class _Writing(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...

    async def aclose(self) -> None: ...


class _Session(IncomingStream):
    """The messages from one client, with a record of those that wait for an answer."""

    def __init__(self, read: _Reading, write: _Writing, idle_seconds: float) -> None:
        self._read = read
        self.write = write
        self.pending = Pending()
        self._idle_seconds = idle_seconds
        self._idle = anyio.CancelScope(deadline=anyio.current_time() + min(UNOPENED_SECONDS, idle_seconds))
        self._is_open = False
        self._opening = Opening()
        self._held: deque[SessionMessage] = deque()
        self.starts_over = False
        """True if the stream ended only so that the SDK serves what follows as a new connection."""

    async def receive(self) -> SessionMessage | Exception:
        self.starts_over = False
        while not self._held:
            item = await self._read.receive()
            assert isinstance(item, SessionMessage)  # noqa: S101 - `WholeBody` has refused what the SDK cannot read
            _forget_body(item)
            opens = isinstance(item.message, types.JSONRPCRequest) and item.message.method not in _OPENING_NOTHING
            # A client that initialized before this server restarted reconnects without a new handshake.
            is_resumed = opens and not self._is_open and not _opens_itself(item.message)
            items = [SessionMessage(_HANDSHAKE, item.metadata), item] if is_resumed else [item]
            if starts_over := self._opening.starts_over(items[0].message):
                with anyio.move_on_after(ANSWER_SECONDS):
                    await self.pending.wait_until_empty()
            if (refusal := self.pending.take(item)) is not None:
                await self.write.send(SessionMessage(refusal))
                continue
            self._is_open |= opens
            if self._is_open:
                self._idle.deadline = anyio.current_time() + self._idle_seconds
            self._held.extend(items)
            if starts_over:
                self.starts_over = True
                raise anyio.EndOfStream
        return self._held.popleft()

    async def end_when_idle(self) -> None:
        """End the session when its client has sent nothing for too long."""
        with self._idle:
            await anyio.sleep_forever()
        await self.write.aclose()

    async def end_when_answered(self, stopping: anyio.Event) -> None:
        """End the session once the server stops and every request has its answer."""
        await stopping.wait()
        await self.pending.wait_until_empty()
        await self.write.aclose()

    async def aclose(self) -> None:
        if not self.starts_over:
            self.pending.is_broken = True
            await self._read.aclose()


def _forget_body(item: SessionMessage) -> None:
    """Keep only the head of the HTTP request that a message came in: the SDK keeps it as long as the message."""
    assert isinstance(item.metadata, ServerMessageMetadata)  # noqa: S101 - as `handle_post_message` makes it
    item.metadata.request_context = Request(item.metadata.request_context.scope)


def _opens_itself(message: types.JSONRPCMessage) -> bool:
    return isinstance(message, types.JSONRPCRequest) and (message.method == "initialize" or is_modern(message))


class _Answers(MessageStream):
    """The messages to the client of a session."""

    def __init__(self, session: _Session) -> None:
        self._session = session

    async def send(self, item: SessionMessage) -> None:
        if getattr(item.message, "id", None) == _HANDSHAKE.id:
            return
        await self._session.write.send(item)
        self._session.pending.settle(item.message)

    async def aclose(self) -> None:
        if not self._session.starts_over:
            await self._session.write.aclose()
