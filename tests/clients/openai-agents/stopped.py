"""What becomes of a run whose server is stopped (SIGTERM) while a call is under way.

Reads how to start the server, the call, the settings of `MCPServerStdio`, the file in which the server's process id
is, and two addresses from standard input: one answers when the call's request has arrived at the API, the other has it
answered.
"""

import asyncio
import json
import os
import signal
import sys
import urllib.request
from pathlib import Path
from typing import Any

from agents import Agent, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio
from agents.testing import ModelCall, ModelStep, ScriptedModel, assistant_message, function_call

WAIT_SECONDS = 20.0

set_tracing_disabled(True)


async def main() -> None:
    """Run the agent, and print how the run ended and what the model was shown of the call."""
    job = json.load(sys.stdin)
    server, call = job["server"], job["call"]
    params = {"command": server["command"], "args": server["args"], "env": server["env"]}
    shown: list[str] = []

    def look(request: ModelCall) -> list[Any]:
        outputs = (item for item in request.input if item.get("type") == "function_call_output")
        shown.extend(json.dumps(item["output"]) for item in outputs)
        return [assistant_message("Done.")]

    steps = [[function_call(call["tool"], json.dumps(call["arguments"]), call_id="call_1")], ModelStep.respond(look)]
    async with MCPServerStdio(params, client_session_timeout_seconds=30, **job["settings"]) as mcp_server:
        agent = Agent("tester", model=ScriptedModel(steps), mcp_servers=[mcp_server])
        run = asyncio.ensure_future(Runner.run(agent, "Go."))
        await asyncio.to_thread(_get, job["arrived"])
        _stop(Path(job["pid"]))
        await asyncio.to_thread(_get, job["release"])
        try:
            ended = str((await run).final_output)
        except Exception as error:
            ended = f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps({"ended": ended, "shown": shown}))


def _stop(pid: Path) -> None:
    os.kill(int(pid.read_text()), signal.SIGTERM)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=WAIT_SECONDS) as answer:
        return str(answer.read().decode())


asyncio.run(main())
