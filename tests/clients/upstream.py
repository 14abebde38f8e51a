"""The Wemasy API as these tests need it, on loopback: a memory's key, or a connection's name, chooses the answer.

Typed in from docs/api.md, not made from the package's models. Every run of a client has its own path prefix, so
that one process serves them all.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from api_document import RATE_LIMIT_HEADERS, SAMPLE_ERRORS, SAVE_MEMORY
from support.answers import answer
from support.fake_api import Connection, FakeApi, Request

WAIT_SECONDS = 10.0
"""How long `/arrived` waits before it says that it did not come to that."""

SILENT = "silent"
"""The key whose request is never answered."""

LOST = "lost"
"""The key whose request is taken, and the connection closed without an answer."""

HELD = "held"
"""The key whose first request is answered once `/release` is asked for."""

FATAL = "fatal"
"""The key at whose first request the server under test is killed. Every other one is answered."""

SLOW = "slow"
"""The beginning of a key whose request is answered after the seconds that follow it, as `slow 1.5`."""

DELIVERY_SECONDS = 0.2
"""How long `/release` waits after the answer, so that the server has it before the client goes on."""

_ANSWERS: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
    "refused": (
        422,
        {
            "message": "The key field is invalid. (and 1 more error)",
            "errors": {"key": ["The key field is invalid."], "metadata.source": ["The source must be a string."]},
        },
        {},
    ),
    "limited": (
        429,
        {"error": True, "message": "Too Many Attempts."},
        {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "Retry-After": "42"},
    ),
    "unknown-token": (401, *SAMPLE_ERRORS[401]),
    "forbidden": (403, *SAMPLE_ERRORS[403]),
    "declined": (200, {"success": False, "message": "Your plan holds no more memories."}, RATE_LIMIT_HEADERS),
}


class Upstream(FakeApi):
    """The API, and what arrived at it, by run."""

    def __init__(self) -> None:
        super().__init__(self._respond)
        self.bodies: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._held: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._released: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._killers: dict[str, Callable[[], None]] = {}

    def base_url(self, run: str) -> str:
        """Return the API's base URL for one run."""
        return self._url(run, "api")

    def arrived_url(self, run: str) -> str:
        """Return the URL that answers once the run's held request has arrived."""
        return self._url(run, "arrived")

    def release_url(self, run: str) -> str:
        """Return the URL that has the run's held request answered."""
        return self._url(run, "release")

    def kill_with(self, run: str, kill: Callable[[], None]) -> None:
        """Have the run's server killed so, when the fatal request arrives."""
        self._killers[run] = kill

    def _url(self, run: str, what: str) -> str:
        return f"http://127.0.0.1:{self.port}/{run}/{what}"

    async def _respond(self, request: Request, connection: Connection) -> None:
        _, run, what, *operation = request.path.split("/")
        if what == "api":
            await self._write(run, "/".join(operation), request, connection)
        elif what == "arrived":
            await connection.send(await self._tell_arrived(run))
        else:
            self._released[run].set()
            await asyncio.sleep(DELIVERY_SECONDS)
            await connection.send(_say("released"))

    async def _tell_arrived(self, run: str) -> bytes:
        try:
            await asyncio.wait_for(self._held[run].wait(), WAIT_SECONDS)
        except TimeoutError:
            return _say("not arrived")
        return _say("arrived")

    async def _write(self, run: str, operation: str, request: Request, connection: Connection) -> None:
        self.bodies[run].append(request.fields)
        kill = self._killers.pop(run, None) if request.key == FATAL else None
        if kill:
            kill()
        if kill or request.key == SILENT:
            await connection.wait_closed()
        elif request.key == LOST:
            await connection.aclose()
        else:
            await self._wait(run, request.key)
            await connection.send(_answer(operation, request))

    async def _wait(self, run: str, key: str) -> None:
        if key.startswith(SLOW):
            await asyncio.sleep(float(key.removeprefix(SLOW)))
        if key == HELD:
            self._held[run].set()
            await self._released[run].wait()


def _answer(operation: str, request: Request) -> bytes:
    if request.key == "broken":
        return answer(500, b"<html><body>Whoops, SQLSTATE[42S02]</body></html>", content_type="text/html")
    success = 200, _success(operation, request.fields), RATE_LIMIT_HEADERS
    status, content, headers = _ANSWERS.get(request.key, success)
    return answer(status, content, *(f"{name}: {value}" for name, value in headers.items()))


def _success(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    if SAVE_MEMORY.path.endswith(operation):
        return {"success": True, "data": {"id": 7, "kind": body["kind"], "key": body.get("key")}}
    data = {"id": body["connection_id"], "name": body["name"], "model_name": body.get("model_name")}
    return {"success": True, "message": "Connection updated.", "data": data}


def _say(text: str) -> bytes:
    return answer(200, text.encode(), content_type="text/plain")
