"""The stream of messages from the client. It ends only when every request read from it has been answered."""

from collections.abc import Callable

import anyio
from mcp.shared.message import ServerMessageMetadata, SessionMessage

from wemasy_mcp.transports.message import Refusal
from wemasy_mcp.transports.message_stream import IncomingStream
from wemasy_mcp.transports.opening import Opening
from wemasy_mcp.transports.pending import LocalRequest, Pending
from wemasy_mcp.transports.stdio.framing import LineSplitter, LongLine, read_message
from wemasy_mcp.transports.stdio.outgoing import Outgoing
from wemasy_mcp.transports.stdio.pumps import Pump

GRACE_SECONDS = 3.0
"""How long calls under way may take to finish after the end of input."""

LAST_WORDS_SECONDS = 0.5
"""How long the answers of calls that were then stopped may take to be written."""

MAX_PENDING = 1000
"""Requests in flight, from which on no more are read until one of them has its answer."""


class Incoming(IncomingStream):
    """Where the SDK reads.

    Args:
        pump: Where the bytes come from.
        pending: The account of what must be answered.
        outgoing: Where the answers to messages that cannot be read are written.
        stop_calls: Makes the calls under way answer immediately.
    """

    def __init__(self, pump: Pump, pending: Pending, outgoing: Outgoing, stop_calls: Callable[[], None]) -> None:
        self._pump = pump
        self._pending = pending
        self._outgoing = outgoing
        self._stop_calls = stop_calls
        self._lines = LineSplitter()
        self._opening = Opening()
        self._reading = anyio.CancelScope()
        self._is_ended = False
        self._held: SessionMessage | None = None

    @property
    def starts_over(self) -> bool:
        """Whether the stream ended only for the SDK to serve what follows as a connection anew."""
        return self._held is not None

    def end(self) -> None:
        """Read no more, as at the end of input."""
        self._is_ended = True
        self._reading.cancel()

    async def receive(self) -> SessionMessage:
        """Return the next message; answer those that cannot be read.

        Raises:
            anyio.EndOfStream: The input has ended and the calls under way have been answered.
        """
        if self._held is not None:
            held, self._held = self._held, None
            return held
        while (line := await self._next_line()) is not None:
            message = read_message(line)
            if isinstance(message, Refusal):
                self._outgoing.put(self._pending.refusal(message.answer))
                continue
            if starts_over := self._opening.starts_over(message):
                with anyio.move_on_after(GRACE_SECONDS):
                    await self._pending.wait_until_empty()
            item = SessionMessage(message, ServerMessageMetadata(request_context=LocalRequest()))
            if (refusal := self._pending.take(item)) is not None:
                self._outgoing.put(refusal)
                continue
            if starts_over:
                self._held = item
                raise anyio.EndOfStream
            return item
        await self._finish_calls()
        raise anyio.EndOfStream

    async def _finish_calls(self) -> None:
        with anyio.move_on_after(GRACE_SECONDS):
            await self._pending.wait_until_empty()
        if self._pending:
            self._stop_calls()
            with anyio.move_on_after(LAST_WORDS_SECONDS):
                await self._pending.wait_until_empty()

    async def _next_line(self) -> bytes | LongLine | None:
        """The next line that is not blank, None at the end of input."""
        while True:
            if not self._is_ended and (self._outgoing.is_full or len(self._pending) >= MAX_PENDING):
                await self._wait_for_room()
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

    async def _wait_for_room(self) -> None:
        """Leave the client's requests unread while it does not read the answers, or while too many are in flight."""
        with anyio.CancelScope() as self._reading:
            await self._outgoing.wait_until_written()
            while len(self._pending) >= MAX_PENDING:
                await self._pending.wait_for_change()

    async def _read(self) -> bytes:
        if not self._is_ended:
            with anyio.CancelScope() as self._reading:
                try:
                    chunk = await self._pump.read()
                except OSError:
                    # A socket that the client closed with answers unread (ECONNRESET), a terminal that went away (EIO).
                    chunk = b""
                if not chunk:
                    # A terminal's end of input is read once only; asked again, it waits for another.
                    self._is_ended = True
                return chunk
        return b""
