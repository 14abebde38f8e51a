"""The Wemasy API as these tests need it, on loopback: a memory's key, or a connection's name, chooses the answer.

Typed in from docs/api.md, not made from the package's models. Every run of a client has its own path prefix, so
that one process serves them all.
"""

import asyncio
import json
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

WAIT_SECONDS = 10.0
"""How long `/arrived` waits before it says that it did not come to that."""

SILENT = "silent"
"""The key whose request is never answered."""

HELD = "held"
"""The key whose first request is answered once `/release` is asked for."""

SLOW = "slow"
"""The beginning of a key whose request is answered after the seconds that follow it, as `slow 1.5`."""

DELIVERY_SECONDS = 0.2
"""How long `/release` waits after the answer, so that the server has it before the client goes on."""

LIMITS = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "57"}

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
    "unknown-token": (401, {"error": True, "message": "Unauthenticated."}, LIMITS),
}


@dataclass
class Upstream:
    """What arrived, by run."""

    url: str
    bodies: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def base_url(self, run: str) -> str:
        """Return the API's base URL for one run."""
        return f"{self.url}/{run}/api"

    def arrived_url(self, run: str) -> str:
        """Return the URL that answers once the run's held request has arrived."""
        return f"{self.url}/{run}/arrived"

    def release_url(self, run: str) -> str:
        """Return the URL that has the run's held request answered."""
        return f"{self.url}/{run}/release"


@contextmanager
def serve_upstream() -> Iterator[Upstream]:
    """Serve the API on a free port of loopback, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream = Upstream(f"http://127.0.0.1:{listener.getsockname()[1]}")
        config = uvicorn.Config(_build(upstream), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield upstream
        finally:
            server.should_exit = True
            thread.join(WAIT_SECONDS)


def _build(upstream: Upstream) -> Starlette:
    arrived: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
    released: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def write(request: Request) -> Response:
        run = request.path_params["run"]
        body = json.loads(await request.body())
        upstream.bodies[run].append(body)
        choice = body.get("key", body.get("name"))
        if choice == SILENT:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return Response()
        if str(choice).startswith(SLOW):
            await asyncio.sleep(float(str(choice).removeprefix(SLOW)))
        if choice == HELD:
            arrived[run].set()
            await released[run].wait()
        if choice == "broken":
            return Response("<html><body>Whoops, SQLSTATE[42S02]</body></html>", 500, media_type="text/html")
        status, answer, headers = _ANSWERS.get(choice, (200, _success(request.path_params["operation"], body), LIMITS))
        return JSONResponse(answer, status, headers)

    async def tell_arrived(request: Request) -> Response:
        try:
            await asyncio.wait_for(arrived[request.path_params["run"]].wait(), WAIT_SECONDS)
        except TimeoutError:
            return PlainTextResponse("not arrived")
        return PlainTextResponse("arrived")

    async def release(request: Request) -> Response:
        released[request.path_params["run"]].set()
        await asyncio.sleep(DELIVERY_SECONDS)
        return PlainTextResponse("released")

    return Starlette(
        routes=[
            Route("/{run}/api/services/ai/v1/{operation:path}", write, methods=["POST"]),
            Route("/{run}/arrived", tell_arrived),
            Route("/{run}/release", release),
        ]
    )


def _success(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    if operation == "memory/save":
        return {"success": True, "data": {"id": 7, "kind": body["kind"], "key": body.get("key")}}
    data = {"id": body["connection_id"], "name": body["name"], "model_name": body.get("model_name")}
    return {"success": True, "message": "Connection updated.", "data": data}
