"""Messages that a client writes otherwise than MCP says, and that can be read in only one way."""

from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext


class Unread(dict[str, Any]):
    """Arguments that are not an object. As an empty one they pass the SDK, whose refusal hosts hide from the model."""

    def __init__(self, given: object) -> None:
        super().__init__()
        self.given = given


async def let_any_arguments_in(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
    """As middleware of the server: leave it to the tool what to do with arguments of any form."""
    given = (ctx.params or {}).get("arguments", {})
    if ctx.method == "tools/call" and not isinstance(given, dict):
        ctx = replace(ctx, params={**(ctx.params or {}), "arguments": Unread(given)})
    return await call_next(ctx)


def given_arguments(ctx: ServerRequestContext[Any]) -> object:
    """Return the arguments of a tool call as the client sent them."""
    given = (ctx.params or {}).get("arguments")
    return given.given if isinstance(given, Unread) else given


def normalize(message: Any) -> Any:
    """Return a JSON-RPC message with `params` as an object: PHP writes one without members as an empty list."""
    return {**message, "params": {}} if isinstance(message, dict) and message.get("params") == [] else message
