"""Microsoft Agent Framework's agent; the model calls one tool, then stops.

By default it tells the model only that a call failed; in the mode `include_detailed_errors` what the server said.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    MCPStdioTool,
    MCPStreamableHTTPTool,
    Message,
)
from job import Connection, Seen, Server, main


class ScriptedModel(FunctionInvocationLayer, BaseChatClient):
    """Calls one tool, then stops."""

    def __init__(self, tool: str, arguments: dict[str, Any], **settings: Any) -> None:
        """Make a model that calls this tool."""
        super().__init__(**settings)
        self.asked = Content.from_function_call("call_1", tool, arguments=arguments)
        self.shown: str | None = None

    async def _inner_get_response(self, *, messages: Any, **_: Any) -> ChatResponse:
        results = [part for message in messages for part in message.contents if part.type == "function_result"]
        if results:
            self.shown = str(results[0].result)
        return ChatResponse(messages=[Message("assistant", ["Done." if results else self.asked])])


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server."""
    limit = {"request_timeout": int(server.limit_seconds)} if server.limit_seconds else {}
    tools = {
        "stdio": lambda: MCPStdioTool("wemasy", server.command, args=list(server.args), env=server.env, **limit),
        "streamable-http": lambda: MCPStreamableHTTPTool("wemasy", server.url, **limit),
    }
    configuration = {"include_detailed_errors": True} if mode == "include_detailed_errors" else None
    async with tools[server.kind]() as mcp_tool:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            model = ScriptedModel(tool, arguments, function_invocation_configuration=configuration)
            await Agent(model, tools=[mcp_tool]).run("Go.")
            return Seen(model=model.shown)

        # It tells nobody else.
        yield Connection(call, mcp_tool._connection.client.protocol_version)


main(connect)
