"""Semantic Kernel's agent with an MCP plugin; the model calls one tool, then stops."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from job import Connection, Seen, Server, main
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.mcp import MCPSsePlugin, MCPStdioPlugin, MCPStreamableHttpPlugin
from semantic_kernel.contents import ChatHistory, ChatMessageContent, FunctionCallContent, FunctionResultContent

PLUGIN = "wemasy"


class ScriptedModel(ChatCompletionClientBase):
    """Calls one tool, then stops."""

    SUPPORTS_FUNCTION_CALLING: ClassVar[bool] = True

    tool: str
    arguments: dict[str, Any]
    shown: str | None = None

    async def _inner_get_chat_message_contents(self, chat_history: ChatHistory, settings: Any) -> Any:
        parts = (part for message in chat_history for part in message.items)
        results = [part for part in parts if isinstance(part, FunctionResultContent)]
        if results:
            self.shown = str(results[0].to_dict()["content"])
            return [ChatMessageContent(role="assistant", content="Done.")]
        call = FunctionCallContent(id="call_1", name=f"{PLUGIN}-{self.tool}", arguments=json.dumps(self.arguments))
        return [ChatMessageContent(role="assistant", items=[call])]


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server."""
    limit = {"request_timeout": int(server.limit_seconds)} if server.limit_seconds else {}
    plugins = {
        "stdio": lambda: MCPStdioPlugin(PLUGIN, server.command, args=list(server.args), env=server.env, **limit),
        "sse": lambda: MCPSsePlugin(PLUGIN, server.url, **limit),
        "streamable-http": lambda: MCPStreamableHttpPlugin(PLUGIN, server.url, **limit),
    }
    async with plugins[server.kind]() as plugin:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            model = ScriptedModel(ai_model_id="scripted", tool=tool, arguments=arguments)
            await ChatCompletionAgent(service=model, name="tester", plugins=[plugin]).get_response("Go.")
            return Seen(model=model.shown)

        yield Connection(call)


main(connect)
