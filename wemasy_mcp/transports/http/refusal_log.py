"""The log of refusals: one line for each request, up to a few per second, and a count of the rest."""

import asyncio
import logging
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.observability.events import log_event
from wemasy_mcp.observability.metrics import instruments
from wemasy_mcp.transports.http.refusal import ERROR

logger = logging.getLogger(__name__)

MAX_LINES = 10
"""Per second: a client that floods the server does not fill its log."""


class RefusalLog:
    """Serves every request through `app` and logs each refusal."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._second = 0.0
        self._lines = 0
        self._unwritten = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_and_note(message: Message) -> None:
            # A 5xx is a refusal only where marked as one: readiness may stay 503 indefinitely.
            status = message.get("status", 0)
            if status >= 400 and (status < 500 or ERROR in scope):
                self._note(scope, status)
            await send(message)

        await self._app(scope, receive, send_and_note)

    def _note(self, scope: Scope, status: int) -> None:
        instruments().refusals.add(1, {"http.response.status_code": status})
        now = time.monotonic()
        if now - self._second >= 1:
            self._second, self._lines = now, 0
        if self._lines < MAX_LINES:
            self._lines += 1
            log_event(logger, logging.INFO, "refused", _members(scope, status))
        else:
            if not self._unwritten:
                asyncio.get_running_loop().call_later(self._second + 1 - now, self._count)
            self._unwritten += 1

    def _count(self) -> None:
        log_event(logger, logging.WARNING, "refused", {"more": self._unwritten})
        self._unwritten = 0


def _members(scope: Scope, status: int) -> dict[str, object]:
    """Return who requested what. All of it is foreign text; the query is omitted, because it may hold anything."""
    members = {
        "error": scope.get(ERROR, ""),
        "method": sanitize(scope["method"], limit=20),
        "path": sanitize(scope["path"], limit=100),
        "peer": (scope.get("client") or ("",))[0],
        "client": sanitize(Headers(scope=scope).get("user-agent", ""), limit=200),
    }
    return {"status": status} | {name: text for name, text in members.items() if text}
