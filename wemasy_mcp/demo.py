"""The main job in one command: a real client, the real server as its child process, the embedded sandbox.

Every step says what it should bring; the demo succeeds only if each one does.
"""

import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint, Updates

DEMO_SECONDS = 60
"""How long the whole demo may take."""

_MORE_THAN_A_MINUTES_BUDGET = 70
_NO_SUCH_ID = 404

_BOLD, _DIM, _GREEN, _RED, _PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"


@dataclass(frozen=True, slots=True)
class Step:
    """One call, and what it must bring: an error code, or None for a write that happened."""

    title: str
    endpoint: Endpoint
    arguments: dict[str, Any]
    expected_code: str | None = None
    repeat: int = 1
    """At most how often the call is made until it brings what it must."""


def run_demo() -> int:
    """Run the demo on the terminal; return 0 if every step did what it should, else 1."""
    status = 1
    try:
        status = anyio.run(_run)
    except* (MCPError, OSError):
        print("✗ The server did not start, or left too early; what it said stands above.")
    return status


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
    paint = _Paint(enabled=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "wemasy_mcp", "--sandbox", "--log-level", "WARNING"],
    )
    print(paint(_BOLD, "wemasy-mcp demo"), "- a real MCP client, the real server, the embedded sandbox\n")
    failed = 0
    with anyio.move_on_after(DEMO_SECONDS) as deadline:
        async with Client(server) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            print(f"{paint(_GREEN, '✓')} {paint(_BOLD, 'List the tools')}\n  {', '.join(names)}\n")
            async for step, calls, result in _played(client):
                is_right = _is_expected(step, result)
                failed += not is_right
                _show(step, calls, result, is_right=is_right, paint=paint)
    if deadline.cancelled_caught:
        print(paint(_RED, f"✗ The demo did not finish within {DEMO_SECONDS} seconds."))
        return 1
    verdict = paint(_RED, f"{failed} steps went wrong.") if failed else paint(_GREEN, "Every step did what it should.")
    print(f"{verdict} Nothing left this machine.")
    return 1 if failed else 0


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


def _show(step: Step, calls: int, result: dict[str, Any], *, is_right: bool, paint: "_Paint") -> None:
    mark = paint(_GREEN, "✓") if is_right else paint(_RED, "✗")
    times = f" after {calls} calls" if calls > 1 else ""
    print(f"{mark} {paint(_BOLD, step.title)}{times}")
    print(paint(_DIM, f"  {step.endpoint.tool} {json.dumps(step.arguments, ensure_ascii=False)}"))
    shown = json.dumps(result, indent=2, ensure_ascii=False)
    print("\n".join(f"    {line}" for line in shown.splitlines()), end="\n\n")


@dataclass(frozen=True, slots=True)
class _Paint:
    """Colours text for a terminal, and leaves it alone for a pipe."""

    enabled: bool

    def __call__(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self.enabled else text
