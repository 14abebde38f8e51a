"""MCP over the process's stdin and stdout, on POSIX without threads.

Own streams under the SDK's public `Server.run`, for what its stdio transport does not do: answer lines that cannot
be parsed, finish the calls under way at the end of input or on a signal, and never block. On Windows the SDK's
transport serves.
"""

import os
import signal
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import anyio
import anyio.lowlevel
from mcp import types
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage

from wemasy_mcp.transports.stdio.framing import LineSplitter, LongLine, Refusal, read_message

GRACE_SECONDS = 3.0
"""How long calls under way may take to finish after the end of input."""

LAST_WORDS_SECONDS = 0.5
"""How long the answers of calls that were then stopped may take to be written."""

_CHUNK = 65_536


async def serve_stdio(server: Server[Any], stop_calls: Callable[[], None]) -> None:
    """Serve one client until stdin ends, or SIGTERM or SIGINT arrives.

    Args:
        server: What answers.
        stop_calls: Makes the calls under way answer at once.
    """
    if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX
        from mcp.server.stdio import stdio_server

        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
        return
    with _wire() as (stdin, stdout):
        outgoing = Outgoing(stdout)
        incoming = Incoming(stdin, outgoing, stop_calls)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_end_on_signal, incoming)
            tasks.start_soon(outgoing.write_backlog)
            await server.run(incoming, outgoing, server.create_initialization_options())
            tasks.cancel_scope.cancel()


class Outgoing:
    """The stream of messages to the client: whole lines, in order, without blocking the event loop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._backlog = bytearray()
        self._has_backlog = anyio.Event()
        self._is_written = anyio.Event()
        self._is_written.set()
        self._unanswered: Counter[types.RequestId] = Counter()
        self._all_answered: anyio.Event | None = None

    def expect_answer(self, request_id: types.RequestId) -> None:
        """Note that a request was read."""
        self._unanswered[request_id] += 1

    def forget_answer(self, request_id: types.RequestId) -> None:
        """Note that a request was answered, or will not be because the client cancelled it."""
        if self._unanswered[request_id] > 1:
            self._unanswered[request_id] -= 1
        else:
            del self._unanswered[request_id]
        if self._all_answered is not None and not self._unanswered:
            self._all_answered.set()

    async def wait_until_answered(self, seconds: float) -> bool:
        """Wait until every request has its answer; return whether it came to that in time."""
        self._all_answered = anyio.Event()
        if not self._unanswered:
            return True
        with anyio.move_on_after(seconds):
            await self._all_answered.wait()
        return not self._unanswered

    async def send(self, item: SessionMessage) -> None:
        """Write one message. Cancelled, it leaves no torn line: what is left goes out all the same."""
        message = item.message
        self._backlog += message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
        self._write_what_fits()
        await self._is_written.wait()
        if isinstance(message, (types.JSONRPCResponse, types.JSONRPCError)) and message.id is not None:
            self.forget_answer(message.id)

    async def write_backlog(self) -> None:
        """Write what did not fit into the pipe as the client reads it; runs beside the server."""
        while True:
            await self._has_backlog.wait()
            await anyio.wait_writable(self._descriptor)
            self._write_what_fits()

    def _write_what_fits(self) -> None:
        try:
            while self._backlog:
                written = os.write(self._descriptor, bytes(self._backlog[:_CHUNK]))
                del self._backlog[:written]
        except BlockingIOError:
            if self._is_written.is_set():
                self._is_written = anyio.Event()
                self._has_backlog.set()
            return
        except OSError:
            # The client has gone: nobody is left to be told. What calls did stands in the log.
            self._backlog.clear()
        if not self._is_written.is_set():
            self._is_written.set()
            self._has_backlog = anyio.Event()

    async def aclose(self) -> None:
        """Nothing to close: the process's own descriptors outlive the stream."""

    async def __aenter__(self) -> Self:
        """Return the stream."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""


class Incoming:
    """The stream of messages from the client. It ends only when every request read from it has been answered."""

    def __init__(self, descriptor: int, outgoing: Outgoing, stop_calls: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._outgoing = outgoing
        self._stop_calls = stop_calls
        self._lines = LineSplitter()
        self._reading = anyio.CancelScope()
        self._is_ended = False
        self._is_opened = False

    def end(self) -> None:
        """Read no more, as at the end of input."""
        self._is_ended = True
        self._reading.cancel()

    async def receive(self) -> SessionMessage:
        """Return the next message; answer those that cannot be read.

        Raises:
            anyio.EndOfStream: The input has ended and the calls under way have been answered.
        """
        while (line := await self._next_line()) is not None:
            message = read_message(line)
            if isinstance(message, Refusal):
                await self._outgoing.send(SessionMessage(message.answer))
            elif not await self._is_settled_here(message):
                return SessionMessage(message)
        if not await self._outgoing.wait_until_answered(GRACE_SECONDS):
            self._stop_calls()
            await self._outgoing.wait_until_answered(LAST_WORDS_SECONDS)
        raise anyio.EndOfStream

    async def _is_settled_here(self, message: types.JSONRPCMessage) -> bool:
        """Keep account of what must be answered; whether the message was answered already."""
        if isinstance(message, types.JSONRPCRequest):
            self._outgoing.expect_answer(message.id)
            is_first, self._is_opened = not self._is_opened, True
            if is_first and message.method == "server/discover" and self._lines.has_waiting(b'"initialize"'):
                # The client no longer waits for this answer: it has fallen back to the 2025 handshake. Seeing the
                # discovery first, the SDK would lock the connection to the 2026 era and refuse the handshake.
                error = types.ErrorData(code=types.METHOD_NOT_FOUND, message="Method not found")
                await self._outgoing.send(SessionMessage(types.JSONRPCError(jsonrpc="2.0", id=message.id, error=error)))
                return True
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            cancelled = (message.params or {}).get("requestId")
            if isinstance(cancelled, (str, int)):
                self._outgoing.forget_answer(cancelled)
        return False

    async def _next_line(self) -> bytes | LongLine | None:
        """The next line that is not blank, None at the end of input."""
        while True:
            line = self._lines.next_line()
            if line is None:
                chunk = await self._read()
                if chunk:
                    self._lines.feed(chunk)
                    continue
                line = self._lines.rest()
                if not line:
                    return None
            if isinstance(line, LongLine) or line.strip():
                return line

    async def _read(self) -> bytes:
        if not self._is_ended:
            with anyio.CancelScope() as self._reading:
                try:
                    await anyio.wait_readable(self._descriptor)
                except PermissionError:
                    # A regular file or the null device: always readable, and epoll refuses to watch it.
                    await anyio.lowlevel.checkpoint()
                try:
                    chunk = os.read(self._descriptor, _CHUNK)
                except OSError:
                    # A socket that the client closed with answers unread (ECONNRESET), a terminal that went away (EIO).
                    chunk = b""
                if not chunk:
                    # A terminal's end of input is read once only; asked again, it waits for another.
                    self._is_ended = True
                return chunk
        return b""

    async def aclose(self) -> None:
        """Nothing to close: the process's own descriptors outlive the stream."""

    def __aiter__(self) -> Self:
        """Return the stream."""
        return self

    async def __anext__(self) -> SessionMessage:
        """Return the next message."""
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        """Return the stream."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""


async def _end_on_signal(incoming: Incoming) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            incoming.end()


def fill_closed_descriptors() -> None:
    """Open the null device where stdin, stdout or stderr was closed by whoever started this process."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is taken: this one.
            os.open(os.devnull, os.O_RDWR)


@contextmanager
def _wire() -> Iterator[tuple[int, int]]:
    """Move the wire to private descriptors, so that a stray print lands on stderr and a stray read sees the end."""
    stdin, stdout = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    kind = os.fstat(stdout).st_mode
    was_blocking = os.get_blocking(stdout)
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):
        os.set_blocking(stdout, False)
    try:
        yield stdin, stdout
    finally:
        # The open file is shared with whoever started this process.
        os.set_blocking(stdout, was_blocking)
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        os.close(stdin)
        os.close(stdout)
