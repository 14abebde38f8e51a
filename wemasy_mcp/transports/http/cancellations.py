"""Calls over streamable HTTP that clients of 2025 cancelled, by a request of its own while the call's stays open.

Each request is served for itself here, and ids of requests are unique in one client only. So every client is given a
session id with the answer to `initialize` (MCP 2025-11-25, "Session Management"), and sends it with each request.
Nothing is kept for a session, and any replica serves any: it only says whose request a cancellation names.
"""

import json
from collections import OrderedDict
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Scope, Send

SESSION_HEADER = "mcp-session-id"

MAX_CANCELLATIONS = 10_000
"""How many are remembered; the oldest is forgotten first."""

MAX_SESSION = 64
"""Characters of a session id that is looked at; those given here have 32."""

MAX_MESSAGE = 65_536
"""Bytes of a message that is looked at: both kinds are short."""


class Cancellations:
    """Which request of which session was cancelled."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def note(self, scope: Scope, body: bytes) -> str:
        """Note what a request cancels, if that is what it does, and return its session; empty where it has none."""
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
        """Whether a request was cancelled."""
        return (session, repr(request_id)[:MAX_SESSION]) in self._known


def naming_session(whole: Message, send: Send) -> Send:
    """Return what sends the answer to the request `whole`: with a new session id where that is an `initialize`."""
    if not _read(whole["body"], "initialize"):
        return send

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            MutableHeaders(scope=message)[SESSION_HEADER] = uuid4().hex
        await send(message)

    return send_named


def _read(body: bytes, method: str) -> dict[str, object]:
    """The message of that method in a body; an empty one where it holds none."""
    if len(body) > MAX_MESSAGE or f'"{method}"'.encode() not in body:
        return {}
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) and message.get("method") == method else {}
