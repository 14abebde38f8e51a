"""LangChain's agent with the tools of langchain-mcp-adapters; the model is a script of two messages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from job import Connection, Seen, Server, main
from langchain.agents import create_agent
from langchain.agents.middleware import ToolRetryMiddleware
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


class ScriptedModel(FakeMessagesListChatModel):
    """Calls one tool, then stops."""

    def bind_tools(self, tools: Any, **_: Any) -> "ScriptedModel":
        """Take the tools; the script does not choose among them."""
        return self


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    connections = {
        "stdio": {"transport": "stdio", "command": server.command, "args": list(server.args), "env": server.env},
        "sse": {"transport": "sse", "url": server.url},
        "streamable-http": {"transport": "streamable_http", "url": server.url},
    }
    connection = connections[server.kind]
    if server.limit_seconds:
        connection["session_kwargs"] = {"read_timeout_seconds": timedelta(seconds=server.limit_seconds)}
    client = MultiServerMCPClient({"wemasy": connection})
    async with client.session("wemasy", auto_initialize=False) as session:
        initialized = await session.initialize()
        tools = await load_mcp_tools(session)

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            asked = AIMessage("", tool_calls=[{"name": tool, "args": arguments, "id": "call_1"}])
            model = ScriptedModel(responses=[asked, AIMessage("Done.")])
            agent = create_agent(model, tools, middleware=[ToolRetryMiddleware()] if mode else [])
            state = await agent.ainvoke({"messages": [HumanMessage("Go.")]})
            (shown,) = (message for message in state["messages"] if isinstance(message, ToolMessage))
            return Seen(is_error=shown.status == "error", model=str(shown.text))

        yield Connection(call, str(initialized.protocolVersion))


main(connect)
