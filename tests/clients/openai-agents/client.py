"""OpenAI's Agents SDK with its own scripted model, in strict mode as OpenAI's models run it.

A strict schema makes every argument required, so that a model sends null for what it leaves out: the script does the
same. Tracing is off, because it would call OpenAI.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agents import Agent, Runner, set_tracing_disabled
from agents.mcp import MCPServerSse, MCPServerStdio, MCPServerStreamableHttp
from agents.testing import ModelCall, ModelStep, ScriptedModel, assistant_message, function_call
from job import Connection, Seen, Server, main

set_tracing_disabled(True)


@asynccontextmanager
async def connect(server: Server, mode: str) -> AsyncIterator[Connection]:
    """Open a session to the server."""
    stdio = {"command": server.command, "args": list(server.args), "env": server.env}
    limit = {"client_session_timeout_seconds": server.limit_seconds} if server.limit_seconds else {}
    if mode:
        limit["max_retry_attempts"] = 2
    servers = {
        "stdio": lambda: MCPServerStdio(stdio, **limit),
        "sse": lambda: MCPServerSse({"url": server.url}, **limit),
        "streamable-http": lambda: MCPServerStreamableHttp({"url": server.url}, **limit),
    }
    async with servers[server.kind]() as mcp_server:

        async def call(tool: str, arguments: dict[str, Any]) -> Seen:
            def ask(request: ModelCall) -> list[Any]:
                (schema,) = (offered.params_json_schema for offered in request.tools if offered.name == tool)
                given = dict.fromkeys(schema["required"]) | arguments
                return [function_call(tool, json.dumps(given), call_id="call_1")]

            agent = Agent(
                "tester",
                model=ScriptedModel([ModelStep.respond(ask), [assistant_message("Done.")]]),
                mcp_servers=[mcp_server],
                mcp_config={"convert_schemas_to_strict": True},
            )
            result = await Runner.run(agent, "Go.")
            (shown,) = (item for item in result.to_input_list() if item.get("type") == "function_call_output")
            return Seen(model=_text(shown["output"]))

        yield Connection(call, mcp_server.session.protocol_version)


def _text(output: Any) -> str:
    if isinstance(output, dict):
        output = [output]
    return output if isinstance(output, str) else "\n".join(part["text"] for part in output)


main(connect)
