"""What becomes of an agent's run whose tool is called twice and fails both times, as the toolset is set.

Reads how to reach the server, the call, and the toolset's setting, if any, from standard input.
"""

import asyncio
import json
import sys

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

CALLS = 2


async def main() -> None:
    """Run the agent, and print how the run ended and what the model was shown of each call."""
    job = json.load(sys.stdin)
    server, call = job["server"], job["call"]
    shown: list[str] = []

    def script(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
        parts = messages[-1].parts if len(messages) > 1 else ()
        shown.extend(part.model_response_str() for part in parts if isinstance(part, ToolReturnPart))
        done = len(messages) > 2 * CALLS
        return ModelResponse([TextPart("Done.") if done else ToolCallPart(call["tool"], call["arguments"])])

    transport = StdioTransport(server["command"], list(server["args"]), env=server["env"], keep_alive=False)
    async with MCPToolset(transport, init_timeout=60, **job["settings"]) as toolset:
        try:
            ended = (await Agent(FunctionModel(script), toolsets=[toolset]).run("Go.")).output
        except Exception as error:
            ended = type(error).__name__
    sys.stdout.write(json.dumps({"ended": ended, "shown": shown}))


asyncio.run(main())
