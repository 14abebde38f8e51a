"""What the Python client scripts share: the job on standard input, one JSON line for each call on standard output.

Runs inside each client's own environment, so it stands on the standard library alone.
"""

import asyncio
import json
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from typing import Any

WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class Server:
    """How the client reaches the server: `command`, `args` and `env` for stdio, `url` otherwise."""

    kind: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] | None = None
    url: str = ""


@dataclass(frozen=True)
class Seen:
    """What a program sees of a result (`structured`, `text`, `is_error`), or what a framework shows the model."""

    structured: Any = None
    text: str | None = None
    is_error: bool | None = None
    model: str | None = None


CallTool = Callable[[str, dict[str, Any]], Awaitable[Seen]]


@dataclass(frozen=True)
class Connection:
    """An open session: how to call a tool in it, and the protocol version where the client tells it."""

    call: CallTool
    protocol: str | None = None


Connect = Callable[[Server, str], AbstractAsyncContextManager[Connection]]


def text_of(content: list[Any]) -> str:
    """Return the text blocks of a result, joined by line breaks."""
    return "\n".join(block.text for block in content if block.type == "text")


def main(connect: Connect) -> None:
    """Make every call of the job; `connect` opens a session to a server in one of the client's modes."""
    asyncio.run(_run(json.load(sys.stdin), connect))


async def _run(job: dict[str, Any], connect: Connect) -> None:
    for session in job["sessions"]:
        async with connect(Server(**session["server"]), job["mode"]) as connection:
            for call in session["calls"]:
                line = {"session": session["name"], "call": call["name"], "protocol": connection.protocol}
                sys.stdout.write(json.dumps(line | await _make(call, connection.call)) + "\n")
                sys.stdout.flush()


async def _make(call: dict[str, Any], call_tool: CallTool) -> dict[str, Any]:
    try:
        if "cancel" in call:
            return await _make_and_cancel(call, call_tool)
        return asdict(await call_tool(call["tool"], call["arguments"]))
    except Exception as error:
        return {"exception": f"{type(error).__name__}: {error}"}


async def _make_and_cancel(call: dict[str, Any], call_tool: CallTool) -> dict[str, Any]:
    """Cancel the call once the API has its request, and have the API answer then."""
    under_way = asyncio.ensure_future(call_tool(call["tool"], call["arguments"]))
    await asyncio.to_thread(_get, call["cancel"]["arrived"])
    under_way.cancel()
    try:
        await under_way
        ending = "answered"
    except asyncio.CancelledError:
        ending = "cancelled"
    # The cancellation may take its own way to the server.
    await asyncio.sleep(0.2)
    return {"ending": ending, "upstream": await asyncio.to_thread(_get, call["cancel"]["release"])}


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=WAIT_SECONDS) as answer:
        return str(answer.read().decode())
