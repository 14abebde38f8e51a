"""What the Python client scripts share: the job on standard input, one JSON line for each call on standard output.

Runs inside each client's own environment, so it stands on the standard library alone.
"""

import asyncio
import json
import os
import re
import sys
import threading
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

WAIT_SECONDS = 20.0

MAX_OPENINGS = 3
"""How often a session is tried to be opened."""

MAX_REPEATS = 10
"""How often a call is made again whose result is `pending`."""

_LINES = os.fdopen(os.dup(sys.stdout.fileno()), "w")
"""Where the lines go. What else the client prints there, and some log to standard output, is sent to stderr."""

_IS_PENDING = re.compile(r'code\\*":\s*\\*"pending')


@dataclass(frozen=True)
class Server:
    """How the client reaches the server: `command`, `args` and `env` for stdio, `url` otherwise."""

    kind: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] | None = None
    url: str = ""
    limit_seconds: float | None = None
    """The client's own limit on a call; None for its default."""


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


Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result]) -> Result:
    """Wait for work in a thread that the program leaves behind: some clients wait for ever."""
    done: Future[Result] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(done)


def main(connect: Connect) -> None:
    """Make every call of the job; `connect` opens a session to a server in one of the client's modes."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asyncio.run(_run(json.load(sys.stdin), connect))
    # Python would wait for threads of the client that wait for ever.
    os._exit(0)


async def _run(job: dict[str, Any], connect: Connect) -> None:
    """Hold the sessions of each lane one after the other, the lanes side by side, and last what may break."""
    lanes: dict[str, list[dict[str, Any]]] = {}
    for session in job["sessions"]:
        if not session.get("may_break"):
            lanes.setdefault(session.get("lane", ""), []).append(session)
    opening = asyncio.Lock()
    await asyncio.gather(*(_hold_all(sessions, job["mode"], connect, opening) for sessions in lanes.values()))
    for session in job["sessions"]:
        if session.get("may_break"):
            await asyncio.wait([asyncio.ensure_future(_hold_breaking(session, job["mode"], connect))])


async def _hold_all(sessions: list[dict[str, Any]], mode: str, connect: Connect, opening: asyncio.Lock) -> None:
    for session in sessions:
        calls = iter(session["calls"])
        try:
            async with AsyncExitStack() as stack:
                async with opening:
                    connection = await _open(session, mode, connect, stack)
                for call in calls:
                    _tell(session, call, await _make(call, connection.call), connection.protocol)
        except Exception:
            # A client that has given up on a call may stumble over its late answer when it closes.
            if not session.get("gives_up") or next(calls, None) is not None:
                raise


async def _open(session: dict[str, Any], mode: str, connect: Connect, stack: AsyncExitStack) -> Connection:
    """Open a session: one at a time, and again if need be.

    On a busy machine a server may not start within a client's limit, which is not what is asked of the client.
    """
    for _ in range(MAX_OPENINGS - 1):
        try:
            return await stack.enter_async_context(connect(Server(**session["server"]), mode))
        except Exception as error:
            sys.stderr.write(f"not opened: {error}\n")
    return await stack.enter_async_context(connect(Server(**session["server"]), mode))


async def _hold_breaking(session: dict[str, Any], mode: str, connect: Connect) -> None:
    """Hold a session of one call, in which the client itself may fail, and what it fails with is told."""
    told: list[dict[str, Any]] = []
    try:
        async with connect(Server(**session["server"]), mode) as connection:
            told.append(await _make(session["calls"][0], connection.call))
    except BaseException as error:
        told.append(_failed(error))
    _tell(session, session["calls"][0], told[0], None)


def _tell(session: dict[str, Any], call: dict[str, Any], seen: dict[str, Any], protocol: str | None) -> None:
    line = {"session": session["name"], "call": call["name"], "protocol": protocol}
    print(json.dumps(line | seen), file=_LINES, flush=True)


async def _make(call: dict[str, Any], call_tool: CallTool) -> dict[str, Any]:
    try:
        if "cancel" in call:
            return await _make_and_cancel(call, call_tool)
        if "patience_seconds" in call:
            return await _make_patiently(call, call_tool)
        seen = asdict(await call_tool(call["tool"], call["arguments"]))
        for _ in range(MAX_REPEATS if call.get("until_known") else 0):
            if not _IS_PENDING.search(json.dumps(seen)):
                break
            seen = asdict(await call_tool(call["tool"], call["arguments"]))
        return seen
    except Exception as error:
        return _failed(error)


async def _make_patiently(call: dict[str, Any], call_tool: CallTool) -> dict[str, Any]:
    """Wait for the client to end the call, within reason; then do what is to be done after it."""
    under_way = asyncio.ensure_future(call_tool(call["tool"], call["arguments"]))
    done, _ = await asyncio.wait([under_way], timeout=call["patience_seconds"])
    if not done:
        under_way.cancel()
        return {"waits": True}
    if "after" in call:
        await _follow(call["after"])
    return asdict(await under_way)


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
    return {"ending": ending, "upstream": await _follow(call["cancel"]["release"])}


async def _follow(url: str) -> str:
    """Ask the API to go on; what the client says to the server may take its own way there."""
    await asyncio.sleep(0.2)
    return await asyncio.to_thread(_get, url)


def _failed(error: BaseException) -> dict[str, Any]:
    names = [type(error).__name__]
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
        names.append(type(error).__name__)
    return {"exception": f"{' of '.join(names)}: {error}"}


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=WAIT_SECONDS) as answer:
        return str(answer.read().decode())
