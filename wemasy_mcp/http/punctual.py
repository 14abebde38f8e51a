"""HTTP/1.1 that drops a connection whose request does not arrive in time: uvicorn itself waits for ever."""

import asyncio
from abc import abstractmethod
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol


class Config(uvicorn.Config):
    """uvicorn's settings, and how long a request may take."""

    request_seconds: float


class Punctual(asyncio.Protocol):
    """A deadline from the first byte of a request, or the connection, to the request's last byte.

    To be put before one of uvicorn's protocols, whose attributes these are.
    """

    config: Config
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    cycle: Any
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a request."""
        super().connection_made(transport)
        self._expect(arriving=True)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._expect(arriving=self._is_arriving())

    def on_response_complete(self) -> None:
        """Go on with what the client sent in the meantime."""
        super().on_response_complete()  # type: ignore[misc]
        self._expect(arriving=self._is_arriving())

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        super().connection_lost(exc)
        self._expect(arriving=False)

    def has_request(self) -> bool:
        """Whether a request has come whose answer is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    @abstractmethod
    def _is_arriving(self) -> bool:
        """Whether a part of a request has come, and not all of it."""

    def _expect(self, *, arriving: bool) -> None:
        if not arriving and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        elif arriving and self._deadline is None:
            self._deadline = self.loop.call_later(self.config.request_seconds, self.transport.abort)


class PunctualH11(Punctual, H11Protocol):
    """Parsed by h11, in Python."""

    config: Config

    def _is_arriving(self) -> bool:
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))
