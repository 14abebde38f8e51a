"""The protocol era in which a connection opens. An answered `server/discover` does not commit the client.

Clients give a discovery a second or so, then fall back to the handshake, possibly while the answer is in transit. The
SDK locks the connection to the 2026 era at the discovery and would refuse the handshake.
"""

from mcp import types

ANSWER_SECONDS = 3.0
"""Maximum seconds to wait for the answers to discoveries before a connection starts over."""

_VERSION = "io.modelcontextprotocol/protocolVersion"


class Opening:
    """The state of one connection's opening so far."""

    def __init__(self) -> None:
        self._is_open = False
        self._is_discovered = False

    def starts_over(self, message: types.JSONRPCMessage) -> bool:
        """Return whether `message` is a handshake after only discoveries: the SDK then needs a new connection."""
        if self._is_open or not isinstance(message, types.JSONRPCRequest):
            return False
        if message.method == "server/discover":
            self._is_discovered = True
            return False
        if message.method == "initialize":
            self._is_open = True
            return self._is_discovered
        # Without the envelope the message is not of the 2026 era: it is refused there, and does not commit the client.
        self._is_open = not self._is_discovered or is_modern(message)
        return False


def is_modern(request: types.JSONRPCRequest) -> bool:
    """Return whether a request has the envelope of the 2026 era, which has no handshake."""
    meta = (request.params or {}).get("_meta")
    return isinstance(meta, dict) and _VERSION in meta
