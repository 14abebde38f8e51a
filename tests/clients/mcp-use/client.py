"""mcp-use's agent; the model is a script of two messages."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

# Before mcp_use is imported.
os.environ["MCP_USE_ANONYMIZED_TELEMETRY"] = "false"

from job import Connection, Seen, Server, main
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, ToolMessage
from mcp_use import MCPAgent, MCPClient


class ScriptedModel(FakeMessagesListChatModel):
    """Calls one tool, then stops."""

    def bind_tools(self, tools: Any, **_: Any) -> "ScriptedModel":
        """Take the tools; the script does not choose among them."""
        return self


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server."""
    entry = {
        "stdio": {"command": server.command, "args": list(server.args), "env": server.env},
        "sse": {"url": server.url, "transport": "sse"},
        "streamable-http": {"url": server.url},
    }
    client = MCPClient({"mcpServers": {"wemasy": entry[server.kind]}})
    try:
        await client.create_all_sessions()

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            asked = AIMessage("", tool_calls=[{"name": tool, "args": arguments, "id": "call_1"}])
            agent = MCPAgent(llm=ScriptedModel(responses=[asked, AIMessage("Done.")]), client=client)
            await agent.run("Go.")
            (shown,) = (message for message in agent.get_conversation_history() if isinstance(message, ToolMessage))
            return Seen(model=str(shown.text))

        yield Connection(call)
    finally:
        await client.close_all_sessions()


main(connect)
