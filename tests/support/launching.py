"""Starts a real server process with nothing in its environment but what a test puts there, and leaves none behind."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.program import PROGRAM, TOKEN, environment
from support.server_process import Era, ServerProcess


@asynccontextmanager
async def launched(
    settings: Mapping[str, str],
    *,
    era: Era = "2025-11-25",
    command: Sequence[str] = PROGRAM,
    folder: Path | None = None,
    stdout: int = asyncio.subprocess.PIPE,
    stderr: int = asyncio.subprocess.PIPE,
) -> AsyncGenerator[ServerProcess]:
    """Start a server with `settings`, and see that no process is left of it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        env=environment({"WEMASY_API_TOKEN": TOKEN, **settings}),
        cwd=folder,
        limit=2**25,
    )
    server = ServerProcess(process, era)
    try:
        yield server
    finally:
        server.kill()
        await process.wait()


@asynccontextmanager
async def serving(
    settings: Mapping[str, str],
    *,
    era: Era = "2025-11-25",
    command: Sequence[str] = PROGRAM,
    folder: Path | None = None,
    stderr: int = asyncio.subprocess.PIPE,
) -> AsyncGenerator[ServerProcess]:
    """Run a server, say hello, and see it end as it should when the test is done with it."""
    async with launched(settings, era=era, command=command, folder=folder, stderr=stderr) as server:
        await server.handshake()
        yield server
        server.leave()
        assert await server.exit_status() == 0
        server.verify_streams()


@dataclass(frozen=True, slots=True)
class Ended:
    """A server that has exited, and all that it wrote."""

    status: int
    messages: list[dict[str, Any]]
    stderr: bytes


async def run(
    settings: Mapping[str, str], sent: bytes, folder: Path | None = None, command: Sequence[str] = PROGRAM
) -> Ended:
    """Run a server as `printf … | wemasy-mcp` does: everything at once, then the end of input."""
    async with launched(settings, folder=folder, command=command) as server:
        # A server that was given another stdin leaves this one unread.
        with suppress(ConnectionError):
            await server.write(sent)
        server.leave()
        status = await server.exit_status()
        server.verify_streams()
    return Ended(status, [json.loads(line) for line in server.stdout], bytes(server.stderr))
