"""The body of a request: one message, read whole before it is used; bounded for each and for all together."""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wemasy_mcp.json_weight import MAX_WEIGHT, SMALL, weigh, weigh_copies
from wemasy_mcp.transports.http.refusal import Refusal
from wemasy_mcp.transports.message import Refusal as NotAMessage
from wemasy_mcp.transports.message import read
from wemasy_mcp.transports.normalize import normalize_message

MAX_BODY = 4 * 2**20
"""Maximum bytes of a request's body: 4 MiB."""

MAX_WEIGHTS = 64 * 2**20
"""Bytes of memory that all messages arriving or being handled may take together, beyond `SMALL` for each.

More than calls may take, so that a call for which there is no room is answered as one.
"""

_TOO_LARGE = Refusal(413, "too_large", f"The body has more than {MAX_BODY} bytes.")
_TOO_MANY_VALUES = Refusal(413, "too_large", "The body holds too many values.")
_NOT_JSON = Refusal(415, "unsupported_media_type", "The Content-Type should be application/json.")
_TOO_MANY = Refusal(
    503,
    "temporarily_unavailable",
    "Too many large requests are being read. Send it again later.",
    {"Retry-After": "5"},
)


class Bodies:
    """An account of the messages that are held, one for a whole server."""

    def __init__(self, limit: int = MAX_WEIGHTS) -> None:
        self._limit = limit
        self._held = 0

    def grow(self, held: int, weight: int) -> bool:
        """Record that a message that took `held` bytes takes `weight`; return whether there is room for it."""
        growth = max(0, weight - SMALL) - max(0, held - SMALL)
        if growth > 0 and self._held + growth > self._limit:
            return False
        self._held += growth
        return True


class WholeBody:
    """Calls the app once a whole message has arrived; refuses any other body, or drops it if its client has gone.

    The SDK logs an error for every client that disconnects in the middle of its request.
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
        body, held = bytearray(), 0
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return
                body += message.get("body", b"")
                is_whole = not message.get("more_body", False)
                weight = weigh(body) if is_whole else len(body)
                if len(body) > MAX_BODY or weight > MAX_WEIGHT:
                    await (_TOO_LARGE if len(body) > MAX_BODY else _TOO_MANY_VALUES)(scope, receive, send)
                    return
                if is_whole:
                    weight += weigh_copies(len(body))
                if not self._bodies.grow(held, weight):
                    await _TOO_MANY(scope, receive, send)
                    return
                held = weight
                if is_whole:
                    break
            meant = normalize_message(bytes(body))
            body.clear()
            if scope["method"] == "POST" and (answer := _answer_unreadable(meant)):
                await Response(answer, 400, media_type="application/json")(scope, receive, send)
            else:
                await self._app(scope, replaying({**message, "body": meant}, receive), send)
        finally:
            self._bodies.grow(held, 0)


def _answer_unreadable(body: bytes) -> str:
    """Return the answer to what is not a message, else an empty text: a message kept here would be held twice."""
    read_as = read(body)
    return read_as.answer.model_dump_json(by_alias=True) if isinstance(read_as, NotAMessage) else ""


def replaying(message: Message, receive: Receive) -> Receive:
    """Return a `receive` that yields `message` again, then whatever the original yields."""
    unread = [message]

    async def receive_again() -> Message:
        return unread.pop() if unread else await receive()

    return receive_again


def _is_json(scope: Scope) -> bool:
    types = [value.partition(b";")[0].strip().lower() for name, value in scope["headers"] if name == b"content-type"]
    return types == [b"application/json"]


def _declared_length(scope: Scope) -> int:
    # h11 has checked that it is a number, and the only one.
    return max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)
