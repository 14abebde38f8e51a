"""An answer before it is sent, and the bodies and headers that the API's pages document."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from wemasy_mcp.sandbox.budget import REQUESTS_PER_WINDOW
from wemasy_mcp.sandbox.rules import Errors, summarize

REPORTS_BUDGET = frozenset({200, 401, 403, 429})
"""The statuses whose documented answers carry `X-RateLimit-Limit` and `X-RateLimit-Remaining`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and the reason for it in plain words."""

    status: int
    body: Mapping[str, Any]
    why: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, remaining: int | None = None) -> Response:
        """Return the HTTP response; `remaining` is the token's remaining budget, if there is one."""
        headers = dict(self.headers)
        if remaining is not None and self.status in REPORTS_BUDGET:
            headers["X-RateLimit-Limit"] = str(REQUESTS_PER_WINDOW)
            headers["X-RateLimit-Remaining"] = str(remaining)
        # Escaped as in PHP's json_encode, so that a client's handling of escapes is also exercised.
        return Response(json.dumps(self.body), self.status, headers, media_type="application/json")


def unauthenticated(why: str) -> Answer:
    """Return 401: the token is missing or unknown."""
    return Answer(401, {"error": True, "message": "Unauthenticated."}, why)


def forbidden(why: str) -> Answer:
    """Return 403: the token lacks the permission."""
    return Answer(403, {"error": True, "message": "This action is unauthorized."}, why)


def too_many_attempts(retry_after: int, why: str) -> Answer:
    """Return 429, with the number of whole seconds until the limit resets."""
    headers = {"Retry-After": str(retry_after)}
    return Answer(429, {"error": True, "message": "Too Many Attempts."}, why, headers)


def invalid(errors: Errors) -> Answer:
    """Return 422 with the rules' messages, field by field."""
    why = " ".join(error for said in errors.values() for error in said)
    return Answer(422, {"message": summarize(errors), "errors": errors}, why)


def server_error(why: str) -> Answer:
    """Return Laravel's 500 outside debug mode."""
    return Answer(500, {"message": "Server Error"}, why)
