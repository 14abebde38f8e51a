"""Runs a client's script once for one transport: all its calls, in as many sessions as they need settings."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from .catalogue import HERE, Client, Mode
from .environments import Program, inherited_environment
from .scenarios import (
    CANCELLED,
    HELD_MEMORY,
    MAIN,
    NULL_DROPPED,
    NULL_SENT,
    PENDING,
    PENDING_AT_DEFAULTS,
    REPEATED,
    SAVE,
    SCENARIOS,
    SESSIONS,
    Scenario,
    Session,
)
from .upstream import Upstream

RUN_SECONDS = 180
START_SECONDS = 30

_ANNOUNCED = re.compile(r"http://127\.0\.0\.1:[0-9]+/(?:mcp|sse)$")


@dataclass(frozen=True)
class Case:
    """A client, how it is set, and what it speaks."""

    client: Client
    mode: Mode
    transport: str

    @property
    def cancels(self) -> bool:
        """Whether the server learns that a call was cancelled."""
        return self.transport in self.mode.cancels_over

    def __str__(self) -> str:
        return "-".join(part for part in (self.client.id, self.mode.name, self.transport) if part)


@dataclass(frozen=True)
class Outcome:
    """What a run left: the lines by session and call, what the API received by session, and the servers' logs."""

    lines: dict[tuple[str, str], dict[str, Any]]
    bodies: dict[str, list[dict[str, Any]]]
    logs: dict[str, str]


def cases_of(clients: tuple[Client, ...]) -> tuple[Case, ...]:
    """Return every way in which each client is run."""
    return tuple(
        Case(client, mode, transport) for client in clients for mode in client.modes for transport in client.transports
    )


def scenarios_of(case: Case) -> Iterator[Scenario]:
    """Yield the calls whose whole result is judged."""
    nulls = (NULL_SENT, NULL_DROPPED) if case.client.fills_nulls else ()
    late = PENDING_AT_DEFAULTS if case.client.is_hurried else ()
    for scenario in (*nulls, *SCENARIOS, *PENDING, *late):
        if case.transport in scenario.session.transports:
            yield scenario


def run(case: Case, program: Program, upstream: Upstream, directory: Path) -> Outcome:
    """Run the client's script with all its calls.

    Raises:
        AssertionError: The script failed as a whole, so that there is nothing to judge.
    """
    with ExitStack() as servers:
        plans = []
        for session in SESSIONS:
            if calls := list(_calls(case, session, upstream)):
                settings = session.settings | {"WEMASY_BASE_URL": upstream.base_url(_prefix(case, session))}
                log = directory / f"{session.name}.log"
                server = servers.enter_context(serve(case.transport, settings, log))
                plans.append({"name": session.name, "server": server, "calls": calls})
        lines = run_script(program, {"mode": case.mode.name, "sessions": plans}, directory)
    return Outcome(
        {(line["session"], line["call"]): line for line in lines},
        {session.name: upstream.bodies[_prefix(case, session)] for session in SESSIONS},
        {log.stem: log.read_text() for log in directory.glob("*.log")},
    )


def run_script(program: Program, job: dict[str, Any], directory: Path) -> list[dict[str, Any]]:
    """Run a client's script and return its lines.

    Raises:
        AssertionError: It failed as a whole.
    """
    done = subprocess.run(
        program.command,
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
        cwd=program.directory,
        # Some clients keep files in the user's home directory.
        env=inherited_environment() | {"HOME": str(directory), "PYTHONPATH": str(HERE)},
    )
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def _prefix(case: Case, session: Session) -> str:
    return f"{case}.{session.name}"


def _calls(case: Case, session: Session, upstream: Upstream) -> Iterator[dict[str, Any]]:
    if session is MAIN and case.mode.can_cancel:
        prefix = _prefix(case, session)
        urls = {"arrived": upstream.arrived_url(prefix), "release": upstream.release_url(prefix)}
        yield {"name": CANCELLED, "tool": SAVE, "arguments": HELD_MEMORY, "cancel": urls}
        yield {"name": REPEATED, "tool": SAVE, "arguments": HELD_MEMORY}
    for scenario in scenarios_of(case):
        if scenario.session is session:
            yield {"name": scenario.name, "tool": scenario.tool, "arguments": scenario.arguments}


def stdio_server(settings: dict[str, str], *command: str) -> dict[str, Any]:
    """Return how a client starts a server of its own with a Python program."""
    return {"kind": "stdio", "command": sys.executable, "args": command, "env": settings}


@contextmanager
def serve(transport: str, settings: dict[str, str], log: Path) -> Iterator[dict[str, Any]]:
    """Yield how a client reaches a server with these settings, which is started here unless the client does it."""
    if transport == "stdio":
        yield stdio_server(settings, str(HERE / "serve_logged.py"), str(log))
        return
    command = (sys.executable, "-m", "wemasy_mcp", "--transport", transport, "--host", "127.0.0.1", "--port", "0")
    with log.open("w") as kept, ThreadPoolExecutor(1) as reader:
        process = subprocess.Popen(
            command, env=inherited_environment() | settings, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        url: Future[str] = Future()
        reader.submit(_keep, process, kept, url)
        try:
            yield {"kind": transport, "url": url.result(START_SECONDS)}
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _keep(process: subprocess.Popen[str], log: TextIO, url: Future[str]) -> None:
    """Keep what the server says on stderr, and tell the URL at which it says that it listens."""
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            log.write(line)
            if not url.done() and (announced := _ANNOUNCED.search(line)):
                url.set_result(announced[0])
    if not url.done():
        url.set_exception(AssertionError(f"the server ended with {process.wait()}: {log.name}"))
