"""HTTP/1.1 bounded in time and memory: uvicorn itself waits forever for a request, and for its answer to be read.

The parser is h11, even where httptools is installed. uvicorn with httptools reads past a request that is not
answered yet, and answers any error there with an immediate 400 in place of that request's answer: a write
would be reported as a failure. It also loses the body of a request that offers to go on in HTTP/2, as Java's HTTP
client does by default, takes trailers for headers, and limits neither.
"""

import asyncio
import json
import re
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

LINGER_SECONDS = 1.0
"""Seconds that a client may go on sending a refused body before the connection is cut."""

MAX_LINGERING = 2**20
"""Bytes of such a body that are discarded before the connection is cut."""

MAX_HEADERS = 100
"""Maximum header fields of a request. Each takes some 200 bytes of memory, however short it is."""

_END_OF_HEAD = re.compile(rb"\n\r?\n")

_CHUNK = memoryview(bytearray(2**14))
"""One receive buffer for all connections: thousands that send at the same time hold little memory each."""


class Config(uvicorn.Config):
    """uvicorn's settings, plus the time limits for sending a request and reading its answer."""

    request_seconds: float = 15.0


class RequestTimeoutProtocol(H11Protocol, asyncio.BufferedProtocol):
    """A deadline for each request, from its first byte (or the connection) to its last, and for reading its answer."""

    config: Config
    _deadline: asyncio.TimerHandle | None = None
    _read_deadline: asyncio.TimerHandle | None = None
    _lingered: int | None = None
    """Bytes discarded since this side sent its last one; None before that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        # With a limit of 0, every byte the kernel does not take counts: a client that reads nothing is noticed.
        transport.set_write_buffer_limits(0)
        super().connection_made(_ClosingGently(transport, self))  # type: ignore[arg-type]
        self._expect(arriving=True)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer for the next bytes."""
        return _CHUNK

    def buffer_updated(self, nbytes: int) -> None:
        """Process the bytes that have arrived."""
        self.data_received(bytes(_CHUNK[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Process part of a request."""
        if self._lingered is not None:
            self._lingered += len(data)
            if self._lingered > MAX_LINGERING:
                self.transport.abort()
            return
        super().data_received(data)
        if self._lingered is None:
            self._expect(arriving=self.is_arriving())

    def handle_events(self) -> None:
        """Process what has arrived; refuse a head of too many fields before any of them is parsed."""
        if self.conn.their_state is h11.IDLE and _count_headers(self.conn.trailing_data[0]) > MAX_HEADERS:
            self._refuse(431, f"The request has more than {MAX_HEADERS} header fields.")
        else:
            super().handle_events()

    def on_response_complete(self) -> None:
        """Continue with what the client sent in the meantime; an unread body ends the connection."""
        if self.conn.their_state is h11.SEND_BODY:
            self.transport.close()
        super().on_response_complete()
        if self._lingered is None:
            self._expect(arriving=self.is_arriving())

    def send_400_response(self, msg: str) -> None:
        """Refuse data that is not HTTP."""
        self._refuse(400, msg)

    def _refuse(self, status: int, description: str) -> None:
        """Answer and forget what cannot be served, and close the connection."""
        body = json.dumps({"error": "invalid_request", "error_description": description}).encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self.conn = h11.Connection(h11.SERVER)

    def pause_writing(self) -> None:
        """Start the client's time limit for reading."""
        super().pause_writing()
        self._read_deadline = self.loop.call_later(self.config.request_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Record that the client has read everything."""
        super().resume_writing()
        if self._read_deadline is not None:
            self._read_deadline.cancel()
            self._read_deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop expecting data."""
        super().connection_lost(exc)
        self.resume_writing()
        self._expect(arriving=False)

    def has_request(self) -> bool:
        """Return whether a request has arrived whose answer is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    def is_arriving(self) -> bool:
        """Return whether part of a request has arrived, but not all of it."""
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def is_lingering(self) -> bool:
        """Return whether this side has sent its last byte and now discards incoming data."""
        return self._lingered is not None

    def linger(self) -> None:
        """Discard incoming data for a moment."""
        self._lingered = 0
        self._expect(arriving=False)
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        self.flow.resume_reading()

    def _expect(self, *, arriving: bool) -> None:
        if not arriving and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        elif arriving and self._deadline is None:
            self._deadline = self.loop.call_later(self.config.request_seconds, self.transport.abort)


def _count_headers(data: bytes) -> int:
    """Return how many lines follow the first one in the head, or in the part of it that has arrived."""
    end = _END_OF_HEAD.search(data)
    return data.count(b"\n", 0, end.start() + 1 if end else len(data)) - 1


class _ClosingGently:
    """A transport that closes its own side first if the client is still sending.

    If it closed with a body unread, the operating system would reset the connection, and the client could lose the
    answer.
    """

    def __init__(self, transport: asyncio.Transport, protocol: RequestTimeoutProtocol) -> None:
        self._transport = transport
        self._protocol = protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self._protocol.is_lingering() or bool(self._transport.is_closing())

    def close(self) -> None:
        if not self.is_closing() and (self._protocol.is_arriving() or self._protocol.conn.trailing_data[0]):
            try:
                self._transport.write_eof()
            except OSError:
                # The client has gone.
                self._transport.abort()
            else:
                self._protocol.linger()
        else:
            self._transport.close()
