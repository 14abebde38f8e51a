"""What a played fault is: what goes over the wire, and what a caller must be told about it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

from support.answers import success
from support.script import Ending, Script

TRICKLE_SECONDS = 0.05

DONE = success("stored")
DONE_JSON = json.dumps(DONE).encode()


@dataclass(frozen=True, slots=True)
class Fault:
    """One played answer, and what is to be told. `code` None is a success."""

    name: str
    script: Script
    code: str | None
    expected: Mapping[str, Any] = field(default_factory=dict)
    """Further members of `error`, or of the whole result of a success. None: the member is absent."""
    rate_limit: Mapping[str, int] | None = None


def told(
    name: str,
    code: str | None,
    *pieces: bytes,
    applied: bool,
    ending: Ending = "close",
    rate_limit: Mapping[str, int] | None = None,
    **expected: Any,
) -> Fault:
    """Return a fault whose answer is sent in these pieces and then ends."""
    return Fault(name, Script(lambda: pieces, applied=applied, ending=ending), code, expected, rate_limit)


def endless(name: str, code: str, start: bytes, piece: bytes, *, applied: bool = True, **expected: Any) -> Fault:
    """Return a fault whose answer has a start and no end."""
    return Fault(name, Script(lambda: chain([start], repeat(piece)), applied=applied), code, expected)


def trickled(name: str, code: str, start: bytes, piece: bytes, *, applied: bool = True, **expected: Any) -> Fault:
    """Return a fault whose answer has no end and comes in small pieces, so that no single read is slow."""
    script = Script(lambda: chain([start], repeat(piece)), applied=applied, pause=TRICKLE_SECONDS)
    return Fault(name, script, code, expected)
