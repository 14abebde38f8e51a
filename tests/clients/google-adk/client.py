"""Google's Agent Development Kit: its runner and toolset; the model calls one tool, then stops."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools.mcp_tool import (
    McpToolset,
    SseConnectionParams,
    StdioConnectionParams,
    StreamableHTTPConnectionParams,
)
from google.genai import types
from job import Connection, Seen, Server, main
from mcp import StdioServerParameters


class ScriptedModel(BaseLlm):
    """Calls one tool, then stops."""

    model: str = "scripted"
    tool: str
    arguments: dict[str, Any]

    async def generate_content_async(
        self,
        llm_request: LlmRequest,
        stream: bool = False,  # noqa: FBT002 - the kit's own signature
    ) -> AsyncGenerator[LlmResponse, None]:
        """Answer the last message."""
        parts = llm_request.contents[-1].parts or []
        if any(part.function_response for part in parts):
            part = types.Part(text="Done.")
        else:
            part = types.Part(function_call=types.FunctionCall(name=self.tool, args=self.arguments))
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server, with the limits that the kit sets by default."""
    stdio = StdioServerParameters(command=server.command, args=list(server.args), env=server.env)
    limit = {"sse_read_timeout": server.limit_seconds} if server.limit_seconds else {}
    stdio_limit = {"timeout": server.limit_seconds} if server.limit_seconds else {}
    parameters = {
        "stdio": lambda: StdioConnectionParams(server_params=stdio, **stdio_limit),
        "sse": lambda: SseConnectionParams(url=server.url, **limit),
        "streamable-http": lambda: StreamableHTTPConnectionParams(url=server.url, **limit),
    }
    toolset = McpToolset(connection_params=parameters[server.kind]())

    async def call(tool: str, arguments: dict[str, Any]) -> Seen:
        agent = LlmAgent(name="tester", model=ScriptedModel(tool=tool, arguments=arguments), tools=[toolset])
        runner = InMemoryRunner(agent=agent, app_name="test")
        session = await runner.session_service.create_session(app_name="test", user_id="test")
        message = types.Content(role="user", parts=[types.Part(text="Go.")])
        shown = [
            response.response
            async for event in runner.run_async(user_id="test", session_id=session.id, new_message=message)
            for response in event.get_function_responses()
        ]
        return Seen(model=json.dumps(shown[0]))

    try:
        yield Connection(call)
    finally:
        await toolset.close()


main(connect)
