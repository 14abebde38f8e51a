"""The Python SDK 2's `Client`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from job import Connection, Seen, Server, main, text_of
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    targets = {
        "stdio": lambda: StdioServerParameters(command=server.command, args=list(server.args), env=server.env),
        "sse": lambda: sse_client(server.url),
        "streamable-http": lambda: server.url,
    }
    async with Client(targets[server.kind](), mode=mode) as client:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await client.call_tool(tool, arguments, read_timeout_seconds=server.limit_seconds)
            return Seen(result.structured_content, text_of(result.content), result.is_error)

        yield Connection(call, client.protocol_version)


main(connect)
