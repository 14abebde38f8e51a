"""Answers that break off, come too slowly, never end, unpack to too much, or are no HTTP."""

import gzip
import zlib
from collections.abc import Iterator

from support.answers import answer, chunk, head
from support.fault import DONE, DONE_JSON, Fault, endless, told, trickled


def _bomb(compressor: "zlib._Compress", size: int = 2**28) -> bytes:
    """Compress `size` zero bytes without ever holding them."""
    block = bytes(2**20)
    pieces: Iterator[bytes] = (compressor.compress(block) for _ in range(size // len(block)))
    return b"".join(pieces) + compressor.flush()


GZIP_BOMB = _bomb(zlib.compressobj(wbits=31))
DEFLATE_BOMB = _bomb(zlib.compressobj())
GZIP_IN_GZIP = gzip.compress(GZIP_BOMB)
TWICE = gzip.compress(gzip.compress(DONE_JSON))

BROKEN_CONNECTIONS: tuple[Fault, ...] = (
    told("reset after reading, applied", "connection_lost", applied=True, ending="reset"),
    told("reset after reading, not applied", "connection_lost", applied=False, ending="reset"),
    told("closed without an answer, applied", "connection_lost", applied=True),
    told("closed without an answer, not applied", "connection_lost", applied=False),
    told("closed in the status line", "connection_lost", b"HTTP/1.", applied=True),
    told("closed in the headers", "connection_lost", answer(200, DONE)[:60], applied=True),
    told("closed in the body", "connection_lost", answer(200, DONE)[:-20], applied=True),
    told("reset in the body", "connection_lost", answer(200, DONE)[:-20], applied=True, ending="reset"),
    told("closed in a chunk", "connection_lost", head("Transfer-Encoding: chunked") + b"ff\r\n{", applied=True),
    told(
        "closed before the last chunk",
        "connection_lost",
        head("Transfer-Encoding: chunked") + chunk(DONE_JSON),
        applied=True,
    ),
    told("Content-Length too long", "connection_lost", answer(200, DONE, length=5000), applied=True),
    told("Content-Length too short", "bad_response", answer(200, DONE, length=20), applied=True, status=200),
    told("Content-Length zero before a body", "bad_response", answer(200, DONE, length=0), applied=True),
)

TOO_SLOW: tuple[Fault, ...] = (
    told("no answer, applied", "timed_out", applied=True, ending="hold"),
    told("no answer, not applied", "timed_out", applied=False, ending="hold"),
    told("half the headers, then nothing", "timed_out", b"HTTP/1.1 200 OK\r\nX-A: ", applied=True, ending="hold"),
    told("half the body, then nothing", "timed_out", answer(200, DONE)[:-20], applied=True, ending="hold"),
    told(
        "Content-Length too long, held open", "timed_out", answer(200, DONE, length=5000), applied=True, ending="hold"
    ),
    trickled("trickled status line", "timed_out", b"HTTP/1.1 200 ", b"O"),
    trickled("trickled headers", "timed_out", head()[:-2], b"X-A: 1\r\n"),
    trickled("trickled body", "timed_out", answer(200, b"", length=9000), b" "),
    trickled("trickled chunks", "timed_out", head("Transfer-Encoding: chunked"), chunk(b" ")),
    trickled("100 Continue without end", "timed_out", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    trickled("103 Early Hints without end", "timed_out", b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    # The API's refusal is in the status; only a 2xx needs its body.
    trickled("422 with a trickled body", "validation_failed", answer(422, b"", length=9000), b" ", applied=False),
    trickled("502 with a trickled body", "server_failed", answer(502, b"", length=9000), b" ", status=502),
)

TOO_MUCH: tuple[Fault, ...] = (
    endless("chunks without end", "bad_response", head("Transfer-Encoding: chunked"), chunk(b" " * 9999)),
    endless("a body without end", "bad_response", head("Connection: close"), b" " * 9999),
    endless("a success before a body without end", "bad_response", head() + DONE_JSON, b" " * 9999),
    endless(
        "404 with a body without end", "rejected", b"HTTP/1.1 404 No\r\n\r\n", b"a" * 9999, applied=False, status=404
    ),
    endless("headers without end", "connection_lost", head()[:-2], b"X-Flood: " + b"a" * 990 + b"\r\n"),
    endless("one header without end", "connection_lost", head()[:-2] + b"X-Flood: ", b"a" * 9999),
    endless("a status line without end", "connection_lost", b"HTTP/1.1 200 ", b"a" * 9999),
    endless("a chunk size without end", "connection_lost", head("Transfer-Encoding: chunked"), b"0" * 999),
    told("a body over 1 MiB", "bad_response", answer(200, DONE_JSON + b" " * 2**20), applied=True),
    told("10,000 headers", "connection_lost", answer(200, DONE, *["X-Flood: a" * 9] * 10_000), applied=True),
    told("a gzip bomb", "bad_response", answer(200, GZIP_BOMB, "Content-Encoding: gzip"), applied=True),
    told("a deflate bomb", "bad_response", answer(200, DEFLATE_BOMB, "Content-Encoding: deflate"), applied=True),
    told("a bomb in a bomb", "bad_response", answer(200, GZIP_IN_GZIP, "Content-Encoding: gzip, gzip"), applied=True),
    told("a success in two codings", "bad_response", answer(200, TWICE, "Content-Encoding: gzip, gzip"), applied=True),
    told("422 with a gzip bomb", "validation_failed", answer(422, GZIP_BOMB, "Content-Encoding: gzip"), applied=False),
)

BROKEN_HTTP: tuple[Fault, ...] = (
    told("no HTTP at all", "connection_lost", b"SSH-2.0-OpenSSH_9.2\r\n", applied=True),
    told("HTTP/0.9", "connection_lost", DONE_JSON, applied=True),
    told("HTTP/2 bytes", "connection_lost", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", applied=True),
    told("a status that is no number", "connection_lost", b"HTTP/1.1 abc OK\r\n\r\n", applied=True),
    told(
        "a chunk size that is no number",
        "connection_lost",
        head("Transfer-Encoding: chunked") + b"xyz\r\n",
        applied=True,
    ),
    told("a negative Content-Length", "connection_lost", answer(200, DONE, length="-1"), applied=True),
    told("two Content-Lengths", "connection_lost", answer(200, DONE, "Content-Length: 3"), applied=True),
    told("NUL in a header", "connection_lost", answer(200, DONE, "X-A: a\0b"), applied=True),
    told("a line without a colon among the headers", "connection_lost", answer(200, DONE, "no header"), applied=True),
    told("101 Switching Protocols", "connection_lost", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", applied=True),
    told("declared gzip, but plain", "bad_response", answer(200, DONE, "Content-Encoding: gzip"), applied=True),
    told(
        "gzip cut short",
        "bad_response",
        answer(200, gzip.compress(DONE_JSON)[:-15], "Content-Encoding: gzip"),
        applied=True,
    ),
    told(
        "an unknown content coding", "bad_response", answer(200, b"\x1b\x00\xf8", "Content-Encoding: br"), applied=True
    ),
)
