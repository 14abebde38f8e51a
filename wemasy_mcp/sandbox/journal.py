"""The last requests and their answers. Keeps no tokens, headers or bodies."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from wemasy_mcp.sandbox.tokens import READY_MADE

REMEMBERED = 50
"""Maximum number of requests kept; the oldest is dropped first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and its answer."""

    number: int
    received_at: float
    method: str
    path: str
    token: str
    status: int | None
    """None: the request got no answer."""
    why: str


class Journal:
    """Keeps the last requests."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=REMEMBERED)
        self._number = 0

    def note(self, method: str, path: str, token: str, status: int | None, why: str) -> None:
        """Keep a request. Its token is kept only if it is a ready-made one."""
        self._number += 1
        shown = token if token in READY_MADE else ("another token" if token else "no token")
        self._entries.append(Entry(self._number, self._clock(), method, path, shown, status, why))

    def newest_first(self) -> list[Entry]:
        """Return the kept requests, newest first."""
        return list(reversed(self._entries))
