"""Laravel's JSON answers when there is no route, or none for that method."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wemasy_mcp.sandbox.journal import Journal
from wemasy_mcp.sandbox.tokens import bearer_token

if TYPE_CHECKING:
    from starlette.exceptions import HTTPException


class NoRoute:
    """Answers and records the request: a wrong base URL is the most common mistake."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def not_found(self, request: Request, _: Exception) -> Response:
        """Return 404."""
        return self._refuse(request, 404, f"The route {_route(request)} could not be found.")

    async def wrong_method(self, request: Request, error: Exception) -> Response:
        """Return 405, with the methods that the route has."""
        headers = cast("HTTPException", error).headers or {}
        message = (
            f"The {request.method} method is not supported for route {_route(request)}. "
            f"Supported methods: {headers['Allow']}."
        )
        return self._refuse(request, 405, message, headers)

    def _refuse(
        self, request: Request, status: int, message: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        token = bearer_token(request.headers.get("Authorization", ""))
        self._journal.note(request.method, request.url.path, token, status, message)
        return JSONResponse({"message": message}, status, headers)


def _route(request: Request) -> str:
    return request.url.path.strip("/")
