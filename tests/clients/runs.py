"""Runs a client's script once for one transport: all its calls, in as many sessions as they need settings."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from .catalogue import HERE, Client
from .environments import Program, inherited_environment
from .scenarios import (
    AFTER_CANCELLED,
    CANCELLED,
    MAIN,
    SAVE,
    SAVED,
    SCENARIOS,
    SESSIONS,
    WITHOUT_MODEL,
    Scenario,
    Session,
)
from .upstream import SILENT, Upstream

RUN_SECONDS = 180
START_SECONDS = 30

SERVER = (sys.executable, "-m", "wemasy_mcp")

PATHS = {"sse": "/sse", "streamable-http": "/mcp"}


@dataclass(frozen=True)
class Case:
    """A client, how it is set, and what it speaks."""

    client: Client
    mode: str
    transport: str

    def __str__(self) -> str:
        return "-".join(part for part in (self.client.id, self.mode, self.transport) if part)


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
    for scenario in (*SCENARIOS, *((WITHOUT_MODEL,) if case.client.fills_nulls else ())):
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
                server = servers.enter_context(_server(case.transport, settings, log))
                plans.append({"name": session.name, "server": server, "calls": calls})
        lines = run_script(program, {"mode": case.mode, "sessions": plans}, directory)
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
    if session is MAIN and case.transport in case.client.cancels_over:
        prefix = _prefix(case, session)
        urls = {"arrived": upstream.arrived_url(prefix), "closed": upstream.closed_url(prefix)}
        arguments = {"kind": "fact", "key": SILENT}
        yield {"name": CANCELLED, "tool": SAVE, "arguments": arguments, "cancel": urls}
        yield {"name": AFTER_CANCELLED, "tool": SAVE, "arguments": SAVED.arguments}
    for scenario in scenarios_of(case):
        if scenario.session is session:
            yield {"name": scenario.name, "tool": scenario.tool, "arguments": scenario.arguments}


def stdio_server(settings: dict[str, str], *command: str) -> dict[str, Any]:
    """Return how a client starts a server of its own with a Python program."""
    return {"kind": "stdio", "command": sys.executable, "args": command, "env": settings}


@contextmanager
def _server(transport: str, settings: dict[str, str], log: Path) -> Iterator[dict[str, Any]]:
    if transport == "stdio":
        yield stdio_server(settings, str(HERE / "serve_logged.py"), str(log))
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = (*SERVER, "--transport", transport, "--host", "127.0.0.1", "--port", str(port))
    with log.open("w") as stderr:
        process = subprocess.Popen(command, env=inherited_environment() | settings, stderr=stderr)
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/healthz")
        yield {"kind": transport, "url": f"http://127.0.0.1:{port}{PATHS[transport]}"}
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _wait_until_healthy(url: str) -> None:
    # Refused connections are tried again after 0.5 s, doubled each time.
    with httpx2.Client(transport=httpx2.HTTPTransport(retries=6), trust_env=False, timeout=START_SECONDS) as client:
        client.get(url).raise_for_status()
