"""The SDK's context of a tool call: who calls, with which arguments, and whether the client is still waiting."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from wemasy_mcp.core.sanitize import sanitize

MAX_NAME = 200
"""Maximum characters of a name in the log. Every name is the caller's own text."""

CLIENT_HAS_LEFT = "wemasy_mcp.client_has_left"
"""The key in an HTTP request's ASGI scope under which its transport says whether the client gave up on an id."""

Context = ServerRequestContext[Any]


class _Unread(dict[str, Any]):
    """Arguments that are not an object. They pass the SDK as an empty one: hosts hide its refusal from the model."""

    def __init__(self, given: object) -> None:
        super().__init__()
        self.given = given


async def let_any_arguments_in(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Server middleware: let the tool decide what to do with arguments of any form."""
    given = (ctx.params or {}).get("arguments", {})
    if ctx.method == "tools/call" and not isinstance(given, dict):
        ctx = replace(ctx, params={**(ctx.params or {}), "arguments": _Unread(given)})
    return await call_next(ctx)


def given_arguments(ctx: Context) -> object:
    """Return the arguments of a tool call as the client sent them."""
    given = (ctx.params or {}).get("arguments")
    return given.given if isinstance(given, _Unread) else given


def who_calls(ctx: Context) -> dict[str, str]:
    """Return, for the log, `client` (the program's name and version, or its User-Agent) and whom its token identifies.

    `subject` is the `sub` of an OAuth token or the name of a static one; `client_id` is the client it was issued to.
    """
    info = ctx.session.client_params
    headers = getattr(ctx.request, "headers", {})
    names = {"client": f"{info.client_info.name}/{info.client_info.version}" if info else headers.get("user-agent", "")}
    if (access := get_access_token()) is not None:
        names["subject"] = access.subject or access.client_id
        names["client_id"] = access.client_id if access.subject else ""
    return {key: sanitize(name, limit=MAX_NAME) for key, name in names.items() if name}


def watch_client(ctx: Context) -> Callable[[], bool]:
    """Return whether the client still waits, which may end over HTTP, as a function that does not keep the message."""
    has_left, request_id = getattr(ctx.request, "scope", {}).get(CLIENT_HAS_LEFT, lambda _: False), ctx.request_id
    return lambda: not has_left(request_id)
