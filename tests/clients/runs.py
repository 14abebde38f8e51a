"""Runs a client's script once for one transport: all its calls, in as many sessions as they need settings."""

import json
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .cases import Case
from .catalogue import HERE
from .environments import Program, inherited_environment
from .plan import calls_of, plan, prefix
from .serving import kill, serve
from .sessions import KILLED, SESSIONS
from .upstream import Upstream

RUN_SECONDS = 420


@dataclass(frozen=True)
class Outcome:
    """What a run left: the lines by session and call, what the API received by session, and the servers' logs."""

    lines: dict[tuple[str, str], dict[str, Any]]
    bodies: dict[str, list[dict[str, Any]]]
    logs: dict[str, str]


def run(case: Case, program: Program, upstream: Upstream, directory: Path) -> Outcome:
    """Run the client's script with all its calls.

    Raises:
        AssertionError: The script failed as a whole, so that there is nothing to judge.
    """
    with ExitStack() as servers:
        plans = []
        for session in SESSIONS:
            if not (calls := list(calls_of(case, session, upstream))):
                continue
            settings = session.settings | {"WEMASY_BASE_URL": upstream.base_url(prefix(case, session))}
            log = directory / f"{session.name}.log"
            server = servers.enter_context(serve(case.transport, settings, log))
            if session is KILLED:
                upstream.kill_with(prefix(case, session), partial(kill, log))
            plans.append(plan(session, server, calls))
        lines = run_script(program, {"mode": case.mode.name, "sessions": plans}, directory)
    return Outcome(
        {(line["session"], line["call"]): line for line in lines},
        {session.name: upstream.bodies[prefix(case, session)] for session in SESSIONS},
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
