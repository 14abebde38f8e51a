"""uvicorn, bounded in time at both ends: how long a client may take to send a request, and how long stopping takes."""

import asyncio
import logging
import math
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
import uvicorn
from starlette.types import ASGIApp

from wemasy_mcp.transports.http import handshakes
from wemasy_mcp.transports.http.request_timeout import Config, RequestTimeoutProtocol
from wemasy_mcp.transports.signals import stop_on_signals

logger = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 75
"""How long an idle connection is kept: longer than load balancers keep theirs (60 s is usual), so that they close
first and never send a request into a closing connection."""

MAX_CONNECTIONS = 4000
"""How many are served at the same time, if the operating system allows as many open files; more are answered 503."""

OTHER_FILES = 224
"""Files that are no client's connection: those to the API, and what a process has open anyway."""

TICK_SECONDS = 0.01
"""How often the connections are looked at while the server stops."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the server waits, in seconds."""

    request: float = 15.0
    """For a request to arrive, from its first byte (or the connection) to its last."""
    latecomers: float = 0.5
    """For the next request on each connection, once the server is asked to stop."""
    calls: float = 5.0
    """For the calls under way to finish once the server is asked to stop: docker stop kills after 10."""
    answers: float = 1.5
    """For the answers of calls that were then stopped to be written. What is left then is cut off."""


async def serve_app(
    app: ASGIApp,
    listener: socket.socket,
    stopping: anyio.Event,
    stop_calls: Callable[[], None],
    patience: Patience | None = None,
    protocol: type[RequestTimeoutProtocol] = RequestTimeoutProtocol,
) -> None:
    """Serve `app` until a stop signal or `stopping`; then finish the calls under way.

    Args:
        app: What answers.
        listener: A socket that listens.
        stopping: Set when the server is to stop; a signal sets it too.
        stop_calls: Makes the calls under way answer immediately.
        patience: How long to wait for what.
        protocol: Speaks HTTP on each connection.
    """
    patience = patience or Patience()
    server = _Server(app, stopping, patience, protocol)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop, server, stopping, stop_calls, patience)
        await server.serve([listener])
        logger.info("stopped")
        tasks.cancel_scope.cancel()


def _open_files() -> int:
    """How many files, and so connections, the process may have open: on POSIX its soft limit."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS + OTHER_FILES
    else:  # noqa: RET505 - only so does mypy skip it for Windows
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit

        soft, _ = getrlimit(RLIMIT_NOFILE)
        return MAX_CONNECTIONS + OTHER_FILES if soft == RLIM_INFINITY else soft


async def _stop(server: "_Server", stopping: anyio.Event, stop_calls: Callable[[], None], patience: Patience) -> None:
    await stopping.wait()
    logger.info("stopping: no new connections are accepted, and calls under way are finished")
    server.should_exit = True
    await anyio.sleep(patience.calls)
    stop_calls()
    server.drop(lambda connection: connection.is_arriving())
    # A moment before uvicorn cancels what is left, and logs each as an error.
    await anyio.sleep(patience.answers * 0.9)
    server.drop(lambda connection: True)


class _Server(uvicorn.Server):
    """uvicorn with own signal handling: sse-starlette cuts every stream off when it sees uvicorn's."""

    def __init__(
        self, app: ASGIApp, stopping: anyio.Event, patience: Patience, protocol: type[RequestTimeoutProtocol]
    ) -> None:
        config = Config(
            app,
            http=protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            # uvicorn refuses from this number on, the connection that asks included.
            limit_concurrency=1 + max(1, min(MAX_CONNECTIONS, _open_files() - OTHER_FILES)),
            timeout_keep_alive=KEEPALIVE_SECONDS,
        )
        config.request_seconds = patience.request
        super().__init__(config)
        self._stopping = stopping
        self._patience = patience

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain before closing: closing a socket with unread data resets it.

        Its client could not tell whether its write happened.
        """
        deadline = anyio.current_time() + self._patience.calls + self._patience.answers
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await self._accept_the_last(sockets or ())
        for _ in range(math.ceil(self._patience.latecomers / TICK_SECONDS)):
            if all(connection.has_request() for connection in self._connections()):
                break
            await asyncio.sleep(TICK_SECONDS)
        # uvicorn counts from here on; whole seconds are its type's wish only.
        self.config.timeout_graceful_shutdown = max(0, deadline - anyio.current_time())  # type: ignore[assignment]
        await super().shutdown(sockets)

    async def _accept_the_last(self, listeners: Sequence[socket.socket]) -> None:
        """Close each listener once its accept queue is empty; a queued connection would be reset."""
        for listener in listeners:
            handshakes.begin_no_more(listener)
        await asyncio.sleep(handshakes.SECONDS)
        # However busy it was until now, the event loop looks at the listeners once more before this is over.
        await asyncio.sleep(TICK_SECONDS)
        for server in self.servers:
            server.close()

    def drop(self, is_dropped: Callable[[RequestTimeoutProtocol], bool]) -> None:
        """Cut these connections off."""
        for connection in filter(is_dropped, self._connections()):
            connection.transport.abort()

    def _connections(self) -> list[RequestTimeoutProtocol]:
        return [each for each in self.server_state.connections if isinstance(each, RequestTimeoutProtocol)]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order on a signal, and exit with status 0."""
        with stop_on_signals(self._stopping.set):
            yield
