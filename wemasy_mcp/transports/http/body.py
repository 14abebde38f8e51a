"""The body of a request: one message, whole before anything is done with it; bounded for one and for all together."""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wemasy_mcp.transports.http.refusal import Refusal
from wemasy_mcp.transports.message import Refusal as NotAMessage
from wemasy_mcp.transports.message import read
from wemasy_mcp.transports.normalize import normalize_message

MAX_BODY = 4 * 2**20
"""Bytes of a request's body: 4 MiB."""

SMALL_BODY = 2**14
"""Bytes of a body that do not count against `MAX_BODIES`: no client is refused for a call of usual size."""

MAX_BODIES = 48 * 2**20
"""Bytes that all bodies that are on their way or being read may hold together, beyond `SMALL_BODY` of each."""

_TOO_LARGE = Refusal(413, "too_large", f"The body has more than {MAX_BODY} bytes.")
_NOT_JSON = Refusal(415, "unsupported_media_type", "The Content-Type should be application/json.")
_TOO_MANY = Refusal(
    503,
    "temporarily_unavailable",
    "Too many large requests are on their way. Send it again later.",
    {"Retry-After": "5"},
)


class Bodies:
    """An account of the bodies that are held, one for a whole server."""

    def __init__(self, limit: int = MAX_BODIES) -> None:
        self._limit = limit
        self._held = 0

    def take(self, held: int, more: int) -> bool:
        """Note that a body of `held` bytes grows by `more`; whether there is room for it."""
        growth = max(0, held + more - SMALL_BODY) - max(0, held - SMALL_BODY)
        if growth and self._held + growth > self._limit:
            return False
        self._held += growth
        return True

    def release(self, held: int) -> None:
        """Note that a body of `held` bytes is gone."""
        self._held -= max(0, held - SMALL_BODY)


class WholeBody:
    """Calls the app once a whole message has arrived: any other body is refused, and dropped if its client has gone.

    The SDK logs an error for every client that leaves in the middle of its request.
    """

    def __init__(self, app: ASGIApp, bodies: Bodies) -> None:
        self._app = app
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, refuse it, or drop it."""
        if scope["method"] == "POST" and not _is_json(scope):
            await _NOT_JSON(scope, receive, send)
        elif _declared_length(scope) > MAX_BODY:
            await _TOO_LARGE(scope, receive, send)
        else:
            await self._collect(scope, receive, send)

    async def _collect(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return
                part = message.get("body", b"")
                if len(body) + len(part) > MAX_BODY:
                    await _TOO_LARGE(scope, receive, send)
                    return
                if not self._bodies.take(len(body), len(part)):
                    await _TOO_MANY(scope, receive, send)
                    return
                body += part
                if not message.get("more_body", False):
                    break
            meant = normalize_message(bytes(body))
            if scope["method"] == "POST" and isinstance(refusal := read(meant), NotAMessage):
                answer = refusal.answer.model_dump_json(by_alias=True)
                await Response(answer, 400, media_type="application/json")(scope, receive, send)
            else:
                await self._app(scope, replaying({**message, "body": meant}, receive), send)
        finally:
            self._bodies.release(len(body))


def replaying(message: Message, receive: Receive) -> Receive:
    """Return what receives `message` again, and then what `receive` does."""
    unread = [message]

    async def receive_again() -> Message:
        return unread.pop() if unread else await receive()

    return receive_again


def _is_json(scope: Scope) -> bool:
    types = [value.partition(b";")[0].strip().lower() for name, value in scope["headers"] if name == b"content-type"]
    return types == [b"application/json"]


def _declared_length(scope: Scope) -> int:
    # h11 has seen that it is a number, and the only one.
    return max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)
