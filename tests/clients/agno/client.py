"""Agno's MCP tools, called as its agent calls them: what they return is what the model reads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agno.tools.mcp import MCPTools
from agno.tools.mcp.params import SSEClientParams, StreamableHTTPClientParams
from job import Connection, Seen, Server, main
from mcp import StdioServerParameters


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server, with the limits that Agno sets by default."""
    stdio = StdioServerParameters(command=server.command, args=list(server.args), env=server.env)
    parameters = {
        "stdio": lambda: {"server_params": stdio},
        "sse": lambda: {"transport": "sse", "server_params": SSEClientParams(url=server.url)},
        "streamable-http": lambda: {
            "transport": "streamable-http",
            "server_params": StreamableHTTPClientParams(url=server.url),
        },
    }
    limit = {"timeout_seconds": server.limit_seconds} if server.limit_seconds else {}
    async with MCPTools(**parameters[server.kind](), **limit) as toolset:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await toolset.functions[tool].entrypoint(**arguments)
            return Seen(model=str(getattr(result, "content", result)))

        yield Connection(call)


main(connect)
