"""uvicorn with time limits at both ends: for a client to send a request, and for the server to stop."""

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
"""Seconds that an idle connection is kept: longer than load balancers keep theirs (usually 60 s), so that they close
first and never send a request into a closing connection."""

MAX_CONNECTIONS = 4000
"""Maximum connections served at the same time, if the operating system allows that many open files; others get 503."""

OTHER_FILES = 224
"""Open files other than client connections: connections to the API, and those that any process has."""

TICK_SECONDS = 0.01
"""Seconds between checks of the connections while the server stops."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The server's time limits, in seconds."""

    request: float = 15.0
    """For a request to arrive, from its first byte (or the connection) to its last."""
    latecomers: float = 0.5
    """For the next request on each connection, once the server is asked to stop."""
    calls: float = 5.0
    """For the calls in progress to finish once the server is asked to stop: docker stop kills after 10."""
    answers: float = 1.5
    """For the answers of calls stopped after that to be written. Anything left is then cut off."""


async def serve_app(
    app: ASGIApp,
    listener: socket.socket,
    stopping: anyio.Event,
    stop_calls: Callable[[], None],
    patience: Patience | None = None,
    protocol: type[RequestTimeoutProtocol] = RequestTimeoutProtocol,
) -> None:
    """Serve `app` until a stop signal or `stopping`; then finish the calls in progress.

    Args:
        app: The application to serve.
        listener: A listening socket.
        stopping: Set when the server is to stop; a signal sets it too.
        stop_calls: Makes the calls in progress answer immediately.
        patience: The time limits.
        protocol: The HTTP protocol class for each connection.
    """
    patience = patience or Patience()
    server = _Server(app, stopping, patience, protocol)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop, server, stopping, stop_calls, patience)
        await server.serve([listener])
        logger.info("stopped")
        tasks.cancel_scope.cancel()


def allowed_files() -> int:
    """Return how many files, and so connections, the process may have open.

    On POSIX the soft limit is raised first, as far as the hard one allows: macOS starts programs with 256.
    """
    wanted = MAX_CONNECTIONS + OTHER_FILES
    if sys.platform == "win32":
        return wanted
    else:  # noqa: RET505 - mypy skips it for Windows only this way
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

        soft, hard = (wanted if limit == RLIM_INFINITY else limit for limit in getrlimit(RLIMIT_NOFILE))
        raised = min(wanted, hard)
        if soft >= raised:
            return soft
        try:
            setrlimit(RLIMIT_NOFILE, (raised, getrlimit(RLIMIT_NOFILE)[1]))
        except (OSError, ValueError):  # the kernel may allow less than the limit says
            return soft
        return raised


async def _stop(server: "_Server", stopping: anyio.Event, stop_calls: Callable[[], None], patience: Patience) -> None:
    await stopping.wait()
    logger.info("stopping: no new connections are accepted, and calls under way are finished")
    server.should_exit = True
    await anyio.sleep(patience.calls)
    stop_calls()
    server.drop(lambda connection: connection.is_arriving())
    # Just before uvicorn cancels the remaining ones and logs each as an error.
    await anyio.sleep(patience.answers * 0.9)
    server.drop(lambda connection: True)


class _Server(uvicorn.Server):
    """uvicorn with its own signal handling: sse-starlette cuts off every stream when it sees uvicorn's."""

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
            # uvicorn refuses from this number on, including the connection that asks.
            limit_concurrency=1 + max(1, min(MAX_CONNECTIONS, allowed_files() - OTHER_FILES)),
            timeout_keep_alive=KEEPALIVE_SECONDS,
        )
        config.request_seconds = patience.request
        super().__init__(config)
        self._stopping = stopping
        self._patience = patience

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain before closing: closing a socket with unread data resets it.

        The client could not know whether its write happened.
        """
        deadline = anyio.current_time() + self._patience.calls + self._patience.answers
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await self._accept_the_last(sockets or ())
        for _ in range(math.ceil(self._patience.latecomers / TICK_SECONDS)):
            if all(connection.has_request() for connection in self._connections()):
                break
            await asyncio.sleep(TICK_SECONDS)
        # uvicorn counts from here on; only its type annotation asks for whole seconds.
        self.config.timeout_graceful_shutdown = max(0, deadline - anyio.current_time())  # type: ignore[assignment]
        await super().shutdown(sockets)

    async def _accept_the_last(self, listeners: Sequence[socket.socket]) -> None:
        """Close each listener once its accept queue is empty; a queued connection would be reset."""
        for listener in listeners:
            handshakes.begin_no_more(listener)
        await asyncio.sleep(handshakes.SECONDS)
        # However busy it has been, the event loop checks the listeners once more before this ends.
        await asyncio.sleep(TICK_SECONDS)
        for server in self.servers:
            server.close()

    def drop(self, is_dropped: Callable[[RequestTimeoutProtocol], bool]) -> None:
        """Cut off these connections."""
        for connection in filter(is_dropped, self._connections()):
            connection.transport.abort()

    def _connections(self) -> list[RequestTimeoutProtocol]:
        return [each for each in self.server_state.connections if isinstance(each, RequestTimeoutProtocol)]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order on a signal, and exit with status 0."""
        with stop_on_signals(self._stopping.set):
            yield
