"""A proxy on loopback that keeps every byte it is sent, and can fail like a corporate one."""

import asyncio
import ssl
from collections.abc import Callable
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

    def __init__(self, target_port: int, tls: ssl.SSLContext | None = None) -> None:
        self.seen = bytearray()
        """What came in the clear, before a tunnel was open."""
        self.behaviour: Behaviour = "tunnel"
        self.passed_back: list[int] = []
        """How many bytes it passed on to its client through each tunnel."""
        self._target_port = target_port
        self._scheme = "https" if tls else "http"
        self._listener = Listener(self._converse, lambda: tls)

    @property
    def url(self) -> str:
        """The URL to name in `HTTPS_PROXY`."""
        return f"{self._scheme}://127.0.0.1:{self._listener.port}"

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

    async def _tunnel(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        opened: bytes = b"HTTP/1.1 200 Connection Established\r\n\r\n",
    ) -> None:
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        writer.write(opened)
        number = len(self.passed_back)
        self.passed_back.append(0)

        def count(size: int) -> None:
            self.passed_back[number] += size

        try:
            await asyncio.gather(_relay(reader, target_writer), _relay(target_reader, writer, count))
        finally:
            target_writer.transport.abort()


SocksBehaviour = Literal["tunnel", "tunnel from IPv6", "tunnel from a name", "refuse", "cut", "babble"]
_SOCKS_OPENED: dict[str, bytes] = {
    "tunnel": b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38",
    "tunnel from IPv6": b"\x05\x00\x00\x04" + bytes(16) + b"\x04\x38",
    "tunnel from a name": b"\x05\x00\x00\x03\x05proxy\x04\x38",
}


class SocksProxy(Proxy):
    """A SOCKS5 proxy, which asks for a password if there is one."""

    def __init__(self, target_port: int, behaviour: SocksBehaviour = "tunnel", password: bytes | None = None) -> None:
        super().__init__(target_port)
        self._socks_behaviour = behaviour
        self._password = password

    @property
    def url(self) -> str:
        """The URL to name in `HTTPS_PROXY`."""
        return super().url.replace("http:", "socks5:")

    async def _converse(self, connection: Connection) -> None:
        behaviour, read = self._socks_behaviour, connection.reader.readexactly
        if behaviour == "cut":
            return
        methods = await read((await read(2))[1])
        method = 0 if self._password is None else 2
        if behaviour == "babble" or method not in methods:
            await connection.send(b"\x05\xff" if behaviour != "babble" else b"220 mail.example ESMTP\r\n")
            return
        await connection.send(bytes([5, method]))
        if method:
            name = await read((await read(2))[1])
            password = await read((await read(1))[0])
            self.seen += name + b":" + password
            await connection.send(b"\x01\x00" if password == self._password else b"\x01\x01")
        self.seen += await read((await read(5))[4] + 2)
        if behaviour == "refuse":
            await connection.send(b"\x05\x02\x00\x01" + bytes(6))
        else:
            await self._tunnel(connection.reader, connection.writer, _SOCKS_OPENED[behaviour])


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None] | None = None
) -> None:
    while data := await reader.read(2**16):
        writer.write(data)
        # It is in the kernel. Later, what follows on it might already be on its way.
        if count is not None:
            count(len(data))
        await writer.drain()
    writer.close()
