"""The main job in one command: a real client, the real server as its child process, the embedded sandbox.

Every step states its expected result; the demo succeeds only if every step produces it.
"""

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from wemasy_mcp.console import BOLD, DIM, GREEN, RED, own_command, paint, wrap
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint, Updates

DEMO_SECONDS = 60
"""Maximum duration of the whole demo."""

_MORE_THAN_A_MINUTES_BUDGET = 70
_NO_SUCH_ID = 404


@dataclass(frozen=True, slots=True)
class Step:
    """One call and its expected result: an error code, or None for a write that happened."""

    title: str
    endpoint: Endpoint
    arguments: dict[str, Any]
    expected_code: str | None = None
    repeat: int = 1
    """Maximum number of times that the call is made until it produces the expected result."""


def run_demo() -> int:
    """Run the demo on the terminal; return 0 if every step did what it should, else 1."""
    try:
        return anyio.run(_run)
    except* (MCPError, OSError):
        pass
    print(wrap("✗ The server did not start, or ended too early; what it printed is above."))
    return 1


def steps() -> list[Step]:
    """Return the calls of the demo, made from the examples of every endpoint."""
    found = [Step(endpoint.title, endpoint, example) for endpoint in ENDPOINTS for example in endpoint.examples]
    for endpoint in ENDPOINTS:
        if isinstance(endpoint.effect, Updates):
            arguments = {**endpoint.examples[0], endpoint.effect.id_argument: _NO_SUCH_ID}
            found.append(Step("The API refuses a value (422)", endpoint, arguments, "validation_failed"))
    last = found[0]
    found.append(
        Step(
            "The budget of a minute is used up (429)",
            last.endpoint,
            last.arguments,
            "rate_limited",
            _MORE_THAN_A_MINUTES_BUDGET,
        )
    )
    return found


async def _run() -> int:
    # -P: the server must not import a folder `mcp` from the folder in which the demo is run.
    arguments = ["-P", "-m", "wemasy_mcp", "--sandbox", "--log-level", "WARNING"]
    server = StdioServerParameters(command=sys.executable, args=arguments)
    print(paint("wemasy-mcp demo", BOLD))
    print(wrap("A real MCP client, the real server, the embedded sandbox: nothing leaves this machine."), end="\n\n")
    failed = 0
    with anyio.move_on_after(DEMO_SECONDS) as deadline:
        async with Client(server) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            print(f"{paint('✓', GREEN)} {paint('List the tools', BOLD)}")
            print(wrap(", ".join(names), "  ", "  "), end="\n\n")
            async for step, calls, result in _played(client):
                is_right = _is_expected(step, result)
                failed += not is_right
                _show(step, calls, result, is_right=is_right)
    if deadline.cancelled_caught:
        print(paint(wrap(f"✗ The demo did not finish within {DEMO_SECONDS} seconds."), RED))
        return 1
    if failed:
        print(paint(wrap(f"{failed} steps went wrong."), RED))
        return 1
    print(paint(wrap("Every step did what it should."), GREEN))
    print(wrap("Next, connect a host to your account; this asks for your Wemasy API token:"), end="\n\n")
    command = own_command()
    print(f"  {command} config claude-desktop --write", end="\n\n")
    print(wrap(f"`{command} config --help` lists the other hosts; with --sandbox no token is needed."))
    return 0


async def _played(client: Client) -> AsyncIterator[tuple[Step, int, dict[str, Any]]]:
    for step in steps():
        result: dict[str, Any] = {}
        calls = 0
        while calls < step.repeat and not (calls and _is_expected(step, result)):
            answer = await client.call_tool(step.endpoint.tool, step.arguments)
            result = answer.structured_content or {}
            calls += 1
        yield step, calls, result


def _is_expected(step: Step, result: dict[str, Any]) -> bool:
    is_sandbox: bool = result.get("sandbox") is True
    if step.expected_code is None:
        return is_sandbox and result.get("success") is True
    return is_sandbox and result.get("success") is False and result["error"]["code"] == step.expected_code


def _show(step: Step, calls: int, result: dict[str, Any], *, is_right: bool) -> None:
    mark = paint("✓", GREEN) if is_right else paint("✗", RED)
    times = f" after {calls} calls" if calls > 1 else ""
    print(f"{mark} {paint(step.title, BOLD)}{times}")
    arguments = json.dumps(step.arguments, ensure_ascii=False)
    print(paint(wrap(f"{step.endpoint.tool} {arguments}", "  ", "    "), DIM))
    for line in json.dumps(result, indent=2, ensure_ascii=False).splitlines():
        text = line.lstrip()
        indent = " " * (4 + len(line) - len(text))
        print(wrap(text, indent, f"{indent}  "))
    print()
