"""HTTP/1.1 that drops a connection whose request does not arrive in time: uvicorn itself waits for ever.

The parser is h11, also where httptools is installed. uvicorn with httptools reads on behind a request that is not
answered yet, and answers what is wrong there with a 400 at once, in the place of that request's answer: a write would
be told as a failure. It also loses the body of a request that offers to go on in HTTP/2, as Java's HTTP client does by
default, takes trailers for headers, and limits neither.
"""

import asyncio

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol


class Config(uvicorn.Config):
    """uvicorn's settings, and how long a request may take."""

    request_seconds: float


class RequestTimeoutProtocol(H11Protocol):
    """A deadline from the first byte of a request, or the connection, to the request's last byte."""

    config: Config
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
