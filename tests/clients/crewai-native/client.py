"""CrewAI's agent with its own MCP servers, as an agent with `mcps` finds their tools; the model is a script.

Its tools open a session for each call; over stdio, each starts a server of its own.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

# Before crewai is imported: no telemetry, no question for traces.
os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "OTEL_SDK_DISABLED": "true", "CREWAI_TRACING_ENABLED": "false"}

from crewai import Agent, BaseLLM
from crewai.mcp import MCPServerHTTP, MCPServerSSE, MCPServerStdio
from job import Connection, Seen, Server, in_thread, main

OF_ITS_OWN = {"wemasy_save_memory": "kind", "wemasy_update_connection": "connection_id"}
"""A parameter that only this tool has: where a server's command is long, the tools' names are hashes."""


class ScriptedModel(BaseLLM):
    """Calls one tool, then stops."""

    tool: str = ""
    arguments: dict[str, Any] | None = None
    shown: str | None = None

    def supports_function_calling(self) -> bool:
        """Have the agent offer its tools as functions."""
        return True

    def call(self, messages: Any, tools: Any = None, *_: Any, **__: Any) -> Any:
        """Answer the last message."""
        results = [str(message["content"]) for message in messages if message["role"] == "tool"]
        if results:
            self.shown = results[0]
            return "Done."
        (name,) = (
            offered["function"]["name"]
            for offered in tools
            if OF_ITS_OWN[self.tool] in offered["function"]["parameters"]["properties"]
        )
        function = {"name": name, "arguments": json.dumps(self.arguments)}
        return [{"id": "call_1", "type": "function", "function": function}]


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Find the server's tools."""
    kinds = {
        "stdio": lambda: MCPServerStdio(command=server.command, args=list(server.args), env=server.env),
        "sse": lambda: MCPServerSSE(url=server.url),
        "streamable-http": lambda: MCPServerHTTP(url=server.url),
    }
    # As an agent with `mcps` does at the start of its work, for each piece of work anew.
    finder = _agent(ScriptedModel(model="scripted"), [])
    tools = await in_thread(lambda: finder.get_mcp_tools([kinds[server.kind]()]))

    async def call(tool: str, arguments: dict[str, Any]) -> Seen:
        model = ScriptedModel(model="scripted", tool=tool, arguments=arguments)
        await in_thread(lambda: _agent(model, tools).kickoff("Go."))
        return Seen(model=model.shown)

    yield Connection(call)


def _agent(model: ScriptedModel, tools: list[Any]) -> Agent:
    return Agent(role="tester", goal="Call the tool.", backstory="A script.", llm=model, tools=tools)


main(connect)
