"""What lies between TLS and the transport under it: parts of records that arrived, and bytes that are still to be sent.

Neither asyncio nor OpenSSL tells how much of a record has arrived, and the rest of one that came too early would come
with the next answer, and be taken for it.
"""

import asyncio
from typing import cast

_HEAD = 5
"""Bytes of a record's head: its type, its version, its length (RFC 8446, section 5.1)."""

_TYPES = range(20, 25)
_MAJOR_VERSION = 3


class TlsLayer(asyncio.BufferedProtocol):
    """Follows the records that arrive, and hands every byte on to the protocol that decrypts them.

    Args:
        transport: The transport under TLS, on which the handshake is over.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport: asyncio.Transport | None = transport
        self._decrypting = cast("asyncio.BufferedProtocol", transport.get_protocol())
        self._buffer = memoryview(b"")
        self._head = bytearray()
        self._left = 0
        self._is_lost = False
        transport.set_protocol(self)

    @property
    def is_between_records(self) -> bool:
        """True if all records that have begun to arrive are whole."""
        return not (self._head or self._left or self._is_lost)

    @property
    def has_sent_everything(self) -> bool:
        """True if no encrypted byte is still to be sent."""
        return self._transport is not None and self._transport.get_write_buffer_size() == 0

    def get_buffer(self, sizehint: int) -> memoryview:
        """asyncio: where the next bytes go."""
        self._buffer = memoryview(self._decrypting.get_buffer(sizehint))
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: bytes arrived."""
        self._follow(self._buffer[:nbytes])
        self._decrypting.buffer_updated(nbytes)

    def eof_received(self) -> bool | None:
        """asyncio: no more bytes will arrive."""
        return self._decrypting.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection was closed, or broke."""
        # On Windows the transport keeps its protocol: both would stay in memory until the next garbage collection.
        self._transport = None
        self._decrypting.connection_lost(exc)

    def pause_writing(self) -> None:
        """asyncio: more than enough is waiting to be sent."""
        self._decrypting.pause_writing()

    def resume_writing(self) -> None:
        """asyncio: there is room again."""
        self._decrypting.resume_writing()

    def _follow(self, data: memoryview) -> None:
        while data and not self._is_lost:
            if self._left:
                taken = min(self._left, len(data))
                self._left -= taken
            else:
                taken = min(_HEAD - len(self._head), len(data))
                self._head += data[:taken]
            data = data[taken:]
            if len(self._head) == _HEAD:
                # Part of a record may have come before the first byte that is seen here: then this is no head.
                self._is_lost = self._head[0] not in _TYPES or self._head[1] != _MAJOR_VERSION
                self._left = int.from_bytes(self._head[3:])
                self._head.clear()
