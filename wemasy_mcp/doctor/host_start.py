"""The check that a host's entry starts a server, as the host starts it: it lists the tools and calls none."""

import errno
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import get_default_environment, stdio_client
from mcp.client.streamable_http import streamable_http_client

from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.doctor.check import Check, failed, passed
from wemasy_mcp.doctor.host_entry import HostEntry, show

START_SECONDS = 30
"""Hosts give a server 10 to 60 seconds."""


async def check_start(entry: HostEntry, environment: dict[str, str], headers: dict[str, str]) -> Check:
    """Start the entry's command, or connect to its URL, and list the tools."""
    again = f"Run `wemasy-mcp config {entry.host.name} --write` with the program installed now."
    command = entry.command
    if not command and entry.url is None:
        return failed("command", f"{show(entry.name)} has neither a command nor a URL", again)
    with _keep_output() as output:
        try:
            with anyio.fail_after(START_SECONDS):
                async with Client(_connect(entry, environment, headers, output)) as client:
                    tools = [tool.name for tool in (await client.list_tools()).tools]
        except Exception as error:
            cause = _first_cause(error)
            if not command:
                return _explain_url(show(entry.url or ""), cause, output.status)
            return _explain_start(command, cause, output.last_line(), again)
    if not command:
        return passed("command", f"{show(entry.url or '')} offers {', '.join(tools)}")
    where = "" if Path(command[0]).is_absolute() else f", found on this terminal's PATH as {shutil.which(command[0])}"
    return passed("command", f"{show(command[0])} starts{where} and offers {', '.join(tools)}")


def build_environment(entry: HostEntry) -> dict[str, str]:
    """Return the environment that a host gives to the command: a few variables of its own, and the entry's."""
    return get_default_environment() | entry.environment(dict(os.environ))


@asynccontextmanager
async def _connect(
    entry: HostEntry, environment: dict[str, str], headers: dict[str, str], output: "_Output"
) -> AsyncIterator[Any]:
    url = entry.url or ""
    if command := entry.command:
        server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
        async with stdio_client(server, output.file) as streams:
            yield streams
    elif "sse" in (entry.members.get("type"), entry.members.get("transport")):
        async with sse_client(url, headers) as streams:
            yield streams
    else:
        async with (
            httpx2.AsyncClient(
                headers=headers, timeout=START_SECONDS, event_hooks={"response": [output.note]}
            ) as client,
            streamable_http_client(url, http_client=client) as streams,
        ):
            yield streams


def _explain_start(command: list[str], cause: BaseException, said: str, again: str) -> Check:
    program = show(command[0])
    if isinstance(cause, OSError) and cause.errno in {errno.ENOENT, errno.ENOTDIR}:
        if Path(command[0]).is_file():
            return failed("command", f"{program} needs a Python that was moved or removed", again)
        gone = f"{program} does not exist: its folder was moved, or its environment was removed"
        return failed("command", gone if Path(program).is_absolute() else f"{program} is not on the PATH", again)
    if "No module named wemasy_mcp" in said or "No module named 'wemasy_mcp'" in said:
        return failed("command", f"{program} is a different Python: wemasy-mcp is not installed there", again)
    return failed("command", f"{program} does not start a server: {said or _describe(cause)}", again)


def _explain_url(url: str, cause: BaseException, status: int | None) -> Check:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        advice = (
            "Have the entry send that server's token: set WEMASY_SERVER_TOKEN here and run `wemasy-mcp config` again."
        )
        return failed("command", f"{url} answered {status:d}: the entry's headers were not accepted", advice)
    found = f"{url} answered {status}" if status else f"{url} does not answer: {_describe(cause)}"
    return failed("command", found, "Is the URL right, and is that server running?")


def _describe(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {START_SECONDS} seconds"
    return sanitize(str(error) or type(error).__name__, limit=200)


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class _Output:
    """A child's stderr output, or the last status of a server at a URL."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.status: int | None = None

    async def note(self, response: httpx2.Response) -> None:
        self.status = response.status_code

    def last_line(self) -> str:
        self.file.seek(0)
        lines = [line.strip() for line in self.file.read(65_536).splitlines() if line.strip()]
        return sanitize(lines[-1], limit=300) if lines else ""


@contextmanager
def _keep_output() -> Iterator[_Output]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        yield _Output(file)
