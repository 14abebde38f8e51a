"""The checks of a host's file, which a desktop host does not show: its syntax, and the entry."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from wemasy_mcp.config.host_program import HostProgram
from wemasy_mcp.config.json_edit import find_extensions
from wemasy_mcp.config.program_file import BYTE_ORDER_MARK, decode, read_file
from wemasy_mcp.config.server_spec import API_TOKEN, Secret, ServerSpec, Transport
from wemasy_mcp.console import own_command
from wemasy_mcp.doctor.check import Check, failed, passed
from wemasy_mcp.doctor.host_entry import HostEntry, find_entries, find_file, parse_file, show

_MAX_NAMES = 5
_SPELLINGS = ("mcpServers", "servers", "mcp_servers", "context_servers", "mcp")
_KINDS = {str: "a string", list: "a list", dict: "an object", bool: "true or false"}
_SAME_MEMBER = ("env", "environment", "envs"), ("args", "arguments"), ("url", "httpUrl", "serverUrl", "uri")


def check_file(host: HostProgram, file: Path | None, name: str | None) -> tuple[list[Check], HostEntry | None]:
    """Check that the host can read its file and that the entry is there; return the checks and any entry found.

    Raises:
        SettingsError: The file cannot be read at all, or the host does not have one.
    """
    file = file or find_file(host)
    write = f"`{own_command()} config {host.name} --write`"
    content = read_file(file)
    if content is None:
        return [failed("file", f"{file} does not exist", f"{write} creates it.")], None
    try:
        found = parse_file(host, content)
    except ValueError as error:
        kind = host.form.upper()
        correct = f"Fix it there; {host.title} may load none of its servers until then."
        return [failed("file", f"{file} is not valid {kind}: {error}", correct)], None
    if not isinstance(found, dict):
        return [failed("file", f"{file} does not hold a JSON object", f"Empty it; then {write} can fill it.")], None
    checks = [failed("file", f"{file}: {problem}", "Remove it there.") for problem in _find_refused(host, content)]
    checks = checks or [passed("file", str(file))]
    entries = find_entries(host, found)
    entry = entries.get(name) if name else next(iter(entries.values()), None)
    if entry is None:
        return [*checks, _explain_missing(host, found, name, list(entries), write)], None
    others = [show(other) for other in entries if other != entry.name][:_MAX_NAMES]
    also = f"; also there: {', '.join(others)}" if others else ""
    wrong = [failed("entry", f"{show(entry.name)} {found}", advice) for found, advice in _find_mistakes(host, entry)]
    return [*checks, *(wrong or [passed("entry", f"{show(entry.name)}{also}")])], entry


def _find_refused(host: HostProgram, content: bytes) -> Iterator[str]:
    if host.form != "json":
        return
    if content.startswith(BYTE_ORDER_MARK) and not host.allows:
        yield f"begins with a byte order mark, which {host.title} does not read"
    for kind, line in find_extensions(decode(content)).items():
        if kind not in host.allows:
            yield f"line {line} has {kind}, which {host.title} does not read"


def _explain_missing(
    host: HostProgram, found: dict[str, Any], name: str | None, others: list[str], write: str
) -> Check:
    container = host.container[0]
    names = list(found)
    if not isinstance(found.get(container, {}), dict | None):
        return failed("entry", f"{container} is not an object", f"Remove it there; then {write} can put it there.")
    if container not in names:
        close = [spelt for spelt in names if spelt in _SPELLINGS] or get_close_matches(container, names, 1, 0.7)
        if close:
            return failed(
                "entry",
                f"{host.title} reads {container}; the file has {show(close[0])}",
                f"Rename it to {container}.",
            )
    if name and others:
        return failed(
            "entry",
            f"there is no {name}",
            f"There is {', '.join(map(show, others[:_MAX_NAMES]))}: choose it with --name.",
        )
    return failed("entry", f"this server is not in {container}", f"{write} puts it there.")


def _find_mistakes(host: HostProgram, entry: HostEntry) -> Iterator[tuple[str, str]]:
    """Yield each mistake that keeps the host from using the entry as intended, and the advice."""
    known = _build_members(host, "sse") | _build_members(host, "streamable-http") | _build_members(host, "stdio")
    for given in sorted(set(entry.members) - set(known)):
        same = [meant for group in _SAME_MEMBER if given in group for meant in group if meant in known]
        close = get_close_matches(given, set(known) - set(entry.members), 1, 0.75)
        if meant := [one for one in (*same, *close) if one not in entry.members]:
            yield f"has {show(given)}", f"Did you mean {meant[0]}?"
    for name, example in known.items():
        if name in entry.members and not isinstance(entry.members[name], type(example)):
            yield f"has {name} of the wrong type", f"It should be {_KINDS[type(example)]}."
    if entry.members.get("disabled") is True or entry.members.get("enabled") is False:
        yield "is switched off", f"Switch it on in {host.title}."


def _build_members(host: HostProgram, transport: Transport) -> dict[str, Any]:
    spec = ServerSpec("", transport, "", (), "", (Secret(API_TOKEN, "Authorization", "Bearer "),))
    return host.build(spec, {API_TOKEN: ""}) if transport in host.transports else {}
