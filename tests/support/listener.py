"""A loopback port whose connections are each talked to on their own, over TLS or not as is decided for each."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self

import anyio

_BUFFER_LIMIT = 1
"""What is written has left before the next thing happens: a reset would throw away what is buffered.

Not 0: of TLS, asyncio takes an empty buffer for a full one then, and `drain` may never return.
"""


class Connection:
    """This side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.is_closed = False

    @property
    def socket(self) -> socket.socket:
        """The socket under it, for what only a socket can do."""
        found: socket.socket = self.writer.get_extra_info("socket")
        return found

    async def send(self, data: bytes) -> None:
        """Return once `data` has left this process."""
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> bytes:
        """Return what has come.

        Raises:
            anyio.EndOfStream: The other side has closed.
        """
        if data := await self.reader.read(2**16):
            return data
        raise anyio.EndOfStream

    async def receive_until(self, separator: bytes) -> bytes:
        """Return everything up to `separator`, which is included."""
        return await self.reader.readuntil(separator)

    async def wait_closed(self) -> None:
        """Return when the other side has closed."""
        await self.reader.read()

    async def start_tls(self, tls: ssl.SSLContext) -> None:
        """Answer the TLS handshake that comes next; nothing of it may have been read."""
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(self.reader)
        transport = await loop.start_tls(self.writer.transport, protocol, tls, server_side=True)
        assert transport is not None
        transport.set_write_buffer_limits(_BUFFER_LIMIT)
        protocol.connection_made(transport)
        # A writer closes its transport when nobody refers to it any more.
        self._in_the_clear = self.writer
        self.writer = asyncio.StreamWriter(transport, protocol, self.reader, loop)

    async def aclose(self) -> None:
        """Close in order: the FIN has left when this returns, of a connection without TLS."""
        self.is_closed = True
        if self.writer.can_write_eof() and not self.writer.is_closing():
            self.writer.write_eof()
        self.writer.close()

    def reset(self) -> None:
        """Break the connection off (RST)."""
        self.is_closed = True
        linger = struct.pack("ii", 1, 0)  # on, no time: the close sends RST
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


Conversation = Callable[[Connection], Awaitable[None]]


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
        # Inherited by every connection: otherwise a second packet waits 40 ms for the acknowledgement of the first.
        self._listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
        with suppress(OSError, EOFError, asyncio.LimitOverrunError, anyio.EndOfStream):
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=self._choose_tls())
            transport.set_write_buffer_limits(_BUFFER_LIMIT)
            connection = Connection(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
            try:
                await self._converse(connection)
            finally:
                connection.writer.transport.abort()


@asynccontextmanager
async def accepting(converse: Conversation) -> AsyncGenerator[int]:
    """Accept connections on a free loopback port, whose number is given, for the time of the block."""
    listener = Listener(converse)
    await listener.listen()
    try:
        yield listener.port
    finally:
        await listener.aclose()
