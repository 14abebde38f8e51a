"""TCP and TLS for httpcore2, straight on asyncio's transports, for two reasons.

What follows an answer on a kept connection stays here, where it is seen before the next call, and the connection is
closed; httpcore2's own streams hand it to the HTTP parser, which takes it for the answer to the next call. And between
those streams and asyncio are layers that cost a fifth of a call.
"""

import asyncio
import re
import select
import socket
import ssl
import sys
from collections.abc import Coroutine, Iterable
from ipaddress import ip_address
from typing import Any, TypeVar, cast

import httpcore2

HAPPY_EYEBALLS_SECONDS = 0.25
"""How long one address is tried alone before the next is tried beside it (RFC 8305, section 5)."""

MAX_WAITING = 2**18
"""Bytes that are taken from the network before anybody asks for them."""

_BLANK_LINE = re.compile(rb"\A\r?\n|\n\r?\n")

_AS_ASYNCIO = {"client_addr": "sockname", "server_addr": "peername"}
"""What asyncio calls the things that httpcore2's own streams tell."""

T = TypeVar("T")


class Sockets(httpcore2.AsyncNetworkBackend):
    """Opens connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of `host` that takes connections.

        Raises:
            httpcore2.ConnectError: None does.
            httpcore2.ConnectTimeout: None did in time.
        """
        return await _in_time(_connect(host, port), timeout)


class Connection(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """One connection. Reading and writing wait for ever: there is one deadline, around the whole call."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._received = bytearray()
        self._body_left = 0
        self._is_ended = False
        self._error: Exception | None = None
        self._has_news = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()

    def expect_body(self, size: int) -> None:
        """Note the Content-Length of the answer whose head has been read. Other answers end with a blank line."""
        self._body_left = size

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come, but nothing past the end of the answer; no bytes mean the end of the stream.

        Raises:
            httpcore2.ReadError: The connection broke.
        """
        while not self._received and not self._is_ended:
            self._has_news.clear()
            await self._has_news.wait()
        if not self._received and self._error is not None:
            raise httpcore2.ReadError(self._error) from self._error
        size = min(max_bytes, self._body_left or self._size_of_section())
        data = bytes(self._received[:size])
        del self._received[:size]
        self._body_left = max(0, self._body_left - len(data))
        if not self._received:
            self._transport.resume_reading()
        return data

    def _size_of_section(self) -> int:
        """How much there is to the next blank line, which ends every head and every chunked body.

        Without one, to the next line end: a blank line may come in two pieces, and less than a section is never wrong.
        """
        if blank_line := _BLANK_LINE.search(self._received):
            return blank_line.end()
        return self._received.find(b"\n") + 1 or len(self._received)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send `buffer`. That the connection broke is told by the read that follows."""
        # What an answer without a body announced, such as a 204's Content-Length, says nothing of the next one.
        self._body_left = 0
        if not self._transport.is_closing():
            self._transport.write(buffer)
        await self._may_write.wait()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Encrypt what follows.

        Raises:
            httpcore2.ConnectError: The handshake failed, or something came before it, which nobody vouches for.
            httpcore2.ConnectTimeout: It was not done in time.
        """
        if self.get_extra_info("is_readable"):
            self._transport.abort()
            raise httpcore2.ConnectError("something came before the TLS handshake")
        loop = asyncio.get_running_loop()
        encrypting = loop.start_tls(self._transport, self, ssl_context, server_hostname=server_hostname)
        self._transport = cast("asyncio.Transport", await _in_time(encrypting, timeout))
        return self

    async def aclose(self) -> None:
        """Close the connection at once, whatever is still unsent."""
        self._transport.abort()

    def get_extra_info(self, info: str) -> Any:
        """Tell that the connection is spent if anything came unasked; and whatever asyncio knows."""
        if info == "is_readable":
            # What asyncio has not fetched yet lies in the socket.
            return bool(self._received) or self._is_ended or _holds_bytes(self._transport.get_extra_info("socket"))
        return self._transport.get_extra_info(_AS_ASYNCIO.get(info, info))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: something came."""
        self._received += data
        self._has_news.set()
        if len(self._received) > MAX_WAITING:
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """asyncio: no more will come."""
        self._is_ended = True
        self._has_news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is closed, or broke."""
        self._is_ended = True
        self._error = exc
        self._has_news.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        """asyncio: too much is unsent."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """asyncio: there is room again."""
        self._may_write.set()


async def _connect(host: str, port: int) -> Connection:
    loop = asyncio.get_running_loop()
    if is_address(host):
        # A race of one costs as much as sending a request.
        _, connection = await loop.create_connection(Connection, host, port)
    else:
        _, connection = await loop.create_connection(
            Connection, host, port, happy_eyeballs_delay=HAPPY_EYEBALLS_SECONDS
        )
    return connection


def _holds_bytes(connected: socket.socket) -> bool:
    if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX
        return bool(select.select([connected], [], [], 0)[0])
    waiting = select.poll()
    waiting.register(connected, select.POLLIN)
    return bool(waiting.poll(0))


def is_address(host: str) -> bool:
    """Whether a host is an IP address, and no name that stands for some."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def _in_time(connecting: Coroutine[Any, Any, T], seconds: float | None) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await connecting
    except TimeoutError as error:
        raise httpcore2.ConnectTimeout(error) from error
    except OSError as error:
        raise httpcore2.ConnectError(error) from error
