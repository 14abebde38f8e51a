"""The parser in C, which comes with the extra `fast`."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wemasy_mcp.http.punctual import Punctual

MAX_HEAD = 2**16
"""Bytes of a request's head: 64 KiB, as many as h11 takes. httptools itself knows no limit."""


class PunctualHttpTools(Punctual, HttpToolsProtocol):  # type: ignore[misc]
    """Notes which part of a request is arriving, which httptools tells only as it happens."""

    _has_begun = False
    _is_in_head = False
    _head_size = 0

    def data_received(self, data: bytes) -> None:
        """Take a part of a request, of whose head only so much."""
        super().data_received(data)
        if self._is_in_head:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """httptools: the first byte of a request."""
        super().on_message_begin()
        self._has_begun = self._is_in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a field, which ends in blanks that are no part of it (RFC 9110, section 5.5)."""
        super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """httptools: the head has come."""
        super().on_headers_complete()
        self._is_in_head = False
        self._head_size = 0

    def on_message_complete(self) -> None:
        """httptools: the last byte of a request."""
        super().on_message_complete()
        self._has_begun = False

    def _is_arriving(self) -> bool:
        return self._has_begun
