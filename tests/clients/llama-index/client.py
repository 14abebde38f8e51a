"""LlamaIndex's agent with the tools of llama-index-tools-mcp; the model is its own mock, and calls one tool.

`BasicMCPClient` opens a session for each call. In the mode `session`, the tools share one that the program holds.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from job import Connection, Seen, Server, main
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Find the server's tools, which open a session for each call unless the program holds one."""
    async with AsyncExitStack() as stack:
        client = BasicMCPClient(server.command or server.url, args=list(server.args), env=server.env)
        if mode == "session":
            client = await stack.enter_async_context(_session(server))
        tools = await McpToolSpec(client).to_tool_list_async()
        yield Connection(_caller(tools), getattr(client, "protocol_version", None))


@asynccontextmanager
async def _session(server: Server) -> AsyncIterator[ClientSession]:
    parameters = {
        "stdio": lambda: stdio_client(
            StdioServerParameters(command=server.command, args=list(server.args), env=server.env)
        ),
        "sse": lambda: sse_client(server.url),
        "streamable-http": lambda: streamable_http_client(server.url),
    }
    async with parameters[server.kind]() as (reading, writing, *_), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


def _caller(tools: list[Any]) -> Any:
    async def call(tool: str, arguments: dict[str, Any]) -> Seen:
        def answer(messages: list[ChatMessage], **_: Any) -> ChatMessage:
            if any(message.role == MessageRole.TOOL for message in messages):
                return ChatMessage(role=MessageRole.ASSISTANT, content="Done.")
            asked = ToolCallBlock(tool_call_id="call_1", tool_name=tool, tool_kwargs=arguments)
            return ChatMessage(role=MessageRole.ASSISTANT, blocks=[asked])

        handler = FunctionAgent(tools=tools, llm=MockFunctionCallingLLM(response_generator=answer)).run("Go.")
        shown = [event.tool_output async for event in handler.stream_events() if isinstance(event, ToolCallResult)]
        await handler
        return Seen(model=shown[0].content)

    return call


main(connect)
