"""The stream of messages to the client: whole lines, in order, without blocking the event loop."""

import anyio
from mcp import types
from mcp.shared.message import SessionMessage

from wemasy_mcp.transports.message_stream import MessageStream
from wemasy_mcp.transports.pending import Pending
from wemasy_mcp.transports.stdio.pumps import Pump

MAX_BACKLOG = 4 * 2**20
"""Maximum bytes of unread answers before the client's requests are no longer read: 4 MiB."""


class Outgoing(MessageStream):
    """The stream that the SDK writes."""

    def __init__(self, pump: Pump, pending: Pending) -> None:
        self._pump = pump
        self._pending = pending
        self._backlog = bytearray()
        self._has_backlog = anyio.Event()
        self._is_written = anyio.Event()
        self._is_written.set()

    @property
    def is_full(self) -> bool:
        """True if the client has left too much unread."""
        return len(self._backlog) > MAX_BACKLOG

    def put(self, message: types.JSONRPCMessage) -> None:
        """Write one message, now or when the client reads."""
        self._backlog += message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
        if self._is_written.is_set():
            try:
                self._drop(self._pump.write_now(self._backlog))
            except OSError:
                self._break_off()

    async def send(self, item: SessionMessage) -> None:
        """Write one message. If cancelled, it leaves no partial line: the rest is still written."""
        self.put(item.message)
        await self._is_written.wait()
        self._pending.settle(item.message)

    async def wait_until_written(self) -> None:
        """Wait until the client has read everything, or has gone."""
        await self._is_written.wait()

    async def write_backlog(self) -> None:
        """Write data that did not fit into the pipe as the client reads; runs alongside the server."""
        while True:
            await self._has_backlog.wait()
            try:
                self._drop(await self._pump.write(self._backlog))
            except OSError:
                self._break_off()

    def _drop(self, written: int) -> None:
        del self._backlog[:written]
        if self._backlog and self._is_written.is_set():
            self._is_written = anyio.Event()
            self._has_backlog.set()
        elif not self._backlog and not self._is_written.is_set():
            self._is_written.set()
            self._has_backlog = anyio.Event()

    def _break_off(self) -> None:
        """Stop writing: the client has gone and nobody can be notified. The log records what the calls did."""
        self._pending.is_broken = True
        self._backlog.clear()
        self._drop(0)
