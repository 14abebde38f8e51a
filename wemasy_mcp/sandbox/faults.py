"""Failures on order: the next calls get answers that a client must be able to handle."""

from collections import deque
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_PENDING = 100
MAX_RETRY_AFTER = 24 * 60 * 60
MAX_SILENCE_SECONDS = 300
"""Seconds that an unanswered call is held open: longer than any client waits."""

FaultName = Literal["401", "403", "422", "429", "500", "timeout", "lost_answer"]
"""A status; `timeout`: nothing is done and no answer comes; `lost_answer`: it is done, then the connection closes."""


class FaultOrder(BaseModel):
    """The body of `POST /_sandbox/faults`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    fault: FaultName
    count: Annotated[int, Field(ge=1, le=MAX_PENDING)] = 1
    """The number of calls that get it."""
    retry_after: Annotated[int, Field(ge=0, le=MAX_RETRY_AFTER)] = 60
    """Seconds in `Retry-After`, for 429 only."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The failure of one call."""

    name: FaultName
    retry_after: int | None
    """Set for 429 only."""


class TooManyFaultsError(Exception):
    """More than `MAX_PENDING` would be pending."""


class Faults:
    """The pending faults, first in, first out."""

    def __init__(self) -> None:
        self._pending: deque[Fault] = deque()

    def order(self, order: FaultOrder) -> None:
        """Add the ordered faults after the pending ones.

        Raises:
            TooManyFaultsError: None was added.
        """
        if len(self._pending) + order.count > MAX_PENDING:
            raise TooManyFaultsError
        fault = Fault(order.fault, order.retry_after if order.fault == "429" else None)
        self._pending.extend([fault] * order.count)

    def take(self) -> Fault | None:
        """Return the next fault, which is then no longer pending."""
        return self._pending.popleft() if self._pending else None

    def clear(self) -> None:
        """Drop all pending faults."""
        self._pending.clear()

    def pending(self) -> list[tuple[Fault, int]]:
        """Return the pending faults in order, with equal neighbours counted together."""
        return [(fault, len(list(group))) for fault, group in groupby(self._pending)]
