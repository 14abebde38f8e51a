"""The API in a thread, answering as it is set, once it is let go: for tests that block."""

import asyncio
import threading
from typing import Any

from support.answers import answer
from support.fake_api import Connection, FakeApi, Request

Answer = tuple[int, dict[str, Any], dict[str, str]]

SAVED: Answer = (200, {"success": True, "data": {"id": 1, "kind": "fact", "key": None}}, {})


class Upstream(FakeApi):
    """Answers every request with `answer`, once `hold` is let go."""

    def __init__(self) -> None:
        super().__init__(self._respond)
        self.answer = SAVED
        self._arrived = threading.Semaphore(0)
        self._held = threading.Semaphore(0)
        self._open = asyncio.Event()
        self._open.set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def headers(self) -> list[dict[str, str]]:
        """The headers of every request."""
        return [request.headers for request in self.requests]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The body of every request."""
        return [request.fields for request in self.requests]

    def hold(self) -> None:
        """Answer nothing until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Answer what was held, and what comes."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._open.set)

    def wait_for_request(self) -> None:
        """Return once one more request has arrived whole."""
        assert self._arrived.acquire(timeout=20), "no request arrived"

    def wait_until_held(self, requests: int) -> None:
        """Return once so many requests wait for `release`."""
        for _ in range(requests):
            assert self._held.acquire(timeout=20), "a request is missing"

    async def _respond(self, request: Request, connection: Connection) -> None:
        self._loop = asyncio.get_running_loop()
        status, content, headers = self.answer
        self._arrived.release()
        if not self._open.is_set():
            self._held.release()
        await self._open.wait()
        await connection.send(answer(status, content, *(f"{name}: {value}" for name, value in headers.items())))
