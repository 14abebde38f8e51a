"""A proxy on loopback that keeps every byte it is sent, and can fail like a corporate one."""

import asyncio
from contextlib import suppress
from typing import Literal, Self

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
        self.connections = 0
        self.behaviour: Behaviour = "tunnel"
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def url(self) -> str:
        """The URL to name in `HTTPS_PROXY`."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            # Either side may leave at any moment.
            with suppress(OSError, EOFError):
                self.seen += await reader.readuntil(b"\r\n\r\n")
                if self.behaviour == "tunnel":
                    await self._tunnel(reader, writer)
                elif self.behaviour == "hang":
                    await reader.read()
                else:
                    writer.write(_WORDS[self.behaviour])
                    await writer.drain()
        finally:
            writer.transport.abort()
            del self._open[task]

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
