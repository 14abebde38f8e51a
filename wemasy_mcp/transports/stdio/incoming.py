"""The stream of messages from the client. It ends only when every request read from it has been answered."""

from collections.abc import Callable

import anyio
from mcp.shared.message import ServerMessageMetadata, SessionMessage

from wemasy_mcp.transports.message import Refusal
from wemasy_mcp.transports.message_stream import IncomingStream
from wemasy_mcp.transports.opening import ANSWER_SECONDS, Opening
from wemasy_mcp.transports.pending import LocalRequest, Pending
from wemasy_mcp.transports.stdio.framing import LineSplitter, LongLine, read_message
from wemasy_mcp.transports.stdio.outgoing import Outgoing
from wemasy_mcp.transports.stdio.pumps import Pump

GRACE_SECONDS = 3.0
"""Maximum seconds for calls in progress to finish after the end of input."""

LAST_WORDS_SECONDS = 0.5
"""Maximum seconds to write the answers of calls that were then stopped."""

MAX_PENDING = 1000
"""Maximum requests in flight: no more are read until one of them has its answer."""


class Incoming(IncomingStream):
    """The stream that the SDK reads.

    Args:
        pump: The source of the bytes.
        pending: The requests that must be answered.
        outgoing: The stream for answers to unreadable messages.
        stop_calls: Makes the calls in progress answer immediately.
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
        """True if the stream ended only so that the SDK serves what follows as a new connection."""
        return self._held is not None

    def end(self) -> None:
        """Stop reading, as at the end of input."""
        self._is_ended = True
        self._reading.cancel()

    async def receive(self) -> SessionMessage:
        """Return the next message; answer unreadable ones.

        Raises:
            anyio.EndOfStream: The input has ended and the calls in progress have been answered.
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
                with anyio.move_on_after(ANSWER_SECONDS):
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
        """Return the next line that is not blank; None at the end of input."""
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
        """Stop reading requests while the client does not read the answers, or while too many are in flight."""
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
                    # A socket that the client closed with answers unread (ECONNRESET), or a lost terminal (EIO).
                    chunk = b""
                if not chunk:
                    # A terminal's end of input can be read only once; a second read waits for another.
                    self._is_ended = True
                return chunk
        return b""
