"""What a client's script is told to do: the job that it reads, session by session."""

from collections.abc import Iterator
from typing import Any

from .cases import Case, scenarios_of
from .published import SAVE, memory
from .sessions import JOINING, KILLED, LIMIT_SECONDS, MAIN, PATIENT, SENDING, Session
from .upstream import FATAL, HELD, SLOW, Upstream

CANCELLED = "cancelled"
REPEATED = "repeated after a cancellation"
GIVEN_UP = "given up"
REPEATED_LATER = "repeated after giving up"
REPEATED_ALONE = "repeated by the client itself"
SERVER_KILLED = "killed server"

HELD_MEMORY = memory(HELD)
FATAL_MEMORY = memory(FATAL)
# The client has given up by then, and is making the call for the second time.
SLOW_MEMORY = memory(f"{SLOW} {LIMIT_SECONDS + 3}")

PATIENCE_SECONDS = 15.0
"""How long a call may take that the client itself must end; it is then said to wait."""


def prefix(case: Case, session: Session) -> str:
    """Return the path under which the session's requests arrive."""
    return f"{case}.{session.name}"


def plan(session: Session, server: dict[str, Any], calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one session of the job."""
    return {
        "name": session.name,
        "server": server | {"limit_seconds": session.limit_seconds},
        "gives_up": session.limit_seconds == LIMIT_SECONDS,
        "lane": session.lane,
        "may_break": session.may_break,
        "calls": calls,
    }


def calls_of(case: Case, session: Session, upstream: Upstream) -> Iterator[dict[str, Any]]:
    """Yield the calls of one session."""
    run = prefix(case, session)
    release = upstream.release_url(run)
    if session is MAIN and case.mode.can_cancel:
        yield _save(CANCELLED, HELD_MEMORY, cancel={"arrived": upstream.arrived_url(run), "release": release})
        yield _save(REPEATED, HELD_MEMORY)
    if session is PATIENT and case.client.limit and case.mode.repeats is None:
        yield _save(GIVEN_UP, HELD_MEMORY, patience_seconds=PATIENCE_SECONDS, after=release)
        yield _save(REPEATED_LATER, HELD_MEMORY, patience_seconds=PATIENCE_SECONDS)
    if session in (JOINING, SENDING) and case.mode.repeats is not None and case.transport in session.transports:
        yield _save(REPEATED_ALONE, SLOW_MEMORY)
    if session is KILLED:
        yield _save(SERVER_KILLED, FATAL_MEMORY, patience_seconds=PATIENCE_SECONDS)
    for scenario in scenarios_of(case):
        if scenario.session is session:
            call = {"name": scenario.name, "tool": scenario.tool, "arguments": scenario.arguments}
            yield call | {"until_known": scenario.until_known}


def _save(name: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "tool": SAVE, "arguments": arguments} | more
