"""CrewAI's agent with the tools of crewai-tools' `MCPServerAdapter`; the model is a script.

It calls a tool as a function, or in the mode `react` in text, as CrewAI asks of models that know no functions.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

# Before crewai is imported: no telemetry, no question for traces.
os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "OTEL_SDK_DISABLED": "true", "CREWAI_TRACING_ENABLED": "false"}

from crewai import Agent, BaseLLM
from crewai_tools import MCPServerAdapter
from job import Connection, Seen, Server, in_thread, main
from mcp import StdioServerParameters

OBSERVATION = "\nObservation: "


class ScriptedModel(BaseLLM):
    """Calls one tool, then stops."""

    calls_functions: bool
    tool: str
    arguments: dict[str, Any]
    shown: str | None = None

    def supports_function_calling(self) -> bool:
        """Say how the agent is to offer its tools."""
        return self.calls_functions

    def call(self, messages: Any, *_: Any, **__: Any) -> Any:
        """Answer the last message."""
        if results := self._results(messages):
            self.shown = results[0]
            return "Thought: I now know the final answer\nFinal Answer: Done."
        given = json.dumps(self.arguments)
        if self.calls_functions:
            return [{"id": "call_1", "type": "function", "function": {"name": self.tool, "arguments": given}}]
        return f"Thought: I call it.\nAction: {self.tool}\nAction Input: {given}"

    def _results(self, messages: Any) -> list[str]:
        if self.calls_functions:
            return [str(message["content"]) for message in messages if message["role"] == "tool"]
        said = (str(message["content"]) for message in messages if message["role"] == "assistant")
        return [text.split(OBSERVATION, 1)[1] for text in said if OBSERVATION in text]


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server."""
    parameters = {
        "stdio": lambda: StdioServerParameters(command=server.command, args=list(server.args), env=server.env),
        "sse": lambda: {"url": server.url, "transport": "sse"},
        "streamable-http": lambda: {"url": server.url, "transport": "streamable-http"},
    }
    adapter = await in_thread(lambda: MCPServerAdapter(parameters[server.kind]()))
    try:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            functions = mode == "functions"
            model = ScriptedModel(model="scripted", calls_functions=functions, tool=tool, arguments=arguments)
            agent = Agent(role="tester", goal="Call it.", backstory="A script.", llm=model, tools=adapter.tools)
            await in_thread(lambda: agent.kickoff("Go."))
            return Seen(model=model.shown)

        yield Connection(call)
    finally:
        await in_thread(adapter.stop)


main(connect)
