"""A refusal over HTTP: JSON with `error` and `error_description`, which OAuth clients understand from any source."""

from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

ERROR = "wemasy_mcp.error"
"""The key in a request's scope for the error with which it was refused."""


class Refusal:
    """An ASGI application that refuses every request, without waiting for its body.

    Args:
        status: The HTTP status.
        error: A word for programs.
        description: A sentence for people.
        headers: Sent along.
    """

    def __init__(self, status: int, error: str, description: str, headers: Mapping[str, str] | None = None) -> None:
        self._status = status
        self._content = {"error": error, "error_description": description}
        self._headers = dict(headers or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; close the connection if a body, which nobody will read, may be on its way."""
        scope[ERROR] = self._content["error"]
        names = {name for name, value in scope["headers"] if value != b"0"}
        close = {"Connection": "close"} if names & {b"content-length", b"transfer-encoding"} else {}
        await JSONResponse(self._content, self._status, self._headers | close)(scope, receive, send)
