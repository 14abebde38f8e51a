"""A server in a thread that says any bytes, also over TLS or behind a CONNECT, and keeps what it read."""

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from support.fake_api import FakeApi, Request
from support.listener import Connection


@dataclass(slots=True)
class Script:
    """What every connection meets."""

    answer: bytes | None
    """None: the request is read and never answered."""
    tls: ssl.SSLContext | None = None
    connect: bytes | None = None
    """The answer to a CONNECT that comes first, as a proxy gives it."""
    connections: int = 100
    """How many connections are served; later ones are closed at once."""
    greets: bool = True
    """Whether a TLS handshake is answered at all."""


class Seen(FakeApi):
    """The server, and what it read."""

    def __init__(self, script: Script) -> None:
        super().__init__(tls=script.tls)
        self._script = script

    def _tls_of_next(self) -> ssl.SSLContext | None:
        is_silent = self.connections > self._script.connections or not self._script.greets
        return None if is_silent or self._script.connect is not None else self.tls

    async def _converse(self, connection: Connection) -> None:
        script = self._script
        if self.connections > script.connections:
            return
        if script.connect is not None:
            self.requests.append(Request(await connection.receive_until(b"\r\n\r\n"), b""))
            connection.writer.write(script.connect)
            if script.tls is not None:
                await connection.start_tls(script.tls)
        if not script.greets:
            await connection.wait_closed()
            return
        await self.receive(connection)
        if script.answer is None:
            await connection.wait_closed()
        else:
            await connection.send(script.answer)
            if script.tls is not None:
                # On Windows, what TLS has just written is lost if it is closed from this side.
                await connection.wait_closed()
            await connection.aclose()


@contextmanager
def raw_server(script: Script) -> Generator[Seen]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    with Seen(script).in_thread() as seen:
        yield seen
