"""The contents of one sandbox."""

from collections.abc import Callable
from dataclasses import dataclass

from wemasy_mcp.sandbox.budget import Budget
from wemasy_mcp.sandbox.faults import Faults
from wemasy_mcp.sandbox.journal import Journal
from wemasy_mcp.sandbox.store import Store


@dataclass(frozen=True, slots=True)
class Contents:
    """The parts that the routes use and the page shows."""

    store: Store
    budget: Budget
    faults: Faults
    journal: Journal
    clock: Callable[[], float]
    """Counts seconds from an arbitrary start."""
