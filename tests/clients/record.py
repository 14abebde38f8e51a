"""What was seen of a client when it was last run, in its directory's `record.json`, from which the page is written."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, NotRequired, TypedDict

from .cases import Case
from .catalogue import Client
from .judge import frame, own_words, shown_results
from .plan import GIVEN_UP, HELD_MEMORY, REPEATED_LATER, SERVER_KILLED
from .runs import Outcome
from .scenarios import LIMITED
from .sessions import JOINING, KILLED, MAIN, PATIENT, SENDING


class Told(TypedDict):
    """What a client says when it has no result, and how many requests the API saw."""

    kind: str
    """`exception`, `answer`, or `nothing` if it waits on."""
    words: str
    requests: int


class GivenUp(Told):
    """The same of a call that the client itself has ended, and of its repeat."""

    repeat: str
    """`given` the answer, so that nothing was sent; `sent`; or `failed`."""


class Seen(TypedDict):
    """What was seen in one case."""

    mode: str
    transport: str
    protocol: str | None
    error: str
    killed: Told
    given_up: NotRequired[GivenUp]
    repeats: NotRequired[dict[str, int]]
    """How many requests the API saw of a call that the client repeats by itself, by the setting for repeats."""


class Record(TypedDict):
    """What was seen of one client."""

    version: str
    date: str
    cases: list[Seen]


def write_record(client: Client, outcomes: Mapping[Case, Outcome], day: date) -> None:
    """Keep what a whole run of a client has seen."""
    record: Record = {
        "version": client.version,
        "date": day.isoformat(),
        "cases": [_seen(case, outcome) for case, outcome in outcomes.items()],
    }
    client.record.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_record(client: Client) -> Record | None:
    """Return what was seen of a client; None before its first run."""
    if not client.record.exists():
        return None
    record: Record = json.loads(client.record.read_text("utf-8"))
    return record


def _seen(case: Case, outcome: Outcome) -> Seen:
    line = outcome.lines[MAIN.name, LIMITED.name]
    killed = outcome.lines[KILLED.name, SERVER_KILLED]
    seen: Seen = {
        "mode": case.mode.name,
        "transport": case.transport,
        "protocol": line["protocol"],
        "error": frame(line),
        "killed": _told(killed, len(outcome.bodies[KILLED.name])),
    }
    if (PATIENT.name, GIVEN_UP) in outcome.lines:
        given_up = _told(outcome.lines[PATIENT.name, GIVEN_UP], outcome.bodies[PATIENT.name].count(HELD_MEMORY))
        seen["given_up"] = {**given_up, "repeat": _ending(outcome.lines[PATIENT.name, REPEATED_LATER])}
    if case.mode.repeats is not None:
        seen["repeats"] = {"join": len(outcome.bodies[JOINING.name]), "send": len(outcome.bodies[SENDING.name])}
    return seen


def _ending(line: dict[str, Any]) -> str:
    shown = [result for result in shown_results(line) if result]
    if not shown:
        return "failed"
    return "given" if "notes" in shown[0] else "sent"


def _told(line: dict[str, Any], requests: int) -> Told:
    kind = "nothing" if line.get("waits") else "exception" if "exception" in line else "answer"
    return {"kind": kind, "words": own_words(line), "requests": requests}
