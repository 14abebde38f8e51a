"""AutoGen's MCP workbench, called as its agents call it: the result's text is what the model reads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from autogen_ext.tools.mcp import McpWorkbench, SseServerParams, StdioServerParams, StreamableHttpServerParams
from job import Connection, Seen, Server, main


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server, with the limits that AutoGen sets by default."""
    limit = {"sse_read_timeout": server.limit_seconds} if server.limit_seconds else {}
    stdio_limit = {"read_timeout_seconds": server.limit_seconds} if server.limit_seconds else {}
    parameters = {
        "stdio": lambda: StdioServerParams(
            command=server.command, args=list(server.args), env=server.env, **stdio_limit
        ),
        "sse": lambda: SseServerParams(url=server.url, **limit),
        "streamable-http": lambda: StreamableHttpServerParams(url=server.url, **limit),
    }
    async with McpWorkbench(parameters[server.kind]()) as workbench:
        # Until then it has not connected.
        await workbench.list_tools()

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await workbench.call_tool(tool, arguments)
            return Seen(model=result.to_text())

        yield Connection(call)


main(connect)
