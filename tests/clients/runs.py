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

from tests.clients.catalogue import HERE, Client
from tests.clients.environments import Program, inherited_environment
from tests.clients.scenarios import (
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
from tests.clients.upstream import SILENT, Upstream

RUN_SECONDS = 180
START_SECONDS = 30

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


def scenarios_of(case: Case) -> Iterator[Scenario]:
    """The calls whose whole result is judged."""
    for scenario in (*SCENARIOS, *((WITHOUT_MODEL,) if case.client.fills_nulls else ())):
        if any(case.transport in session.transports for session in SESSIONS if session.name == scenario.session):
            yield scenario


def run(case: Case, program: Program, upstream: Upstream, directory: Path) -> Outcome:
    """Run the client's script and return what it left.

    Raises:
        AssertionError: The script failed as a whole, so that there is nothing to judge.
    """
    directory.mkdir()
    with ExitStack() as servers:
        plans = []
        for session in SESSIONS:
            if calls := list(_calls(case, session, upstream)):
                settings = session.settings | {"WEMASY_BASE_URL": upstream.base_url(_prefix(case, session))}
                log = directory / f"{session.name}.log"
                server = servers.enter_context(_server(case.transport, settings, log))
                plans.append({"name": session.name, "server": server, "calls": calls})
        done = subprocess.run(
            program.command,
            input=json.dumps({"mode": case.mode, "sessions": plans}),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
            cwd=program.directory,
            env=inherited_environment() | {"HOME": str(directory), "PYTHONPATH": str(HERE)},
        )
    (directory / "stderr").write_text(done.stderr)
    assert done.returncode == 0, f"{case} ended with {done.returncode}:\n{done.stdout}\n{done.stderr[-4000:]}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return Outcome(
        {(line["session"], line["call"]): line for line in lines},
        {plan["name"]: upstream.bodies[f"{case}.{plan['name']}"] for plan in plans},
        {log.stem: log.read_text() for log in directory.glob("*.log")},
    )


def _prefix(case: Case, session: Session) -> str:
    return f"{case}.{session.name}"


def _calls(case: Case, session: Session, upstream: Upstream) -> Iterator[dict[str, Any]]:
    if session is MAIN and case.client.cancels:
        prefix = _prefix(case, session)
        urls = {"arrived": upstream.arrived_url(prefix), "closed": upstream.closed_url(prefix)}
        arguments = {"kind": "fact", "key": SILENT}
        yield {"name": CANCELLED, "tool": SAVE, "arguments": arguments, "cancel": urls}
        yield {"name": AFTER_CANCELLED, "tool": SAVE, "arguments": SAVED.arguments}
    for scenario in scenarios_of(case):
        if scenario.session == session.name:
            yield {"name": scenario.name, "tool": scenario.tool, "arguments": scenario.arguments}


@contextmanager
def _server(transport: str, settings: dict[str, str], log: Path) -> Iterator[dict[str, Any]]:
    """How the client reaches a server: over stdio it starts its own."""
    if transport == "stdio":
        arguments = [str(HERE / "serve_logged.py"), str(log)]
        yield {"kind": transport, "command": sys.executable, "args": arguments, "env": settings}
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = (sys.executable, "-m", "wemasy_mcp", "--transport", transport, "--host", "127.0.0.1", "--port", str(port))
    with log.open("w") as stderr:
        process = subprocess.Popen(command, env=inherited_environment() | settings, stderr=stderr)
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/healthz")
        yield {"kind": transport, "url": f"http://127.0.0.1:{port}{PATHS[transport]}"}
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _wait_until_healthy(url: str) -> None:
    transport = httpx2.HTTPTransport(retries=9)  # 0.5 s doubled each time: enough for a slow start
    with httpx2.Client(transport=transport, trust_env=False, timeout=START_SECONDS) as client:
        client.get(url).raise_for_status()
