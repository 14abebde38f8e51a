"""uvicorn, bounded in time at both ends: how long a client may take to send a request, and how long stopping takes."""

import asyncio
import math
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

import anyio
import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import HANDLED_SIGNALS

KEEPALIVE_SECONDS = 75
"""How long an idle connection is kept: longer than load balancers keep theirs (60 s is usual), so that they close
first and never send a request into a closing connection."""

MAX_CONNECTIONS = 800
"""How many are served at once; more are answered 503. A process may usually have 1,024 files open, calls included."""

TICK_SECONDS = 0.01
"""How often the connections are looked at while the server stops."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the server waits, in seconds."""

    request: float = 15.0
    """For a request to arrive, from its first byte (or the connection) to its last."""
    latecomers: float = 0.5
    """For the next request on each connection, once the server is told to stop."""
    calls: float = 5.0
    """For the calls under way to finish once the server is told to stop: docker stop kills after 10."""
    answers: float = 2.0
    """For the answers of calls that were then stopped to be written."""


async def serve_app(
    app: ASGIApp,
    listener: socket.socket,
    stopping: anyio.Event,
    stop_calls: Callable[[], None],
    patience: Patience | None = None,
) -> None:
    """Serve `app` until SIGTERM, SIGINT or `stopping`; then finish the calls under way.

    Args:
        app: What answers.
        listener: A socket that listens.
        stopping: Set when the server is to stop; a signal sets it too.
        stop_calls: Makes the calls under way answer at once.
        patience: How long to wait for what.
    """
    patience = patience or Patience()
    server = _Server(app, stopping, patience)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop, server, stopping, stop_calls, patience)
        await server.serve([listener])
        tasks.cancel_scope.cancel()


async def _stop(
    server: uvicorn.Server, stopping: anyio.Event, stop_calls: Callable[[], None], patience: Patience
) -> None:
    await stopping.wait()
    server.should_exit = True
    await anyio.sleep(patience.calls)
    stop_calls()


class _Config(uvicorn.Config):
    """uvicorn's settings, and how long a request may take."""

    request_seconds: float


class _Server(uvicorn.Server):
    """uvicorn with own signal handling: sse-starlette cuts every stream off when it sees uvicorn's."""

    def __init__(self, app: ASGIApp, stopping: anyio.Event, patience: Patience) -> None:
        config = _Config(
            app,
            http=_PunctualProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=KEEPALIVE_SECONDS,
            timeout_graceful_shutdown=math.ceil(patience.calls + patience.answers),
        )
        config.request_seconds = patience.request
        super().__init__(config)
        self._settings = config
        self._stopping = stopping
        self._latecomers = patience.latecomers

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hear the clients out before the connections close.

        A connection that closes while a request lies in it unread is reset, and its client cannot know whether the
        write happened.
        """
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await self._accept_the_last(sockets or ())
        for _ in range(math.ceil(self._latecomers / TICK_SECONDS)):
            if all(connection.has_request() for connection in self._connections()):
                break
            await asyncio.sleep(TICK_SECONDS)
        await super().shutdown(sockets)

    async def _accept_the_last(self, listeners: Sequence[socket.socket]) -> None:
        """Close the listeners once nobody waits there: who does is reset."""
        loop = asyncio.get_running_loop()
        for listener in listeners:
            # Windows' event loop has no readers.
            with suppress(NotImplementedError):
                loop.remove_reader(listener)
        # asyncio can no longer make a connection of what it has accepted once its server is closed.
        await asyncio.sleep(TICK_SECONDS)
        copies = [listener.dup() for listener in listeners]
        for server in self.servers:
            server.close()
        for connection in [each for copy in copies for each in _accept_all_and_close(copy)]:
            await loop.connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> "_PunctualProtocol":
        return _PunctualProtocol(self._settings, self.server_state, self.lifespan.state)

    def _connections(self) -> "list[_PunctualProtocol]":
        return [each for each in self.server_state.connections if isinstance(each, _PunctualProtocol)]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order on a signal, and exit with status 0."""
        loop = asyncio.get_running_loop()

        def stop(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._stopping.set)

        previous = {number: signal.signal(number, stop) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def _accept_all_and_close(listener: socket.socket) -> list[socket.socket]:
    """The last look and the close are as near to each other as can be: who comes in between is reset."""
    accepted: list[socket.socket] = []
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            listener.close()
            return accepted
        connection.setblocking(False)
        accepted.append(connection)


class _PunctualProtocol(H11Protocol):
    """HTTP/1.1 that drops a connection whose request does not arrive in time: uvicorn itself waits for ever."""

    config: _Config
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        super().connection_made(transport)
        self._expect(arriving=True)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._expect(arriving=self._is_arriving())

    def on_response_complete(self) -> None:
        """Go on with what the client sent in the meantime."""
        super().on_response_complete()
        self._expect(arriving=self._is_arriving())

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        super().connection_lost(exc)
        self._expect(arriving=False)

    def has_request(self) -> bool:
        """Whether a request has come whose answer is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    def _is_arriving(self) -> bool:
        """Whether a part of a request has come, and not all of it."""
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def _expect(self, *, arriving: bool) -> None:
        if not arriving and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        elif arriving and self._deadline is None:
            self._deadline = self.loop.call_later(self.config.request_seconds, self.transport.abort)
