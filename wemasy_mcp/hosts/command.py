"""The command: which entry is wanted, whose form it gets, where its secret comes from, and where it goes."""

import contextlib
import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wemasy_mcp.hosts.entry import Entry
from wemasy_mcp.hosts.host import Host, reference
from wemasy_mcp.hosts.host_file import change
from wemasy_mcp.hosts.launcher import find_launcher
from wemasy_mcp.hosts.places import Places
from wemasy_mcp.hosts.table import HOSTS
from wemasy_mcp.hosts.wanted import API_TOKEN, PLACEHOLDERS, SERVER_TOKEN, Transport, Wanted
from wemasy_mcp.settings import SettingsError, read_token

_URLS: dict[Transport, str] = {
    "stdio": "",
    "sse": "http://127.0.0.1:8000/sse",
    "streamable-http": "http://127.0.0.1:8000/mcp",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line."""

    host: str
    transport: Transport = "stdio"
    url: str | None = None
    is_sandbox: bool = False
    is_written: bool = False
    file: Path | None = None


def run_config(request: Request) -> int:
    """Print the entry, or merge it into the host's file; notes go to stderr. Return the exit status.

    Raises:
        SettingsError: The host cannot do what is asked, or its file cannot be used.
    """
    host = next(host for host in HOSTS if host.name == request.host)
    wanted = _wanted(request, host)
    file = request.file or (host.file(Places.of_this_machine()) if host.file else None)
    if not request.is_written:
        secret = reference(host, wanted) or _placeholder(wanted)
        sys.stdout.write(Entry(host, wanted, host.build(wanted, secret)).render())
        _note(host.hint or f"{host.title} reads it from {file}; with --write it is merged in there.")
    elif host.form == "python" or file is None:
        raise SettingsError("--write", f"cannot be used with {host.name}: {host.title} has no file for it. {host.hint}")
    else:
        secret = reference(host, wanted) or _secret(wanted)
        gives_token = host.reference is None and bool(secret) and secret not in PLACEHOLDERS.values()
        entry = Entry(host, wanted, host.build(wanted, secret), gives_token=gives_token)

        def edit(text: str) -> str:
            nonlocal entry
            entry = entry.keeping(text)
            return entry.set_in(text)

        backup = change(file, edit)
        kept = f"; as it was, it is kept in {backup}" if backup else ""
        sys.stdout.write(f"{wanted.name} is in {file}{kept}.\n")
        if entry.kept:
            _note(f"Kept in the entry as they were: {', '.join(entry.kept)}.")
        _note(f"Restart {host.title} to use it.")
        names = {name.casefold() for name in entry.kept}
        if not names.isdisjoint({API_TOKEN.casefold(), "authorization", "bearer_token_env_var"}):
            return 0
    if wanted.secret is not None:
        _note(_what_to_do(host, wanted.secret, is_missing=secret in PLACEHOLDERS.values()))
    return 0


def _wanted(request: Request, host: Host) -> Wanted:
    transport = request.transport
    if transport not in host.transports:
        raise SettingsError(
            "--transport", f"cannot be {transport} with {host.name}; {host.title} takes {', '.join(host.transports)}."
        )
    if request.url is not None and transport == "stdio":
        raise SettingsError("--url", "needs --transport sse or streamable-http.")
    if request.url is not None and not _is_url(request.url):
        raise SettingsError("--url", "should be a whole URL, such as https://mcp.example.com/mcp.")
    if request.is_sandbox and transport != "stdio":
        raise SettingsError("--sandbox", "needs --transport stdio: a server that is reached by URL was started before.")
    if transport == "stdio":
        secret = None if request.is_sandbox else API_TOKEN
    else:
        secret = SERVER_TOKEN if os.environ.get(SERVER_TOKEN) else None
    command, arguments = find_launcher()
    return Wanted(
        name="wemasy-sandbox" if request.is_sandbox else "wemasy",
        transport=transport,
        command=command,
        arguments=(*arguments, "--sandbox") if request.is_sandbox else arguments,
        url=request.url or _URLS[transport],
        secret=secret,
    )


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        has_host = bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return has_host and url.scheme in {"https", "http"} and text.isascii() and text.isprintable() and " " not in text


def _placeholder(wanted: Wanted) -> str:
    return PLACEHOLDERS[wanted.secret] if wanted.secret else ""


def _secret(wanted: Wanted) -> str:
    """The secret itself, for the file of a host that takes it from nowhere else."""
    if wanted.secret is None:
        return ""
    given = os.environ.get(wanted.secret, "")
    if not given and sys.stdin.isatty():
        with contextlib.suppress(EOFError):  # Ctrl-D: an empty answer
            given = getpass.getpass(
                f"{wanted.secret} (not shown; empty keeps what is there, or leaves a placeholder): "
            )
    if not given:
        return _placeholder(wanted)
    try:
        # Several server tokens may be set, for rotation; a client needs one.
        return read_token(given if wanted.secret == API_TOKEN else given.split(",")[0])
    except ValueError as error:
        raise SettingsError(wanted.secret, str(error)) from None


def _what_to_do(host: Host, variable: str, *, is_missing: bool) -> str:
    if host.asks_for_secrets:
        return f"{host.title} asks for the token when it first starts the server, and stores it."
    if host.reference:
        started = "your program" if host.form == "python" else host.title
        return f"Set {variable} in the environment that {started} is started from."
    if is_missing:
        return f"Put the token in the place of {PLACEHOLDERS[variable]}."
    return f"The token is in {host.title}'s file now, which only you should be able to read."


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")
