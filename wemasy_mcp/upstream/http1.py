"""One HTTP/1.1 connection: asyncio's transports move the bytes, h11 parses them.

h11 is given every byte as it arrives, and only while an answer is awaited. Bytes that arrive at any other
time close the connection: they would be taken for the answer to the next call.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import h11
import httpx2

from wemasy_mcp.upstream.tls_layer import TlsLayer

MAX_HEAD = 2**16
"""Maximum bytes before an answer's body, interim answers included; also of a chunk's header and of the trailers."""

MAX_ANSWER = 2**24
"""Maximum bytes of one answer on the wire. A body of 1 MiB in chunks of one byte is 6 MiB."""

_READ_SIZE = 2**13
"""Maximum bytes read and parsed in one turn of the event loop, so that other calls continue in between."""

_EVENTS_PER_TURN = 1000
"""Maximum pieces of a body parsed in one turn of the event loop: on Windows, many may have been read before the first
is parsed."""

_TURNS = 2
"""Turns of the event loop until what the kernel holds has been delivered: one to fetch it, one to look at it."""


class Connection(asyncio.BufferedProtocol):
    """A connection for one exchange after another. Reading waits forever: the whole call has one deadline."""

    def __init__(self) -> None:
        # None before it is open and after it is closed: asyncio's TLS never releases this protocol, and both would
        # stay in memory until the next garbage collection.
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(_READ_SIZE))
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._is_awaiting = False
        self._received = 0
        self._error: Exception | None = None
        self._news = asyncio.Event()
        self.layers: list[TlsLayer] = []
        """What lies under each layer of TLS; there are two through a proxy that is reached over TLS."""

    def abort(self) -> None:
        """Close the connection immediately, even if something is still unsent."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
            self.layers.clear()

    async def is_silent(self) -> bool:
        """Return whether nothing has arrived since the last answer: no byte in the kernel or TLS, no end of stream."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        return self._transport is not None and all(layer.is_between_records for layer in self.layers)

    def check_open(self) -> None:
        """Check that a request could be sent now.

        Raises:
            httpx2.ConnectError: The API has closed the connection, or sent something before any request.
        """
        if self._transport is None or self._transport.is_closing():
            raise httpx2.ConnectError("closed before the request")

    def prepare(self, request: httpx2.Request) -> bytes:
        """Return the bytes of a request, which must be sent next.

        Raises:
            httpx2.LocalProtocolError: It is not valid HTTP. The error's text may hold a header.
        """
        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            events = (head, h11.Data(data=request.content), h11.EndOfMessage())
            return b"".join(self._http.send(event) or b"" for event in events)
        except h11.LocalProtocolError as error:
            raise httpx2.LocalProtocolError(str(error)) from error

    async def exchange(self, request: bytes) -> h11.Response:
        """Send the bytes of a request and return the head of the answer.

        Raises:
            httpx2.ReadError, httpx2.RemoteProtocolError: No head arrived, or what arrived is not HTTP.
        """
        if self._transport is None:
            raise httpx2.ReadError("closed before the request")
        self._is_awaiting = True
        self._received = 0
        self._transport.write(request)
        while not isinstance(event := self._parse(), h11.Response):
            if self._received > MAX_HEAD:
                raise httpx2.RemoteProtocolError("the head of the answer is too long")
            if event is h11.NEED_DATA:
                await self._more()
        return event

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body of the answer in pieces, each of which joins what was read in one go.

        Raises:
            httpx2.ReadError, httpx2.RemoteProtocolError: The body broke off, or what arrived is not HTTP.
        """
        piece = bytearray()
        count = 0
        while not isinstance(event := self._parse(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                piece += event.data
                count += 1
                if count % _EVENTS_PER_TURN == 0:
                    await asyncio.sleep(0)
                continue
            if piece:
                yield bytes(piece)
                piece.clear()
            await self._more()
        if piece:
            yield bytes(piece)

    def finish(self) -> bool:
        """Prepare for another exchange if the last one ended cleanly, else close; return whether it did."""
        is_clean = (
            self._transport is not None
            and self._http.our_state is h11.DONE
            and self._http.their_state is h11.DONE
            and self._http.trailing_data == (b"", False)
            and all(layer.is_between_records for layer in self.layers)
            # Otherwise the API answered before it had read the whole request.
            and not self._transport.get_write_buffer_size()
            and all(layer.has_sent_everything for layer in self.layers)
        )
        if is_clean:
            self._is_awaiting = False
            self._http.start_next_cycle()
        else:
            self.abort()
        return is_clean

    def _parse(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise httpx2.RemoteProtocolError(str(error)) from error

    async def _more(self) -> None:
        """Return when more bytes have arrived; all earlier ones have been parsed."""
        if self._error is not None:
            raise httpx2.ReadError(str(self._error)) from self._error
        self._news.clear()
        await self._news.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open, or, on the second call, encrypted."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """asyncio: where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: bytes arrived."""
        if not self._is_awaiting:
            self.abort()
            return
        self._received += nbytes
        if self._received > MAX_ANSWER:
            self._error = ValueError("the answer is too long")
            self.abort()
        else:
            # The waiting call parses this in the next turn of the loop, before more is read.
            self._http.receive_data(bytes(self._buffer[:nbytes]))
        self._news.set()

    def eof_received(self) -> None:
        """asyncio: the API will not send any more."""
        if self._is_awaiting:
            self._http.receive_data(b"")
            self._news.set()
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection was closed, or broke."""
        self._transport = None
        self.layers.clear()
        self._error = self._error or exc
        if self._error is None:
            self.eof_received()
        self._news.set()
