"""Who watches the sandbox live: each gets the whole state when it changes, so nothing can be missed or pile up."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from wemasy_mcp.sandbox.view import View

MAX_WATCHERS = 16
SECONDS_BETWEEN_LOOKS = 0.5
"""How often the state is looked at without word of a change: another process may write to the same file."""

LOOKS_BETWEEN_SIGNS_OF_LIFE = 30


class Watcher:
    """One who waits for a change."""

    def __init__(self) -> None:
        self._changed = anyio.Event()

    def wake(self) -> None:
        """Say that something may have changed."""
        self._changed.set()

    async def wait(self) -> None:
        """Return after a change, or when it is time to look."""
        with anyio.move_on_after(SECONDS_BETWEEN_LOOKS):
            await self._changed.wait()
        self._changed = anyio.Event()


class Watchers:
    """All who watch, at most `MOST_WATCHERS`."""

    def __init__(self) -> None:
        self._watching: set[Watcher] = set()
        self.ended = False

    @property
    def full(self) -> bool:
        """Whether there is no room for another one."""
        return len(self._watching) >= MAX_WATCHERS

    def wake(self) -> None:
        """Wake all."""
        for watcher in self._watching:
            watcher.wake()

    def end(self) -> None:
        """End every stream, because the server stops."""
        self.ended = True
        self.wake()

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        """Count one more for the time of the block."""
        watcher = Watcher()
        self._watching.add(watcher)
        try:
            yield watcher
        finally:
            self._watching.remove(watcher)


class EventStream(StreamingResponse):
    """Server-sent events (HTML Living Standard, section 9.2): a message with the state, now and at each change."""

    def __init__(self, watchers: Watchers, view: View) -> None:
        super().__init__((), media_type="text/event-stream")
        self._watchers = watchers
        self._view = view

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the one who watches goes away or the server stops."""
        with self._watchers.watching() as watcher:
            self.body_iterator = self._messages(watcher)
            await super().__call__(scope, receive, send)

    async def _messages(self, watcher: Watcher) -> AsyncIterator[str]:
        sent = None
        looks = 0
        while not self._watchers.ended:
            state = self._view.state()
            if state != sent or looks >= LOOKS_BETWEEN_SIGNS_OF_LIFE:
                yield f"data: {json.dumps({**state, 'now': self._view.now()})}\n\n"
                sent, looks = state, 0
            await watcher.wait()
            looks += 1
