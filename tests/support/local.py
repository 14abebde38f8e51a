"""An application served in the test's own event loop, where time limits can be made short."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from starlette.types import ASGIApp

from wemasy_mcp.transports.http.uvicorn_server import Patience, serve_app


@asynccontextmanager
async def served(
    app: ASGIApp, stopping: anyio.Event, patience: Patience, stop_calls: Callable[[], None] = lambda: None
) -> AsyncIterator[int]:
    """Yield the port of `app`; stop it in order at the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve_app, app, listener, stopping, stop_calls, patience)
            try:
                yield listener.getsockname()[1]
            finally:
                stopping.set()
