"""A loopback port whose connections are each talked to on their own, over TLS or not as is decided for each."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Accepts connections and keeps account of them.

    Not `asyncio.start_server`: its streams can only be upgraded to TLS after they began to read, and the beginning
    of a handshake that arrives before that is lost.
    """

    def __init__(self, converse: Conversation, choose_tls: Callable[[], ssl.SSLContext | None] = lambda: None) -> None:
        self.port = 0
        self.connections = 0
        self._converse = converse
        self._choose_tls = choose_tls
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._defects: list[BaseException] = []

    async def listen(self) -> None:
        """Take a free port, or the same one again."""
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        self._listening.setblocking(False)
        self.port = self._listening.getsockname()[1]
        self._accepting = asyncio.create_task(self._accept(self._listening))

    async def refuse(self) -> None:
        """Give the port up: whoever connects now is refused."""
        assert self._listening is not None
        assert self._accepting is not None
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._listening.close()

    async def all_closed(self) -> None:
        """Return when this side has closed every connection."""
        if self._open:
            await asyncio.wait(self._open)

    async def aclose(self) -> None:
        """Give the port up and cut every connection; fails if a conversation did for a reason of this side's own."""
        await self.refuse()
        for task in self._open:
            task.cancel()
        await self.all_closed()
        assert self._defects == []

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
            self.connections += 1
            task = asyncio.create_task(self._talk(accepted))
            self._open.add(task)
            task.add_done_callback(self._note_end)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._open.discard(task)
        if not task.cancelled() and (defect := task.exception()) is not None:
            self._defects.append(defect)

    async def _talk(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        # The other side may leave at any moment: that is no fault of this one.
        with suppress(OSError, EOFError, asyncio.LimitOverrunError):
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=self._choose_tls())
            # What is written has left before the next thing happens: a reset would throw away what is buffered.
            # Not 0: of TLS, asyncio takes an empty buffer for a full one then, and `drain` may never return.
            transport.set_write_buffer_limits(1)
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            try:
                await self._converse(reader, writer)
            finally:
                transport.abort()
