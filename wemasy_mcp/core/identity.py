"""Who calls, in words fit for a log: the client program as it names itself, and the user whom a token proves."""

from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.context import ServerRequestContext

from wemasy_mcp.core.sanitize import sanitize

MAX_NAME = 200
"""Characters. Every one of these texts is the caller's own."""


def who_calls(ctx: ServerRequestContext[Any]) -> dict[str, str]:
    """Return `client`, the program's name and version or its User-Agent, and over HTTP whom its token proves.

    `subject` is the `sub` of an OAuth token or the name of a static one, `client_id` the client it was issued to.
    """
    info = ctx.session.client_params
    headers = getattr(ctx.request, "headers", {})
    names = {"client": f"{info.client_info.name}/{info.client_info.version}" if info else headers.get("user-agent", "")}
    if (access := get_access_token()) is not None:
        names["subject"] = access.subject or access.client_id
        names["client_id"] = access.client_id if access.subject else ""
    return {key: sanitize(name, limit=MAX_NAME) for key, name in names.items() if name}
