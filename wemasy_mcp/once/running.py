"""A request while it is made, and what the calls that it answers are told about it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wemasy_mcp.core.client import Attempt
from wemasy_mcp.core.errors import Unreachable
from wemasy_mcp.observability.metrics import instruments
from wemasy_mcp.once.repeats import Request

NOT_SENT = "The call was given up before it was sent."

JOINED = "The same call was already under way: it was not sent again, and this is its answer."
GIVEN = (
    "The same call was made before, and its answer of {seconds} seconds ago could not be delivered: "
    "this is that answer, and nothing was sent again."
)


@dataclass(slots=True, eq=False)
class Running(Request):
    """A request and the task that makes it."""

    attempt: Attempt = field(kw_only=True)
    """The attempt of the call that began it; once the request has ended, only what is known about it."""
    shared: Any = None
    """The object that represents the call in every replica."""
    started_at: float = field(default_factory=time.monotonic)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    task: asyncio.Task[None] = field(init=False)
    is_asking: bool = False
    """True while the other replicas are asked about it."""
    is_elsewhere: bool = False
    """True if another replica makes it."""
    is_promised: bool = False
    """True if a call was told that its answer will come."""
    dropped: Unreachable | None = None
    """The answer if nothing was sent, and nothing will be."""
    reports: list[tuple[Callable[[Attempt, str, str], None], str]] = field(default_factory=list)
    """For each call that ended without the answer: the function that logs the outcome, and the code to log it under."""

    @property
    def is_droppable(self) -> bool:
        """True if nothing was sent, and no call was told that its answer will come."""
        return self.answer is None and not self.attempt.sent and not self.is_promised


def note_joined(attempt: Attempt) -> None:
    """Tell the call that it gets the answer to a request that was in progress."""
    instruments().repeats.add(1, {"wemasy.repeat": "joined"})
    attempt.notes.append(JOINED)


def note_given(attempt: Attempt, seconds: int) -> None:
    """Tell the call that it gets an answer of some seconds ago, which could not be delivered."""
    instruments().repeats.add(1, {"wemasy.repeat": "given_again"})
    attempt.notes.append(GIVEN.format(seconds=seconds))
