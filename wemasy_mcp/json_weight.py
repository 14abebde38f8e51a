"""The memory that a JSON text takes once it is parsed, estimated before it is: a byte may become a hundred."""

from collections.abc import Iterator

MAX_WEIGHT = 24 * 2**20
"""Bytes of memory that one message over HTTP may take once it is read, and one text within arguments."""

TOO_HEAVY = "Input holds too many values to be read from a text"
"""The error of an argument whose JSON text is not parsed."""

SMALL = 2**14
"""Bytes of each message that do not count where many share a limit: one of usual size is never refused."""

COPIES = 5
"""How often a message's text is held while it is handled, beyond once: as bytes and as text, by us and by the SDK."""

_COSTS = {b"[": 160, b"{": 160, b",": 64, b":": 240}
"""Bytes of memory that a value and a member's name take in Python beyond their text, measured and rounded up."""

_PART = 2**16


def weigh(text: bytes | bytearray, limit: int = MAX_WEIGHT) -> int:
    """Return an upper bound on the bytes of memory that a JSON text takes, the closer one if it is above `limit`."""
    weight = len(text) + _cost(text)
    # These characters may occur inside strings, where they cost nothing.
    return weight if weight <= limit else len(text) + sum(map(_cost, _outside_strings(text)))


def weigh_copies(length: int) -> int:
    """Return the bytes of memory that the copies of a text take while it is handled, beyond `SMALL` of each."""
    return COPIES * max(0, length - SMALL)


def is_too_heavy(text: str) -> bool:
    """Return whether a JSON text within arguments must not be parsed."""
    return weigh(text.encode(errors="surrogatepass")) > MAX_WEIGHT


def _cost(text: bytes | bytearray) -> int:
    return sum(text.count(sign) * cost for sign, cost in _COSTS.items())


def _outside_strings(text: bytes | bytearray) -> Iterator[bytes]:
    """Yield `text` without its strings, part by part: the pieces of the whole would take many times its memory."""
    start, in_string = 0, False
    while start < len(text):
        part = bytes(text[start : start + _PART])
        if (len(part) - len(part.rstrip(b"\\"))) % 2:
            # What the last backslash escapes belongs to it.
            part = bytes(text[start : start + _PART + 1])
        start += len(part)
        # Without the escaped ones, every quote begins or ends a string.
        pieces = part.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
        yield b"".join(pieces[in_string::2])
        in_string ^= len(pieces) % 2 == 0
