"""Lines of JSON-RPC, without I/O: bytes into lines, a line into a message or the error that answers it."""

from dataclasses import dataclass

from mcp import types

from wemasy_mcp.json_weight import weigh
from wemasy_mcp.transports.message import Refusal, find_id, read, refuse
from wemasy_mcp.transports.normalize import normalize_message

MAX_LINE = 16 * 2**20
"""Maximum bytes of one message: 16 MiB."""

MAX_WEIGHT = 96 * 2**20
"""Bytes of memory that one message may take once it is read: more than any arguments of 1 MiB, the API's limit."""

_KEPT_OF_LONG_LINE = 65_536


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line of more than `MAX_LINE` bytes, of which only the beginning was kept."""

    beginning: bytes


class LineSplitter:
    """Cuts a stream of bytes into lines, in bounded memory."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._long: LongLine | None = None

    def feed(self, chunk: bytes) -> None:
        """Add a chunk of input."""
        self._buffer += chunk

    def next_line(self) -> bytes | LongLine | None:
        """Return the next whole line without its line end; None if more input is needed."""
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._bound_memory()
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        long, self._long = self._long, None
        if long is None and len(line) > MAX_LINE:
            return LongLine(line[:_KEPT_OF_LONG_LINE])
        return long or line

    def rest(self) -> bytes | LongLine:
        """Return the input after the last line end: at the end of input it counts as a line."""
        rest = self._long or bytes(self._buffer)
        self._buffer.clear()
        self._long = None
        return rest

    def _bound_memory(self) -> None:
        self._searched = len(self._buffer)
        if self._long is None and len(self._buffer) > MAX_LINE:
            self._long = LongLine(bytes(self._buffer[:_KEPT_OF_LONG_LINE]))
        if self._long is not None:
            self._buffer.clear()
            self._searched = 0


def read_message(line: bytes | LongLine) -> types.JSONRPCMessage | Refusal:
    """Return the message that the line holds, or the error that answers it (JSON-RPC 2.0, section 5.1)."""
    if isinstance(line, LongLine):
        text = f"The message is longer than {MAX_LINE} bytes."
        return refuse(types.INVALID_REQUEST, text, find_id(line.beginning))
    if weigh(line, MAX_WEIGHT) > MAX_WEIGHT:
        return refuse(types.INVALID_REQUEST, "The message holds too many values.", find_id(line, is_whole=True))
    return read(normalize_message(line))
