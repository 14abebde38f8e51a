"""Calls over streamable HTTP that 2025 clients cancelled, with a separate request while the call's stays open.

Each request is served for itself here, and ids of requests are unique in one client only. So every client is given a
session id with the answer to `initialize` (MCP 2025-11-25, "Session Management"), and sends it with each request.
Nothing is kept for a session, and any replica serves any session: it only identifies whose request is cancelled.
"""

import json
from collections import OrderedDict
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Scope, Send

SESSION_HEADER = "mcp-session-id"

MAX_CANCELLATIONS = 10_000
"""Maximum number remembered; the oldest is forgotten first."""

MAX_SESSION = 64
"""Maximum characters of a session id that is considered; those issued here have 32."""

MAX_MESSAGE = 65_536
"""Maximum bytes of a message that is considered: both kinds are short."""


class Cancellations:
    """The cancelled requests of each session."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def note(self, scope: Scope, body: bytes) -> str:
        """Record what a request cancels, if anything, and return its session; empty if it has none."""
        session = Headers(scope=scope).get(SESSION_HEADER, "")
        if session and len(session) <= MAX_SESSION:
            message = _read(body, "notifications/cancelled")
            params = message.get("params")
            if isinstance(params, dict) and isinstance(params.get("requestId"), (str, int)):
                self._known[session, repr(params["requestId"])[:MAX_SESSION]] = None
                if len(self._known) > MAX_CANCELLATIONS:
                    self._known.popitem(last=False)
        return session

    def hold(self, session: str, request_id: object) -> bool:
        """Return whether a request was cancelled."""
        return (session, repr(request_id)[:MAX_SESSION]) in self._known


def naming_session(whole: Message, send: Send) -> Send:
    """Return a `send` for the answer to the request `whole`, with a new session id if that is an `initialize`."""
    if not _read(whole["body"], "initialize"):
        return send

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            MutableHeaders(scope=message)[SESSION_HEADER] = uuid4().hex
        await send(message)

    return send_named


def _read(body: bytes, method: str) -> dict[str, object]:
    """Return the message with that method in a body; empty if there is none."""
    if len(body) > MAX_MESSAGE or f'"{method}"'.encode() not in body:
        return {}
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) and message.get("method") == method else {}
