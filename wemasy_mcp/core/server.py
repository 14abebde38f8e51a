"""The MCP server: lists the tools, calls them, answers every call. Knows MCP and the client, but no transport."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import types
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from pydantic import SecretStr

from wemasy_mcp import __version__
from wemasy_mcp.core.client import Attempt, Caller, created_record
from wemasy_mcp.core.errors import InternalError, WemasyError
from wemasy_mcp.core.protocol import parse_arguments, request_body
from wemasy_mcp.core.request_context import (
    Context,
    given_arguments,
    let_any_arguments_in,
    watch_client,
    who_calls,
)
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.core.tools import build_tool, error_result, success_result
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.observability.calls import CallReport
from wemasy_mcp.observability.short_names import with_short_names

logger = logging.getLogger(__name__)

NAME = "wemasy-mcp"
TITLE = "Wemasy AI Assistant"
WEBSITE = "https://wemasy.nl"

INSTRUCTIONS = """\
Tools that write to the user's Wemasy account: {tools}. Every result says in `success` or \
`error.outcome` whether the write happened; tell the user exactly that. `not_applied`: it did not happen. `unknown`: \
it may have happened; say so, and repeat the call only if `error.retryable` is true. `rate_limited`: call again after \
`retry_after_seconds`, not before. `error.hint` says what to do next."""

SANDBOX_INSTRUCTIONS = """\
This is the embedded sandbox, not the user's account: nothing saved here reaches Wemasy. Tell the user so. """

_UNSAFE_IN_USER_AGENT = re.compile(r"[^A-Za-z0-9._+-]+")

TokenSource = Callable[[Context], SecretStr]
"""Returns the Wemasy token that a call uses. May raise `NotConfigured`."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options for the treatment of calls."""

    drop_nulls: bool = False
    sandbox: bool = False


def build_server(
    caller: Caller, endpoints: Sequence[Endpoint], token_source: TokenSource, options: Options | None = None
) -> Server[Any]:
    """Return the server that offers `endpoints` through `caller`."""
    options = options or Options()
    offered = {endpoint.tool: endpoint for endpoint in endpoints}
    listed = types.ListToolsResult(tools=[build_tool(endpoint) for endpoint in endpoints])

    async def list_tools(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        # A client that lists the tools is about to call one.
        caller.prepare()
        return listed

    async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        endpoint = offered.get(params.name)
        if endpoint is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {sanitize(params.name, limit=100)}")
        return await _call(caller, endpoint, token_source, options, ctx)

    server = Server[Any](
        NAME,
        version=__version__,
        title=TITLE,
        website_url=WEBSITE,
        instructions=(SANDBOX_INSTRUCTIONS if options.sandbox else "") + _instructions(endpoints),
        # The tools of one process never change: a client may cache the list for an hour, and share it.
        cache_hints={"tools/list": CacheHint(ttl_ms=3_600_000, scope="public")},
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        # Without it the SDK lists the tools on every HTTP call of the 2026-07-28 protocol to look for these schemas.
        get_tool_input_schema=lambda name: offered[name].argument_schema if name in offered else None,
    )
    server.middleware[:] = [*map(with_short_names, server.middleware), let_any_arguments_in]
    return server


def _instructions(endpoints: Sequence[Endpoint]) -> str:
    described = "; ".join(f"{endpoint.tool}: {endpoint.description.partition('.')[0]}" for endpoint in endpoints)
    return INSTRUCTIONS.format(tools=described)


def user_agent(client: types.Implementation | None) -> str:
    """Return this server's name and the client's, the latter reduced to what is safe in a header."""
    own = f"{NAME}/{__version__}"
    if client is None:
        return own
    name, version = (_UNSAFE_IN_USER_AGENT.sub("-", word)[:40].strip("-") for word in (client.name, client.version))
    return f"{own} ({name or 'unknown'}/{version or '0'})"


async def _call(
    caller: Caller, endpoint: Endpoint, token_source: TokenSource, options: Options, ctx: Context
) -> types.CallToolResult:
    """Make one call and answer it, whatever happens: an exception that escapes would be sent with its text."""
    report = CallReport(endpoint.tool, who_calls(ctx))
    attempt = Attempt(
        client_is_there=watch_client(ctx),
        report=lambda request, outcome, code: report.end(request, outcome, code, logging.WARNING),
    )
    notes: list[str] = []
    try:
        token = token_source(ctx)
        arguments, notes = parse_arguments(endpoint, given_arguments(ctx), drop_nulls=options.drop_nulls)
        body = request_body(arguments)
        del arguments  # they may take many times the memory of the body
        info = ctx.session.client_params
        reply = await caller.call(
            endpoint,
            body,
            token=token,
            user_agent=user_agent(info.client_info if info else None),
            attempt=attempt,
        )
        result = success_result(reply, [*notes, *attempt.notes], sandbox=options.sandbox)
        attempt.record = created_record(endpoint, reply)
        report.end(attempt, "applied", "ok")
    except anyio.get_cancelled_exc_class():
        if not attempt.runs_on:
            report.end(attempt, "unknown" if attempt.sent else "not_applied", "cancelled", logging.WARNING)
        raise
    except WemasyError as error:
        result = error_result(
            error, endpoint, [*notes, *attempt.notes], request_id=attempt.sent_id, sandbox=options.sandbox
        )
        report.end(attempt, error.outcome, error.code, logging.WARNING if error.outcome == "unknown" else logging.INFO)
    except Exception:
        logger.exception("internal error")
        result = error_result(InternalError(), endpoint, request_id=attempt.sent_id, sandbox=options.sandbox)
        report.end(attempt, InternalError.outcome, InternalError.code, logging.ERROR)
    return result
