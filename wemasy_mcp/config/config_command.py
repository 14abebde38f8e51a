"""The command: the requested entry, the source of its secrets, and its destination."""

import contextlib
import getpass
import os
import shlex
import subprocess
import sys
from json import dumps
from pathlib import Path

from wemasy_mcp.config.entry import Entry
from wemasy_mcp.config.host_program import HostProgram
from wemasy_mcp.config.json_edit import find_extensions
from wemasy_mcp.config.launcher import find_launcher
from wemasy_mcp.config.paths import Paths, is_windows
from wemasy_mcp.config.program_file import Edited, change, find_redirected
from wemasy_mcp.config.registry import find_host
from wemasy_mcp.config.request import Request
from wemasy_mcp.config.server_spec import API_TOKEN, PLACEHOLDERS, SERVER_TOKEN, ServerSpec
from wemasy_mcp.config.trial_start import start_once
from wemasy_mcp.console import is_terminal, own_command, wrap
from wemasy_mcp.pasted_token import read_token
from wemasy_mcp.settings import SettingsError


def run_config(request: Request) -> int:
    """Print the entry, or merge it into the host's file; notes go to stderr. Return the exit status.

    Raises:
        SettingsError: The host does not support the request, its file cannot be used, or the entry would not start.
    """
    host = find_host(request.host)
    command, arguments = find_launcher()
    spec = request.to_spec(host, command, arguments)
    if request.write:
        if host.file is None:
            raise SettingsError(
                "--write", f"cannot be used with {host.name}: {host.title} has no file for it. {host.hint}"
            )
        if spec.transport == "stdio" and (problem := start_once(command, arguments)):
            raise SettingsError(
                "config",
                f"wrote nothing: the entry's command does not start ({problem}): {command} {' '.join(arguments)}",
            )
        return _write(request.file or host.file(Paths.of_this_machine()), host, spec)
    values = host.references(spec) or _placeholders(spec)
    entry = Entry(host, spec, host.container, host.build(spec, values))
    sys.stdout.write(entry.render())
    _note(host.hint or f"{host.title} reads it from {_usual_file(request, host)}; --write merges it into that file.")
    if host.add and spec.transport == "stdio":
        # Not wrapped, because users copy it.
        sys.stderr.write(f"Or run: {_add_command(host, spec, entry)}\n")
    _say_what_to_do(host, spec, values)
    _say_what_unattended_runs_need(host, spec)
    return 0


def _write(file: Path, host: HostProgram, spec: ServerSpec) -> int:
    values = host.references(spec) or _ask_for(spec)
    gives_token = not host.reference and any(value not in PLACEHOLDERS.values() for value in values.values())
    entry = Entry(host, spec, host.container, host.build(spec, values), gives_token)
    refused: dict[str, int] = {}

    def edit(text: str) -> Edited:
        nonlocal entry, refused
        entry = entry.fitting(text)
        after = entry.set_in(text)
        if host.form == "json":
            refused = {kind: line for kind, line in find_extensions(after).items() if kind not in host.allows}
        return Edited(after, is_private=entry.holds_secret)

    backup = change(file, edit)
    kept = f"; the previous version is in {backup}" if backup else ""
    sys.stdout.write(wrap(f"{spec.name} is in {file}{kept}.") + "\n")
    if entry.kept:
        _note(f"Kept unchanged in the entry: {', '.join(entry.kept)}.")
    if entry.holds_secret:
        # On Windows, a user's folders are closed to other users.
        copy = " and its copy" if backup else ""
        who = "" if is_windows() else f"; only you can read it{copy} now (mode 0600)"
        _note(f"A token is in that file{who}.")
    for kind, line in refused.items():
        _note(f"{host.title} will not read it: line {line} has {kind}, which plain JSON does not allow. Remove them.")
    if (moved := find_redirected(file)) is not None:
        _note(
            f"Windows put it into {moved} instead, which {host.title} does not read: this Python is a package of the "
            "Microsoft Store, whose files are kept apart. Copy it from there, or use the Python of python.org or of uv."
        )
        return 1
    _note(f"Restart {host.title} to use it; `{own_command()} doctor --host {host.name}` checks it.")
    kept_names = {name.casefold() for name in entry.kept}
    if kept_names.isdisjoint({API_TOKEN.casefold(), "authorization", "bearer_token_env_var"}):
        _say_what_to_do(host, spec, values)
    _say_what_unattended_runs_need(host, spec)
    return int(bool(refused))


def _usual_file(request: Request, host: HostProgram) -> Path | str:
    try:
        return request.file or (host.file(Paths.of_this_machine()) if host.file else "")
    except SettingsError:
        return "its file"


def _placeholders(spec: ServerSpec) -> dict[str, str]:
    return {secret.variable: PLACEHOLDERS[secret.variable] for secret in spec.secrets}


def _ask_for(spec: ServerSpec) -> dict[str, str]:
    """Return the secrets themselves, for the file of a host that cannot take them from elsewhere."""
    values = _placeholders(spec)
    for variable in values:
        given = os.environ.get(variable, "")
        if not given and is_terminal(sys.stdin):
            with contextlib.suppress(EOFError):  # Ctrl-D: an empty answer
                given = getpass.getpass(
                    f"{variable} (not shown; leave empty to keep the current one, or a placeholder): "
                )
        if given:
            try:
                # Several server tokens may be set, for rotation; a client needs one.
                values[variable] = read_token(given if variable == API_TOKEN else given.split(",")[0])
            except ValueError as error:
                raise SettingsError(variable, str(error)) from None
    return values


def _add_command(host: HostProgram, spec: ServerSpec, entry: Entry) -> str:
    """Return the host's own command, quoted for this system's shell."""
    environment: dict[str, str] = entry.members.get("env", {})
    parts = {
        "{name}": [spec.name],
        "{json}": [dumps(entry.members)],
        "{env}": [part for name, value in environment.items() for part in ("--env", f"{name}={value}")],
        "{program}": [spec.command],
        "{arguments}": list(spec.arguments),
    }
    words = [part for word in host.add for part in parts.get(word, [word])]
    return subprocess.list2cmdline(words) if is_windows() else shlex.join(words)


def _say_what_to_do(host: HostProgram, spec: ServerSpec, values: dict[str, str]) -> None:
    is_known = spec.transport == "stdio" or any(secret.variable == SERVER_TOKEN for secret in spec.secrets)
    if not is_known and not host.needs_public_url:
        _note(f"The entry sends no Authorization header; set {SERVER_TOKEN} here first if the server asks for one.")
    if not spec.secrets:
        return
    missing = [value for value in values.values() if value in PLACEHOLDERS.values()]
    if host.asks_for_secrets:
        _note(f"{host.title} asks for the token when it first starts the server, and stores it.")
    elif missing:
        _note(f"Put the token in place of {' and '.join(missing)}.")
    elif host.references(spec):
        names = " and ".join(secret.name for secret in spec.secrets)
        _note(f"Set {names} in the environment that {host.title} is started from.")


def _say_what_unattended_runs_need(host: HostProgram, spec: ServerSpec) -> None:
    if host.unattended:
        _note(host.unattended.format(spec.name))


def _note(text: str) -> None:
    sys.stderr.write(f"{wrap(text)}\n")
