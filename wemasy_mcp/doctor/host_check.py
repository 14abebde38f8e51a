"""The checks of what a host's file holds, which a desktop host does not show: its form, the entry, the command.

The command is started once, as the host starts it, and asked for its tools; no tool is called.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import get_default_environment, stdio_client
from mcp.client.streamable_http import streamable_http_client

from wemasy_mcp.config.host_program import HostProgram
from wemasy_mcp.config.json_edit import find_extensions
from wemasy_mcp.config.program_file import BYTE_ORDER_MARK, decode, read_file
from wemasy_mcp.config.server_spec import API_TOKEN, Secret, ServerSpec, Transport
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.doctor.check import Check, failed, passed
from wemasy_mcp.doctor.host_entry import HostEntry, find_entries, find_file, parse_file

START_SECONDS = 30
"""Hosts give a server 10 to 60 seconds."""

_MAX_NAMES = 5
_SPELLINGS = ("mcpServers", "servers", "mcp_servers", "context_servers", "mcp")
_KINDS = {str: "a text", list: "a list", dict: "an object", bool: "true or false"}
_SAME_MEMBER = ("env", "environment", "envs"), ("args", "arguments"), ("url", "httpUrl", "serverUrl", "uri")


def check_file(host: HostProgram, file: Path | None, name: str | None) -> tuple[list[Check], HostEntry | None]:
    """Say whether the host can read its file, and whether the entry is there; return the entry where it is.

    Raises:
        SettingsError: The file cannot be read at all, or the host has none.
    """
    file = file or find_file(host)
    write = f"`wemasy-mcp config {host.name} --write`"
    content = read_file(file)
    if content is None:
        return [failed("file", f"{file} does not exist", f"{write} makes it.")], None
    try:
        found = parse_file(host, content)
    except ValueError as error:
        kind = host.form.upper()
        correct = f"Correct it there; {host.title} reads none of its servers until then."
        return [failed("file", f"{file} is not valid {kind}: {error}", correct)], None
    checks = [failed("file", f"{file}: {problem}", "Remove it there.") for problem in _find_refused(host, content)]
    checks = checks or [passed("file", str(file))]
    entries = find_entries(host, found)
    entry = entries.get(name) if name else next(iter(entries.values()), None)
    if entry is None:
        return [*checks, _explain_missing(host, found, name, list(entries), write)], None
    others = [_show(other) for other in entries if other != entry.name][:_MAX_NAMES]
    also = f"; also there: {', '.join(others)}" if others else ""
    wrong = [failed("entry", f"{_show(entry.name)} {found}", advice) for found, advice in _find_mistakes(host, entry)]
    return [*checks, *(wrong or [passed("entry", f"{_show(entry.name)}{also}")])], entry


async def check_start(entry: HostEntry, environment: dict[str, str], headers: dict[str, str]) -> Check:
    """Start the entry's command, or connect to its URL, and list the tools."""
    again = f"Run `wemasy-mcp config {entry.host.name} --write` with the program that is installed now."
    command = entry.command
    if not command and entry.url is None:
        return failed("command", f"{_show(entry.name)} names neither a command nor a URL", again)
    with _keep_output() as output:
        try:
            with anyio.fail_after(START_SECONDS):
                async with Client(_connect(entry, environment, headers, output)) as client:
                    tools = [tool.name for tool in (await client.list_tools()).tools]
        except Exception as error:
            cause = _first_cause(error)
            if not command:
                return failed(
                    "command",
                    f"{_show(entry.url or '')} does not answer: {_describe(cause)}",
                    "Is that server running?",
                )
            return _explain_start(command, cause, output.last_line(), again)
    if not command:
        return passed("command", f"{_show(entry.url or '')} offers {', '.join(tools)}")
    where = "" if Path(command[0]).is_absolute() else f", found on this terminal's PATH as {shutil.which(command[0])}"
    return passed("command", f"{_show(command[0])} starts{where} and offers {', '.join(tools)}")


def build_environment(entry: HostEntry) -> dict[str, str]:
    """Return the environment that a host gives to the command: little of its own, and what the entry says."""
    return get_default_environment() | entry.environment(dict(os.environ))


def _find_refused(host: HostProgram, content: bytes) -> Iterator[str]:
    if host.form != "json":
        return
    if content.startswith(BYTE_ORDER_MARK) and not host.allows:
        yield f"begins with a byte order mark, which {host.title} does not read"
    for kind, line in find_extensions(decode(content)).items():
        if kind not in host.allows:
            yield f"line {line} has {kind}, which {host.title} does not read"


def _explain_missing(host: HostProgram, found: Any, name: str | None, others: list[str], write: str) -> Check:
    container = host.container[0]
    names = list(found) if isinstance(found, dict) else []
    if container not in names:
        close = [spelt for spelt in names if spelt in _SPELLINGS] or get_close_matches(container, names, 1, 0.7)
        if close:
            return failed(
                "entry",
                f"{host.title} reads {container}; the file has {_show(close[0])}",
                f"Rename it to {container}.",
            )
    if name and others:
        return failed(
            "entry",
            f"there is no {name}",
            f"There is {', '.join(map(_show, others[:_MAX_NAMES]))}: name it with --name.",
        )
    return failed("entry", f"this server is not in {container}", f"{write} puts it there.")


def _find_mistakes(host: HostProgram, entry: HostEntry) -> Iterator[tuple[str, str]]:
    """What keeps the host from taking the entry as it is meant, and what to do."""
    known = _build_members(host, "sse") | _build_members(host, "streamable-http") | _build_members(host, "stdio")
    for given in sorted(set(entry.members) - set(known)):
        same = [meant for group in _SAME_MEMBER if given in group for meant in group if meant in known]
        close = get_close_matches(given, set(known) - set(entry.members), 1, 0.75)
        if meant := [one for one in (*same, *close) if one not in entry.members]:
            yield f"has {_show(given)}", f"Is {meant[0]} meant?"
    for name, example in known.items():
        if name in entry.members and not isinstance(entry.members[name], type(example)):
            yield f"has {name} as something else", f"It should be {_KINDS[type(example)]}."
    if entry.members.get("disabled") is True or entry.members.get("enabled") is False:
        yield "is switched off", f"Switch it on in {host.title}."


def _build_members(host: HostProgram, transport: Transport) -> dict[str, Any]:
    spec = ServerSpec("", transport, "", (), "", (Secret(API_TOKEN, "Authorization", "Bearer "),))
    return host.build(spec, {API_TOKEN: ""}) if transport in host.transports else {}


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
            httpx2.AsyncClient(headers=headers, timeout=START_SECONDS) as client,
            streamable_http_client(url, http_client=client) as streams,
        ):
            yield streams


def _explain_start(command: list[str], cause: BaseException, said: str, again: str) -> Check:
    program = _show(command[0])
    if isinstance(cause, OSError) and cause.errno in {errno.ENOENT, errno.ENOTDIR}:
        if Path(command[0]).is_file():
            return failed("command", f"{program} needs a Python that was moved or removed", again)
        gone = f"{program} does not exist: its folder was moved, or its environment was removed"
        return failed("command", gone if Path(program).is_absolute() else f"{program} is not on the PATH", again)
    if "No module named wemasy_mcp" in said or "No module named 'wemasy_mcp'" in said:
        return failed("command", f"{program} is another Python: wemasy-mcp is not installed there", again)
    return failed("command", f"{program} starts no server: {said or _describe(cause)}", again)


def _show(text: str) -> str:
    """Sanitizes what stands in the file."""
    return sanitize(text, limit=200)


def _describe(error: BaseException) -> str:
    if isinstance(error, httpx2.HTTPStatusError):
        return f"it answered {error.response.status_code}"
    if isinstance(error, TimeoutError):
        return f"no answer within {START_SECONDS} seconds"
    return sanitize(str(error) or type(error).__name__, limit=200)


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class _Output:
    """What a child writes to its stderr."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def last_line(self) -> str:
        self.file.seek(0)
        lines = [line.strip() for line in self.file.read(65_536).splitlines() if line.strip()]
        return sanitize(lines[-1], limit=300) if lines else ""


@contextmanager
def _keep_output() -> Iterator[_Output]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        yield _Output(file)
