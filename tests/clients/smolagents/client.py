"""smolagents' two agents with the tools of its `MCPClient`; the model calls one tool, then gives its answer.

`ToolCallingAgent` refuses a call that leaves out any argument, because it asks an input schema for `nullable`: so the
script says that of its tools, as docs/client-notes.md tells; in the mode `unchanged`, it does not.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from job import Connection, Seen, Server, in_thread, main
from mcp import StdioServerParameters
from smolagents import CodeAgent, LogLevel, MCPClient, Model, ToolCallingAgent
from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole


class ScriptedModel(Model):
    """Calls one tool, in code or by its name, then gives its answer, which is a call, too."""

    def __init__(self, tool: str, arguments: dict[str, Any], *, writes_code: bool) -> None:
        """Make a model that calls this tool."""
        super().__init__(model_id="scripted")
        self.calls = [(tool, arguments), ("final_answer", {"answer": "Done."})]
        self.writes_code = writes_code
        self.shown: str | None = None

    def generate(self, messages: list[ChatMessage], *_: Any, **__: Any) -> ChatMessage:
        """Answer the last message."""
        results = [message for message in messages if message.role == MessageRole.TOOL_RESPONSE]
        if results:
            self.shown = "\n".join(part["text"] for part in results[0].content)
        name, arguments = self.calls[bool(results)]
        if self.writes_code:
            given = ", ".join(f"{argument}={value!r}" for argument, value in arguments.items())
            return ChatMessage(MessageRole.ASSISTANT, f"<code>\nprint({name}({given}))\n</code>")
        function = ChatMessageToolCallFunction(name=name, arguments=arguments)
        return ChatMessage(MessageRole.ASSISTANT, tool_calls=[ChatMessageToolCall(function, "call_1", "function")])


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server."""
    parameters = {
        "stdio": lambda: StdioServerParameters(command=server.command, args=list(server.args), env=server.env),
        "sse": lambda: {"url": server.url, "transport": "sse"},
        "streamable-http": lambda: {"url": server.url, "transport": "streamable-http"},
    }
    limit = {"client_session_timeout_seconds": server.limit_seconds} if server.limit_seconds else {}
    client = await in_thread(
        lambda: MCPClient(parameters[server.kind](), adapter_kwargs=limit, structured_output=False)
    )
    tools = client.get_tools()
    kind = CodeAgent if mode == "CodeAgent" else ToolCallingAgent
    if mode == "ToolCallingAgent":
        for tool in tools:
            for schema in tool.inputs.values():
                schema.setdefault("nullable", True)
    try:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            model = ScriptedModel(tool, arguments, writes_code=kind is CodeAgent)
            agent = kind(tools, model, verbosity_level=LogLevel.OFF)
            await in_thread(lambda: agent.run("Go.", max_steps=2))
            return Seen(model=model.shown)

        yield Connection(call)
    finally:
        await in_thread(client.disconnect)


main(connect)
