"""The Python SDK 1's `ClientSession`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from job import Connection, Seen, Server, main, text_of
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    transports = {
        "stdio": lambda: stdio_client(
            StdioServerParameters(command=server.command, args=list(server.args), env=server.env)
        ),
        "sse": lambda: sse_client(server.url),
        "streamable-http": lambda: streamable_http_client(server.url),
    }
    limit = timedelta(seconds=server.limit_seconds) if server.limit_seconds else None
    async with transports[server.kind]() as (read, write, *_), ClientSession(read, write) as session:
        initialized = await session.initialize()

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await session.call_tool(tool, arguments, limit)
            return Seen(result.structuredContent, text_of(result.content), result.isError)

        yield Connection(call, str(initialized.protocolVersion))


main(connect)
