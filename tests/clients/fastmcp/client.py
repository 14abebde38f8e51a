"""FastMCP's `Client`. `call_tool` raises on an error by default; a program that wants the fields asks it not to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from job import Connection, Seen, Server, main, text_of


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    transports = {
        "stdio": lambda: StdioTransport(server.command, list(server.args), env=server.env, keep_alive=False),
        "sse": lambda: SSETransport(server.url),
        "streamable-http": lambda: StreamableHttpTransport(server.url),
    }
    async with Client(transports[server.kind]()) as client:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            result = await client.call_tool(tool, arguments, raise_on_error=False, timeout=server.limit_seconds)
            return Seen(result.structured_content, text_of(result.content), result.is_error)

        yield Connection(call, client.session.protocol_version)


main(connect)
