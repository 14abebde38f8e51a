"""Pydantic AI's agent; the model is a function that calls one tool, then stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from job import Connection, Seen, Server, main
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server."""
    transports = {
        "stdio": lambda: StdioTransport(server.command, list(server.args), env=server.env, keep_alive=False),
        "sse": lambda: SSETransport(server.url),
        "streamable-http": lambda: StreamableHttpTransport(server.url),
    }
    limit = {"read_timeout": server.limit_seconds} if server.limit_seconds else {}
    async with MCPToolset(transports[server.kind](), init_timeout=60, **limit) as toolset:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            def script(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
                return ModelResponse([TextPart("Done.") if len(messages) > 1 else ToolCallPart(tool, arguments)])

            result = await Agent(FunctionModel(script), toolsets=[toolset]).run("Go.")
            (shown,) = (
                part for message in result.all_messages() for part in message.parts if isinstance(part, ToolReturnPart)
            )
            return Seen(model=shown.model_response_str())

        yield Connection(call, toolset.client.session.protocol_version)


main(connect)
