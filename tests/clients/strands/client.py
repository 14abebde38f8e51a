"""Strands' agent; the model calls one tool, then stops."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from job import Connection, Seen, Server, main
from mcp import StdioServerParameters, stdio_client
from mcp.client.sse import sse_client
from strands import Agent
from strands.models import Model
from strands.tools.mcp import MCPClient


class ScriptedModel(Model):
    """Calls one tool, then stops."""

    def __init__(self, tool: str, arguments: dict[str, Any]) -> None:
        """Make a model that calls this tool."""
        self.asked = {"name": tool, "toolUseId": "call_1"}
        self.arguments = arguments
        self.shown: str | None = None

    def update_config(self, **_: Any) -> None:
        """Take nothing."""

    def get_config(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def structured_output(self, *_: Any, **__: Any) -> Any:
        """Refuse."""
        raise NotImplementedError

    async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncIterator[Any]:
        """Answer the last message."""
        results = [part["toolResult"] for part in messages[-1]["content"] if "toolResult" in part]
        yield {"messageStart": {"role": "assistant"}}
        if results:
            self.shown = "\n".join(part["text"] for part in results[0]["content"])
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": "Done."}}}
        else:
            yield {"contentBlockStart": {"start": {"toolUse": self.asked}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": json.dumps(self.arguments)}}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn" if results else "tool_use"}}


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server."""
    parameters = StdioServerParameters(command=server.command, args=list(server.args), env=server.env)
    clients = {
        "stdio": lambda: MCPClient(lambda: stdio_client(parameters)),
        "sse": lambda: MCPClient(lambda: sse_client(server.url)),
        "streamable-http": lambda: MCPClient(url=server.url),
    }
    client = clients[server.kind]()
    # It waits for its own thread.
    await asyncio.to_thread(client.start)
    try:
        tools = await asyncio.to_thread(client.list_tools_sync)

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            model = ScriptedModel(tool, arguments)
            await Agent(model=model, tools=list(tools), callback_handler=None).invoke_async("Go.")
            return Seen(model=model.shown)

        # It tells nobody else.
        yield Connection(call, client._background_thread_session.protocol_version)
    finally:
        await asyncio.to_thread(client.stop, None, None, None)


main(connect)
