"""Names in the SDK's own spans: they are a client's words, of any length, and are cut as ours are."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext

MAX_NAME = 100
"""Characters of a method, a tool's name or a request's id."""


def with_short_names(middleware: ServerMiddleware[Any]) -> ServerMiddleware[Any]:
    """Return `middleware` that is shown short names; what it wraps is given the request as it is."""

    async def shown_short_names(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        return await middleware(_shorten(ctx), lambda _: call_next(ctx))

    return shown_short_names


def _shorten(ctx: ServerRequestContext[Any, Any]) -> ServerRequestContext[Any, Any]:
    name = ctx.params.get("name") if isinstance(ctx.params, Mapping) else None
    words = (ctx.method, name if isinstance(name, str) else "", str(ctx.request_id))
    if all(len(word) <= MAX_NAME for word in words):
        return ctx
    method, name, request_id = (word[:MAX_NAME] for word in words)
    return replace(ctx, method=method, params={**(ctx.params or {}), "name": name}, request_id=request_id)
