"""The command: which entry is wanted, whose form it gets, where its secret comes from, and where it goes."""

import contextlib
import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wemasy_mcp.config.entry import Entry
from wemasy_mcp.config.host_program import HostProgram, reference
from wemasy_mcp.config.launcher import find_launcher
from wemasy_mcp.config.paths import Paths
from wemasy_mcp.config.program_file import change
from wemasy_mcp.config.registry import HOSTS
from wemasy_mcp.config.server_spec import API_TOKEN, PLACEHOLDERS, SERVER_TOKEN, ServerSpec, Transport
from wemasy_mcp.pasted_token import read_token
from wemasy_mcp.settings import SettingsError

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
    sandbox: bool = False
    write: bool = False
    file: Path | None = None


def run_config(request: Request) -> int:
    """Print the entry, or merge it into the host's file; notes go to stderr. Return the exit status.

    Raises:
        SettingsError: The host cannot do what is asked, or its file cannot be used.
    """
    host = next(host for host in HOSTS if host.name == request.host)
    spec = _spec(request, host)
    file = request.file or (host.file(Paths.of_this_machine()) if host.file else None)
    if not request.write:
        secret = reference(host, spec) or _placeholder(spec)
        sys.stdout.write(Entry(host, spec, host.build(spec, secret)).render())
        _note(host.hint or f"{host.title} reads it from {file}; with --write it is merged in there.")
    elif host.form == "python" or file is None:
        raise SettingsError("--write", f"cannot be used with {host.name}: {host.title} has no file for it. {host.hint}")
    else:
        secret = reference(host, spec) or _secret(spec)
        gives_token = host.reference is None and bool(secret) and secret not in PLACEHOLDERS.values()
        entry = Entry(host, spec, host.build(spec, secret), gives_token=gives_token)

        def edit(text: str) -> str:
            nonlocal entry
            entry = entry.keeping(text)
            return entry.set_in(text)

        backup = change(file, edit)
        kept = f"; as it was, it is kept in {backup}" if backup else ""
        sys.stdout.write(f"{spec.name} is in {file}{kept}.\n")
        if entry.kept:
            _note(f"Kept in the entry as they were: {', '.join(entry.kept)}.")
        _note(f"Restart {host.title} to use it.")
        names = {name.casefold() for name in entry.kept}
        if not names.isdisjoint({API_TOKEN.casefold(), "authorization", "bearer_token_env_var"}):
            return 0
    if spec.secret is not None:
        _note(_what_to_do(host, spec.secret, is_missing=secret in PLACEHOLDERS.values()))
    return 0


def _spec(request: Request, host: HostProgram) -> ServerSpec:
    transport = request.transport
    if transport not in host.transports:
        raise SettingsError(
            "--transport", f"cannot be {transport} with {host.name}; {host.title} takes {', '.join(host.transports)}."
        )
    if request.url is not None and transport == "stdio":
        raise SettingsError("--url", "needs --transport sse or streamable-http.")
    if request.url is not None and not _is_url(request.url):
        raise SettingsError("--url", "should be a whole URL, such as https://mcp.example.com/mcp.")
    if request.sandbox and transport != "stdio":
        raise SettingsError("--sandbox", "needs --transport stdio: a server that is reached by URL was started before.")
    if transport == "stdio":
        secret = None if request.sandbox else API_TOKEN
    else:
        secret = SERVER_TOKEN if os.environ.get(SERVER_TOKEN) else None
    command, arguments = find_launcher()
    return ServerSpec(
        name="wemasy-sandbox" if request.sandbox else "wemasy",
        transport=transport,
        command=command,
        arguments=(*arguments, "--sandbox") if request.sandbox else arguments,
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


def _placeholder(spec: ServerSpec) -> str:
    return PLACEHOLDERS[spec.secret] if spec.secret else ""


def _secret(spec: ServerSpec) -> str:
    """The secret itself, for the file of a host that takes it from nowhere else."""
    if spec.secret is None:
        return ""
    given = os.environ.get(spec.secret, "")
    if not given and sys.stdin.isatty():
        with contextlib.suppress(EOFError):  # Ctrl-D: an empty answer
            given = getpass.getpass(f"{spec.secret} (not shown; empty keeps what is there, or leaves a placeholder): ")
    if not given:
        return _placeholder(spec)
    try:
        # Several server tokens may be set, for rotation; a client needs one.
        return read_token(given if spec.secret == API_TOKEN else given.split(",")[0])
    except ValueError as error:
        raise SettingsError(spec.secret, str(error)) from None


def _what_to_do(host: HostProgram, variable: str, *, is_missing: bool) -> str:
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
