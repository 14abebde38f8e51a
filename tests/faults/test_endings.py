"""However it ends, every request gets a true answer, and the process leaves within 5 seconds with status 0."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from api_document import SAVE_MEMORY
from support.answers import answer, success
from support.launching import launched, run, serving
from support.program import PROGRAM, TOKEN, environment
from support.script import Script
from support.scripted_api import Upstream
from support.server_process import ANSWER_SECONDS, Era, ServerProcess
from support.truth import SAVE, UPDATE, Player, read_schemas

pytestmark = pytest.mark.anyio

CONNECTIONS = 100
"""How many calls are under way at a time; the next one waits, and was not sent."""

if sys.platform == "win32":
    STOP_SIGNALS = [signal.SIGINT]  # Wine has no key for SIGBREAK, which is handled alike
else:
    STOP_SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

FULL = ["/dev/full"] if sys.platform == "linux" else []
"""A device that refuses every write; other systems have none."""

HELD = Script(list, applied=True, ending="hold")

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": "hello",
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def save(key: str) -> dict[str, object]:
    """A call that saves `key`, with the key for its id."""
    params = {"name": SAVE, "arguments": {"kind": "fact", "key": key}}
    return {"jsonrpc": "2.0", "id": key, "method": "tools/call", "params": params}


def stop_server(server: ServerProcess, stop: str | signal.Signals) -> None:
    """Send a signal, or end the input."""
    if isinstance(stop, signal.Signals):
        server.send_signal(stop)
    else:
        server.leave()


def redirected(how: str) -> tuple[str, ...]:
    """The command that starts a server with its streams redirected by a shell."""
    if sys.platform == "win32":
        return ("cmd", "/c", f"{sys.executable} -m wemasy_mcp {how}")
    return ("sh", "-c", f'exec "{sys.executable}" -m wemasy_mcp {how}')


@contextmanager
def smallest_pipe() -> Generator[tuple[int, int]]:
    """A pipe that is soon full, as every pipe is but those of Linux: its reading and its writing end."""
    reading, writing = os.pipe()
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("ending", [b"\n", b""], ids=["last line ended", "last line open"])
async def test_what_was_asked_before_the_end_of_input_is_answered(
    ending: bytes, upstream: Upstream, folder: Path
) -> None:
    keys = [f"piped {number}{ending!r}" for number in range(20)]
    lines = [ServerProcess.line(message) for message in (INITIALIZE, INITIALIZED, *map(save, keys))]
    ended = await run({"WEMASY_BASE_URL": upstream.url}, b"".join(lines).rstrip() + ending, folder)

    assert ended.status == 0
    results = {message["id"]: message["result"] for message in ended.messages}
    assert set(results) == {"hello", *keys}
    assert all(results[key]["structuredContent"]["success"] for key in keys)
    assert all(upstream.applied[key] == 1 for key in keys)


async def test_what_a_file_asks_is_answered(upstream: Upstream, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(b"".join(map(ServerProcess.line, (INITIALIZE, INITIALIZED, save("from a file")))))
    settings = environment({"WEMASY_API_TOKEN": TOKEN, "WEMASY_BASE_URL": upstream.url})
    with lines.open("rb") as stdin:
        ended = await asyncio.to_thread(
            subprocess.run, PROGRAM, stdin=stdin, capture_output=True, env=settings, check=True, timeout=ANSWER_SECONDS
        )

    assert json.loads(ended.stdout.splitlines()[-1])["result"]["structuredContent"]["success"]


async def test_a_client_that_says_nothing_leaves_a_server_that_says_nothing(upstream: Upstream, folder: Path) -> None:
    ended = await run({"WEMASY_BASE_URL": upstream.url}, b"", folder)

    assert ended.status == 0
    assert ended.messages == []
    assert ended.stderr == b""


@pytest.mark.parametrize(
    ("stop", "era"),
    [("end of input", "2025-11-25"), (STOP_SIGNALS[-1], "2026-07-28"), (STOP_SIGNALS[0], "2025-11-25")],
)
async def test_calls_that_do_not_finish_in_the_grace_are_answered_truthfully(
    stop: str | signal.Signals, era: Era, folder: Path
) -> None:
    # On a busy machine the last of a hundred calls arrives after the first would be pending.
    settings = {"WEMASY_ANSWER_SECONDS": "20"}
    async with (
        Upstream() as upstream,
        serving(settings | {"WEMASY_BASE_URL": upstream.url}, era=era, folder=folder) as server,
    ):
        player = Player(server, upstream, await read_schemas(server))
        keys = [f"held {number}" for number in range(CONNECTIONS + 1)]
        for key in keys:
            upstream.play(key, HELD)
            await server.write(server.tool_call(SAVE, player.arguments(key), key))
        with anyio.fail_after(ANSWER_SECONDS):
            await upstream.arrivals(CONNECTIONS)
        stop_server(server, stop)
        assert await server.exit_status() == 0

        told: Counter[str] = Counter()
        for key in keys:
            told[player.read((await server.answer(key))["result"], key)["error"]["code"]] += 1
        assert told == {"shutting_down": CONNECTIONS, "unreachable": 1}


@pytest.mark.parametrize("stop", ["end of input", *STOP_SIGNALS])
async def test_a_call_that_finishes_in_the_grace_is_told_as_done(
    stop: str | signal.Signals, upstream: Upstream, folder: Path
) -> None:
    key, release = f"in the grace of {stop}", asyncio.Event()
    upstream.play(key, Script(lambda: [answer(200, success(key))], applied=True, until=release))
    async with serving({"WEMASY_BASE_URL": upstream.url}, folder=folder) as server:
        player = Player(server, upstream, await read_schemas(server))
        await server.write(server.tool_call(SAVE, player.arguments(key), key))
        await upstream.arrival(key)
        stop_server(server, stop)
        stop_server(server, stop)
        # An API that takes a second: within the grace, but well after the server was told to stop.
        asyncio.get_running_loop().call_later(1, release.set)
        assert await server.exit_status() == 0

        assert player.read((await server.answer(key))["result"], key)["success"]


@pytest.mark.parametrize("stop", STOP_SIGNALS)
async def test_an_idle_server_leaves_on_a_signal(stop: signal.Signals, upstream: Upstream, folder: Path) -> None:
    async with serving({"WEMASY_BASE_URL": upstream.url}, folder=folder) as server:
        server.send_signal(stop)

        assert await server.exit_status() == 0


@pytest.mark.parametrize(("era", "tool"), [("2025-11-25", SAVE), ("2026-07-28", UPDATE)])
async def test_a_cancelled_call_is_logged_with_what_is_known_of_it(
    era: Era, tool: str, upstream: Upstream, folder: Path
) -> None:
    key = f"cancelled, {era}, {tool}"
    upstream.play(key, HELD)
    async with serving({"WEMASY_BASE_URL": upstream.url}, era=era, folder=folder) as server:
        player = Player(server, upstream, await read_schemas(server), tool)
        await server.write(server.tool_call(tool, player.arguments(key), key))
        await upstream.arrival(key)
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": key}}
        await server.write(server.line(cancelled))
        await player.expect_healthy(key)
        server.leave()
        assert await server.exit_status() == 0

        assert not server.answered(key)
        assert re.search(
            rf"WARNING tool={tool} outcome=unknown code=cancelled status=- ms=\d+ ", server.stderr.decode()
        )
        assert upstream.received[key] == 1


async def test_a_call_that_is_cancelled_before_it_was_sent_is_logged_as_not_applied(
    tls_upstream: Upstream, folder: Path
) -> None:
    settings = {"WEMASY_BASE_URL": tls_upstream.url}
    with tls_upstream.greeting("hang"):
        connections = tls_upstream.connections
        async with serving(settings, folder=folder) as server:
            await server.write(server.tool_call(SAVE, {"kind": "fact"}, "early"))
            with anyio.fail_after(ANSWER_SECONDS):
                await tls_upstream.connected(connections + 1)
            cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "early"}}
            await server.write(server.line(cancelled))
            await server.request("tools/list")
            server.leave()
            assert await server.exit_status() == 0

            assert b"outcome=not_applied code=cancelled" in server.stderr


async def test_a_client_that_goes_away_leaves_the_outcome_in_the_log(upstream: Upstream, folder: Path) -> None:
    upstream.play("abandoned", HELD)
    reading, writing = os.pipe()
    async with launched({"WEMASY_BASE_URL": upstream.url}, folder=folder, stdout=writing) as server:
        os.close(writing)
        for message in (INITIALIZE, INITIALIZED, save("abandoned")):
            await server.write(server.line(message))
        await upstream.arrival("abandoned")
        os.close(reading)
        server.leave()

        assert await server.exit_status() == 0
        assert f"tool={SAVE_MEMORY.tool} outcome=unknown code=shutting_down".encode() in server.stderr
        server.verify_streams()


async def test_a_client_that_reads_nothing_does_not_keep_the_server(upstream: Upstream, folder: Path) -> None:
    settings = {"WEMASY_BASE_URL": upstream.url}
    with smallest_pipe() as (reading, writing):
        async with launched(settings, folder=folder, stdout=writing) as server:
            await server.write(server.line(INITIALIZE))
            await asyncio.to_thread(os.read, reading, 4096)
            for number in range(200):
                await server.write(server.line(server.message("tools/list", {}, number)))
            server.leave()

            assert await server.exit_status() == 0
            server.verify_streams()


async def test_a_log_that_nobody_reads_stops_nothing(upstream: Upstream, folder: Path) -> None:
    with smallest_pipe() as (_, writing):
        async with serving({"WEMASY_BASE_URL": upstream.url}, folder=folder, stderr=writing) as server:
            player = Player(server, upstream, await read_schemas(server))
            for number in range(200):
                await player.expect_healthy(f"unread {number}")


@pytest.mark.posix
@pytest.mark.parametrize("closed", ["2>&-", *(f"2>{device}" for device in FULL)])
async def test_a_log_that_cannot_be_written_stops_nothing(closed: str, upstream: Upstream, folder: Path) -> None:
    command = redirected(closed)
    async with serving({"WEMASY_BASE_URL": upstream.url}, folder=folder, command=command) as server:
        player = Player(server, upstream, await read_schemas(server))
        await player.expect_healthy(f"no log, {closed}")
        await player.expect_healthy(f"still no log, {closed}")


@pytest.mark.parametrize(
    "closed",
    ["<nul"] if sys.platform == "win32" else ["<&- >&- 2>&-", "</dev/null", *(f"<&- >{device}" for device in FULL)],
)
async def test_a_server_without_a_client_leaves_in_peace(closed: str, upstream: Upstream, folder: Path) -> None:
    ended = await run({"WEMASY_BASE_URL": upstream.url}, b"", folder, redirected(closed))

    assert ended.status == 0


async def test_an_interrupt_while_it_starts_leaves_no_traceback(upstream: Upstream, tmp_path: Path) -> None:
    # In place of the first library that is imported: what Ctrl-C raises.
    (tmp_path / "anyio.py").write_text("raise KeyboardInterrupt")
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from wemasy_mcp.__main__ import main; sys.exit(main())"
    ended = await run({"WEMASY_BASE_URL": upstream.url}, b"", tmp_path, (sys.executable, "-c", start))

    assert ended.status == 130
    assert ended.stderr == b""
