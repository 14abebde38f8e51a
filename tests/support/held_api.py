"""The API's end of the wire: a real HTTP server on loopback that keeps what it is sent and answers as it is told."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Answer = tuple[int, dict[str, Any], dict[str, str]]

SAVED: Answer = (200, {"success": True, "data": {"id": 1, "kind": "fact", "key": None}}, {})


class Upstream:
    """Answers every request with `answer`, once `hold` is let go."""

    def __init__(self) -> None:
        self.answer = SAVED
        self.headers: list[Headers] = []
        self.bodies: list[dict[str, Any]] = []
        self._arrived = threading.Semaphore(0)
        self._held = threading.Semaphore(0)
        self._open = asyncio.Event()
        self._open.set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/api"

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

    async def _take(self, request: Request) -> Response:
        self._loop = asyncio.get_running_loop()
        body = await request.body()
        self.headers.append(request.headers)
        self.bodies.append(json.loads(body or b"{}"))
        status, content, headers = self.answer
        self._arrived.release()
        if not self._open.is_set():
            self._held.release()
        await self._open.wait()
        return JSONResponse(content, status, headers)

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve in a thread."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
            app = Starlette(routes=[Route("/api/{path:path}", self._take, methods=["GET", "POST"])])
            config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()
            try:
                yield self
            finally:
                self.release()
                server.should_exit = True
                thread.join(20)
