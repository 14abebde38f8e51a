"""Records of TLS as they arrive in pieces, and what is no record."""

import asyncio

import pytest

from wemasy_mcp.upstream.tls_layer import TlsLayer

RECORD = b"\x17\x03\x03\x00\x04" + bytes(4)


class Below(asyncio.Transport):
    """A transport whose protocol keeps what it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.BaseProtocol = Decrypting()

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


class Decrypting(asyncio.BufferedProtocol):
    def __init__(self) -> None:
        self.buffer = bytearray(64)
        self.received = b""

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.received += self.buffer[:nbytes]


def arrive(layer: TlsLayer, data: bytes) -> None:
    layer.get_buffer(-1)[: len(data)] = data
    layer.buffer_updated(len(data))


@pytest.mark.parametrize("size", [1, 2, 5, 9, 18])
def test_records_are_followed_in_pieces_of_any_size_and_handed_on(size: int) -> None:
    below = Below()
    decrypting = below.get_protocol()
    layer = TlsLayer(below)
    stream = RECORD * 2
    for start in range(0, len(stream), size):
        piece = stream[start : start + size]
        arrive(layer, piece)
        assert layer.is_between_records is ((start + len(piece)) % len(RECORD) == 0)

    assert isinstance(decrypting, Decrypting)
    assert decrypting.received == stream


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK", RECORD[3:] + RECORD, b"\x17\x02\x03\x00\x00"])
def test_what_is_no_record_is_never_taken_for_a_whole_one(begun: bytes) -> None:
    layer = TlsLayer(Below())
    arrive(layer, begun)
    arrive(layer, RECORD)

    assert not layer.is_between_records
