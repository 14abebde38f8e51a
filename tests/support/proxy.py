"""A proxy on loopback that keeps every byte it is sent, and can fail like a corporate one."""

import asyncio
from typing import Literal, Self

from support.listener import Connection, Listener

Behaviour = Literal["tunnel", "refuse", "ask who", "fail", "hang", "cut", "babble", "flood"]

_WORDS: dict[Behaviour, bytes] = {
    "refuse": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "ask who": b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
    "fail": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nnope.",
    "cut": b"",
    "babble": b"220 mail.example ESMTP\r\n",
    "flood": b"HTTP/1.1 200 Established\r\n" + b"X-Flood: aaaa\r\n" * 100_000,
}


class Proxy:
    """Takes CONNECT and tunnels every one to the same port, whatever host is named."""

    def __init__(self, target_port: int) -> None:
        self.seen = bytearray()
        """What came in the clear, before a tunnel was open."""
        self.behaviour: Behaviour = "tunnel"
        self._target_port = target_port
        self._listener = Listener(self._converse)

    @property
    def url(self) -> str:
        """The URL to name in `HTTPS_PROXY`."""
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._listener.connections

    async def __aenter__(self) -> Self:
        await self._listener.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listener.aclose()

    async def _converse(self, connection: Connection) -> None:
        self.seen += await connection.receive_until(b"\r\n\r\n")
        if self.behaviour == "tunnel":
            await self._tunnel(connection.reader, connection.writer)
        elif self.behaviour == "hang":
            await connection.wait_closed()
        else:
            await connection.send(_WORDS[self.behaviour])

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
        try:
            await asyncio.gather(_relay(reader, target_writer), _relay(target_reader, writer))
        finally:
            target_writer.transport.abort()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(2**16):
        writer.write(data)
        await writer.drain()
    writer.close()
