"""Bytes in and out of two descriptors: without threads on POSIX, with two on Windows. All the differences are here."""

import asyncio
import os
import queue
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import anyio
import anyio.lowlevel

_CHUNK = 65_536


@contextmanager
def open_pump(stdin: int, stdout: int) -> Iterator["Pump"]:
    """Open the pump for this system."""
    if sys.platform == "win32":
        yield ThreadedPump(stdin, stdout)
    else:
        # The open file is shared with the parent process.
        was_blocking = os.get_blocking(stdout)
        if _is_stream(stdout):
            os.set_blocking(stdout, False)
        try:
            yield PollingPump(stdin, stdout)
        finally:
            os.set_blocking(stdout, was_blocking)


class Pump(Protocol):
    """A mover of bytes. Any method may raise `OSError` when the other side has gone."""

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end of input. May be cancelled once, and must not be called again."""
        ...

    def write_now(self, backlog: bytearray) -> int:
        """Write the start of `backlog` without waiting, and return the number of bytes written."""
        ...

    async def write(self, backlog: bytearray) -> int:
        """Wait until something can be written, write it, and return the number of bytes written."""
        ...


class PollingPump:
    """Waits for the descriptors in the event loop. A thread for stdin would cost 0.3 ms per message."""

    def __init__(self, stdin: int, stdout: int) -> None:
        self._stdin, self._stdout = stdin, stdout
        # Anything else is always readable: epoll refuses to watch it, and kqueue never reports its end.
        self._waits = _is_stream(stdin) or os.isatty(stdin)

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end of input."""
        if self._waits:
            await anyio.wait_readable(self._stdin)
        else:
            await anyio.lowlevel.checkpoint()
        return os.read(self._stdin, _CHUNK)

    def write_now(self, backlog: bytearray) -> int:
        """Write what fits."""
        written = 0
        with suppress(BlockingIOError):
            while written < len(backlog):
                written += os.write(self._stdout, backlog[written : written + _CHUNK])
        return written

    async def write(self, backlog: bytearray) -> int:
        """Wait until the client has read something, then write what fits."""
        await anyio.wait_writable(self._stdout)
        return self.write_now(backlog)


def _is_stream(descriptor: int) -> bool:
    kind = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)


class ThreadedPump:
    """Reads in one thread and writes in another: on Windows nothing else can wait for an ordinary pipe."""

    def __init__(self, stdin: int, stdout: int) -> None:
        self._stdin, self._stdout = stdin, stdout
        self._reader, self._writer = _Worker("stdin"), _Worker("stdout")

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end of input."""
        return await self._reader.run(os.read, self._stdin, _CHUNK)  # type: ignore[no-any-return]

    def write_now(self, backlog: bytearray) -> int:
        """Write nothing: any write may block."""
        return 0

    async def write(self, backlog: bytearray) -> int:
        """Write a piece, however long the client takes to read it."""
        return await self._writer.run(os.write, self._stdout, bytes(backlog[:_CHUNK]))  # type: ignore[no-any-return]


class _Worker:
    """A daemon thread that makes one blocking call at a time: a call that never returns does not block exit."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()

        def settle(how: Callable[[Any], None], value: object) -> None:
            with suppress(asyncio.InvalidStateError):  # the read was cancelled
                how(value)

        def call() -> None:
            try:
                outcome: tuple[Callable[[Any], None], Any] = done.set_result, function(*arguments)
            except OSError as error:
                outcome = done.set_exception, error
            # The event loop may have been closed in the meantime: then nobody is waiting.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, *outcome)

        self._calls.put(call)
        return await done

    def _run(self) -> None:
        while True:
            self._calls.get()()
