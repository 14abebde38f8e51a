"""HTTP/1.1 parsed in C, with the extra `fast`. httptools alone limits no head, and loses the body of some requests."""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wemasy_mcp.http.punctual import Config, Punctual

MAX_HEAD = 2**16
"""Bytes of a request's head that are taken before its end has come, as h11 takes them."""

INVALID = "Invalid HTTP request received."


class PunctualHttpTools(Punctual, HttpToolsProtocol):
    """Parsed by httptools."""

    config: Config
    _is_open = False
    """Whether a request has begun and not ended."""
    _head_is_open = False
    _head_size = 0
    """Bytes that came of the open head."""

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        self._unset_keepalive_if_required()
        try:
            self._feed(memoryview(data))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.send_400_response(INVALID)
        self._head_size = self._head_size + len(data) if self._head_is_open else 0
        if self._head_size > MAX_HEAD:
            self.send_400_response(INVALID)
        # A line end before a request is no part of it to httptools.
        self._expect(arriving=self._is_open or not self.has_request())

    def on_message_begin(self) -> None:
        """httptools: the first byte of a request has come."""
        self._is_open = self._head_is_open = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header has come; blanks around its value are no part of it (RFC 9112, section 5)."""
        super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """httptools: the head has come."""
        self._head_is_open = False
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """httptools: the whole request has come."""
        if not self.parser.should_upgrade():
            self._is_open = False
            super().on_message_complete()

    def _is_arriving(self) -> bool:
        return self._is_open

    def _feed(self, data: memoryview) -> None:
        """Parse `data`, and each request in it that offers another protocol a second time, without the offer.

        A server may ignore it (RFC 9110, section 7.8). Java's HTTP client offers HTTP/2 in every request; httptools
        takes what follows for that protocol's, the body too. CONNECT, which is not served here, is to it an offer that
        cannot be left out.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                head = self._head_without_offer()
                # A new parser: the old one passes over all that follows a request with `Connection: close`.
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(head)
                data = data[offer.args[0] :]
            else:
                return

    def _head_without_offer(self) -> bytes:
        headers = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        version = self.parser.get_http_version().encode()
        return b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, headers)
