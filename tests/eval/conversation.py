"""The loop between a model and a server's tools: calls, their results, and in the end a text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.types import CallToolResult, TextContent

from .dialects import Call, Message, Output, Tool
from .endpoint import Endpoint
from .judge import ToolCall

SYSTEM = (
    "You act for a user of Wemasy through tools. Do what the user asks and no more. When you have finished, tell the "
    "user in English, in a few plain sentences, what happened."
)

MAX_WAIT_SECONDS = 60
CALL_SECONDS = 60.0
"""How long a tool may take, as in most hosts."""

WAIT = Tool(
    "wait_seconds",
    f"Do nothing for some seconds, at most {MAX_WAIT_SECONDS}; then go on.",
    {"type": "object", "properties": {"seconds": {"type": "number"}}, "required": ["seconds"]},
)
"""What a host's shell gives a model: without it none could keep to a wait that a server asks for."""


class OutOfTurnsError(Exception):
    """The model still asked for calls when its turns were used up."""


@dataclass(slots=True)
class Conversation:
    """One conversation, and the calls that were made in it so far."""

    endpoint: Endpoint
    http: httpx2.AsyncClient
    client: Client
    calls: list[ToolCall] = field(default_factory=list)

    async def hold(self, user: str, turns: int) -> str:
        """Say `user` to the model, make the calls that it asks for, and return its last text.

        Raises:
            ModelError: The endpoint gave no reply.
            OutOfTurnsError: The model came to no end.
        """
        tools = [*await self._tools(), WAIT]
        messages: list[Message] = [{"role": "user", "content": user}]
        for _ in range(turns):
            reply = await self.endpoint.ask(self.http, SYSTEM, messages, tools)
            if not reply.calls:
                return reply.text
            outputs = await self._make(reply.calls)
            messages += [reply.message, *self.endpoint.dialect.results(outputs)]
        raise OutOfTurnsError(f"no end after {turns} turns")

    async def _tools(self) -> list[Tool]:
        listed = (await self.client.list_tools()).tools
        return [Tool(tool.name, tool.description or "", tool.input_schema) for tool in listed]

    async def _make(self, calls: Sequence[Call]) -> list[Output]:
        """Make the calls of one reply at the same time, as hosts do, and return their results in order."""
        outputs: dict[int, Output] = {}

        async def make(position: int, call: Call) -> None:
            outputs[position] = await self._call(call)

        async with anyio.create_task_group() as group:
            for position, call in enumerate(calls):
                group.start_soon(make, position, call)
        return [outputs[position] for position in range(len(calls))]

    async def _call(self, call: Call) -> Output:
        if call.tool == WAIT.name:
            return await _wait(call)
        arguments = call.arguments
        if not isinstance(arguments, dict):
            return self._made(call, "The arguments are not a JSON object.", is_error=True)
        try:
            result = await self.client.call_tool(call.tool, arguments, read_timeout_seconds=CALL_SECONDS)
        except MCPError as error:
            return self._made(call, str(error), is_error=True)
        return self._made(call, _shown(result), is_error=bool(result.is_error))

    def _made(self, call: Call, text: str, *, is_error: bool) -> Output:
        self.calls.append(ToolCall(call.tool, json.dumps(call.arguments, ensure_ascii=False), text, is_error))
        return Output(call, text, is_error)


async def _wait(call: Call) -> Output:
    seconds = call.arguments.get("seconds") if isinstance(call.arguments, dict) else None
    if not isinstance(seconds, int | float):
        return Output(call, "seconds must be a number.", is_error=True)
    await anyio.sleep(max(0.0, min(seconds, MAX_WAIT_SECONDS)))
    return Output(call, f"Waited {min(seconds, MAX_WAIT_SECONDS)} seconds.", is_error=False)


def _shown(result: CallToolResult) -> str:
    """Return what most hosts show a model: the texts, or the structured content of a result without any."""
    texts = [block.text for block in result.content if isinstance(block, TextContent)]
    return "\n".join(texts) or json.dumps(result.structured_content, ensure_ascii=False)
