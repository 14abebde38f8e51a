"""The check that a host's entry starts a server, as the host starts it: it lists the tools and calls none."""

import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import get_default_environment, stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import ValidationError

from wemasy_mcp.config.server_spec import API_TOKEN
from wemasy_mcp.console import own_command
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.doctor.check import Check, failed, passed
from wemasy_mcp.doctor.host_entry import HostEntry, show

START_SECONDS = 30
"""Hosts give a server 10 to 60 seconds."""


async def check_start(entry: HostEntry, environment: dict[str, str], headers: dict[str, str]) -> Check:
    """Start the entry's command, or connect to its URL, and list the tools."""
    again = f"Run `{own_command()} config {entry.host.name} --write` with the program installed now."
    if entry.command:
        return await _check_command(entry, environment, again)
    if entry.url is not None:
        return await _check_url(entry, entry.url, headers)
    return failed("command", f"{show(entry.name)} has neither a command nor a URL", again)


def build_environment(entry: HostEntry) -> dict[str, str]:
    """Return the environment that a host gives to the command: a few variables of its own, and the entry's."""
    return get_default_environment() | entry.environment(dict(os.environ))


async def _check_command(entry: HostEntry, environment: dict[str, str], again: str) -> Check:
    program, *arguments = entry.command
    if _serves_http(entry.command, environment):
        found = f"{show(program)} serves HTTP, but {entry.host.title} speaks to it over stdio"
        return failed("command", found, "Take --transport and WEMASY_TRANSPORT out of the entry.")
    secret = environment.get(API_TOKEN, "")
    server = StdioServerParameters(command=program, args=arguments, env=environment)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as kept, _keep_strays(secret) as strays:
        output: Any = kept  # not a `TextIO` on Windows, but used as one
        try:
            tools = await _list_tools(stdio_client(server, output))
        except Exception as error:
            if not strays:
                return _explain_start(program, _first_cause(error), _last_line(output, secret), again)
    if strays:
        advice = "Only the server may write to its stdout. Remove what else prints there."
        return failed("command", f"{show(program)} prints what is not MCP: {strays[0]}", advice)
    where = "" if Path(program).is_absolute() else f", found on this terminal's PATH as {shutil.which(program)}"
    return passed("command", f"{show(program)} starts{where} and offers {tools}")


async def _check_url(entry: HostEntry, url: str, headers: dict[str, str]) -> Check:
    statuses: list[int] = []

    async def note(response: httpx2.Response) -> None:
        statuses.append(response.status_code)

    try:
        if "sse" in (entry.members.get("type"), entry.members.get("transport")):
            tools = await _list_tools(sse_client(url, headers))
        else:
            hooks = {"response": [note]}
            async with httpx2.AsyncClient(headers=headers, timeout=START_SECONDS, event_hooks=hooks) as client:
                tools = await _list_tools(streamable_http_client(url, http_client=client))
    except Exception as error:
        return _explain_url(show(url), _first_cause(error), statuses[-1] if statuses else None)
    return passed("command", f"{show(url)} offers {tools}")


async def _list_tools(transport: Any) -> str:
    with anyio.fail_after(START_SECONDS):
        async with Client(transport) as client:
            return ", ".join(tool.name for tool in (await client.list_tools()).tools)


def _explain_start(given: str, cause: BaseException, said: str, again: str) -> Check:
    program = show(given)
    if isinstance(cause, OSError) and cause.errno in {errno.ENOENT, errno.ENOTDIR}:
        if Path(given).is_file():
            return failed("command", f"{program} needs a Python that was moved or removed", again)
        return failed("command", *_explain_missing(given, again))
    if "No module named wemasy_mcp" in said or "No module named 'wemasy_mcp'" in said:
        return failed("command", f"{program} is a different Python: wemasy-mcp is not installed there", again)
    return failed("command", f"{program} does not start a server: {said or _describe(cause)}", again)


def _explain_missing(given: str, again: str) -> tuple[str, str]:
    """Return why there is no such program, and the advice."""
    program = show(given)
    bare = given.strip("\"' ")
    words = bare.split(" ")
    if any(shutil.which(" ".join(words[:count])) for count in range(1, len(words))):
        return f"{program} holds arguments, too", "Put each of them into args: the command is the program alone."
    if bare != given:
        return f"{program} has quotes or spaces around it", "Remove them: the command is the path alone."
    if Path(given).is_absolute():
        return f"{program} does not exist: its folder was moved, or its environment was removed", again
    if "/" in given or "\\" in given:
        return f"{program} is not an absolute path: a host starts it in a folder of its own, and expands no ~", again
    return f"{program} is not on the PATH", again


def _serves_http(command: list[str], environment: dict[str, str]) -> bool:
    words = [part for word in command for part in word.split("=", 1)]
    named = words[words.index("--transport") + 1] if "--transport" in words[:-1] else None
    return (named or environment.get("WEMASY_TRANSPORT") or "stdio") != "stdio"


def _explain_url(url: str, cause: BaseException, status: int | None) -> Check:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        advice = "Have the entry send that server's token: set WEMASY_SERVER_TOKEN here, and run `config` again."
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


def _last_line(output: IO[str], secret: str) -> str:
    output.seek(0)
    lines = [line.strip() for line in output.read(65_536).splitlines() if line.strip()]
    return sanitize(lines[-1], secret, limit=300) if lines else ""


class _Strays(logging.Handler):
    """The lines on a child's stdout that the SDK cannot read. It would log each with a traceback."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._secret = secret

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        line = error.errors()[0]["input"] if isinstance(error, ValidationError) else ""
        self.lines.append(sanitize(str(line).strip(), self._secret, limit=100))


@contextmanager
def _keep_strays(secret: str) -> Iterator[list[str]]:
    logger = logging.getLogger("mcp.client.stdio")
    strays, propagated = _Strays(secret), logger.propagate
    logger.addHandler(strays)
    logger.propagate = False
    try:
        yield strays.lines
    finally:
        logger.propagate = propagated
        logger.removeHandler(strays)
