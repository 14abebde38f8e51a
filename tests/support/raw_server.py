"""A server of raw sockets on loopback: says any bytes, also over TLS or behind a CONNECT, and keeps what it read."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import SocketIO

PATIENCE_SECONDS = 10
"""How long one read may take: nothing here waits for ever."""


@dataclass(slots=True)
class Script:
    """What every connection meets."""

    answer: bytes | None
    """None: the request is read and never answered."""
    tls: ssl.SSLContext | None = None
    connect: bytes | None = None
    """The answer to a CONNECT that comes first, as a proxy gives it."""
    connections: int = 100
    """How many connections are served; later ones are closed at once."""
    greets: bool = True
    """Whether a TLS handshake is answered at all."""


@dataclass(slots=True)
class Seen:
    """What the server read."""

    port: int
    requests: list[bytes] = field(default_factory=list)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.seen = Seen(self.server_address[1])
        self.accepted = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up early, or refuses a certificate, does what the test is about."""


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        script = self.server.script
        self.server.accepted += 1
        if self.server.accepted > script.connections:
            return
        self.request.settimeout(PATIENCE_SECONDS)
        if script.connect is not None:
            self.server.seen.requests.append(_read_head(self.request.makefile("rb", buffering=0)))
            self.request.sendall(script.connect)
        if not script.greets:
            while self.request.recv(4096):
                pass
            return
        if script.tls is None:
            self._answer(self.request)
        else:
            with script.tls.wrap_socket(self.request, server_side=True) as wrapped:
                self._answer(wrapped)

    def _answer(self, connection: ssl.SSLSocket) -> None:
        reader = connection.makefile("rb", buffering=0)
        head = _read_head(reader)
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        self.server.seen.requests.append(head + reader.read(length))
        if self.server.script.answer is None:
            reader.read()
        else:
            connection.sendall(self.server.script.answer)


def _read_head(reader: SocketIO) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = reader.read(1)
        if not byte:
            raise EOFError
        head += byte
    return head


@contextmanager
def raw_server(script: Script) -> Iterator[Seen]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    with _Server(script) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.seen
        finally:
            server.shutdown()
            thread.join(PATIENCE_SECONDS)


def http(status: int, body: bytes, *headers: str, content: str = "application/json") -> bytes:
    """Return an HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {content}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
