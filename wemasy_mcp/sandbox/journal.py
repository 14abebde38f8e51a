"""The last requests and what became of them. Remembers no token, no header and no body."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from wemasy_mcp.sandbox.tokens import READY_MADE

REMEMBERED = 50
"""How many requests are kept; the oldest goes first."""

_MAX_TEXT = 200


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
    """Keeps the last requests, and says so to whoever watches."""

    def __init__(self, clock: Callable[[], float], changed: Callable[[], None]) -> None:
        self._clock = clock
        self._changed = changed
        self._entries: deque[Entry] = deque(maxlen=REMEMBERED)
        self._number = 0

    def note(self, method: str, path: str, token: str, status: int | None, why: str) -> None:
        """Keep a request. Of the token, only a ready-made one is kept."""
        self._number += 1
        shown = token if token in READY_MADE else ("another token" if token else "no token")
        entry = Entry(self._number, self._clock(), _cut(method), _cut(path), shown, status, _cut(why))
        self._entries.append(entry)
        self._changed()

    def newest_first(self) -> list[Entry]:
        """Return what is kept."""
        return list(reversed(self._entries))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
