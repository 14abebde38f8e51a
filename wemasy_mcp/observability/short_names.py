"""Cuts names in the SDK's own spans: they are a client's text, of any length, and are cut like ours."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext

MAX_NAME = 100
"""Maximum characters of a method, a tool's name or a request's id."""


def with_short_names(middleware: ServerMiddleware[Any]) -> ServerMiddleware[Any]:
    """Return `middleware` that sees short names; what it wraps gets the request unchanged."""

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
