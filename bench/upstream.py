"""A fast fake of the two API operations on 127.0.0.1: one asyncio.Protocol, HTTP/1.1 with keep-alive, no HTTP library.

It listens for plain HTTP, for TLS, and for TLS at a distance, which is a relay that hands every piece on late.
As a program it prints its ports and serves until its standard input ends; `Upstream` is the handle on such a program.
What a call's `value` (or `name`) says decides how it is answered: "422" and "500" with that status, "drop" with a
closed connection, anything else with success.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bench.processes import Process

TOKEN = "bench-token"  # noqa: S105 - a made-up token for a made-up API

ROUND_TRIP_MILLISECONDS = 20
"""Of the API at a distance."""

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_REASONS = {200: b"OK", 401: b"Unauthorized", 404: b"Not Found", 422: b"Unprocessable Content", 500: b"Server Error"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the API is reached, and the file of CA certificates that vouch for it."""

    base_url: str
    trusted: Path


class Upstream:
    """The fake API as a child process."""

    def __init__(self, logs: Path) -> None:
        certificate = _make_certificate(logs)
        self._process = Process([sys.executable, "-m", "bench.upstream", str(certificate)], {}, logs / "upstream.log")
        self._port, tls_port, far_port = map(int, self._process.output.readline().split())
        self.plain = Address(f"http://127.0.0.1:{self._port}/api", certificate)
        self.tls = Address(f"https://127.0.0.1:{tls_port}/api", certificate)
        self.far = Address(f"https://127.0.0.1:{far_port}/api", certificate)

    def delay(self, milliseconds: int) -> None:
        """Make it answer calls so much later from now on."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request("GET", f"/delay/{milliseconds}")
        connection.getresponse().read()
        connection.close()

    def close(self) -> None:
        self._process.stop()


class _Api:
    """What all connections share: the delay and the last id that was given."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.last_id = 0

    def answer(  # noqa: PLR0911 - a table of wishes reads best one by one
        self, path: str, head: bytes, body: bytes
    ) -> tuple[int, dict[str, Any]] | None:
        """Return status and body, or None for a connection that is to be dropped."""
        if path.startswith("/delay/"):
            self.delay = float(path.removeprefix("/delay/")) / 1000
            return 200, {}
        if f"bearer {TOKEN}".encode() not in head.lower():
            return 401, {"error": True, "message": "Unauthenticated."}
        sent = json.loads(body)
        if path.endswith("/memory/save"):
            wish, data = sent.get("value"), {"kind": sent["kind"], "key": sent.get("key")}
        elif path.endswith("/connections/update"):
            wish, data = sent["name"], {"name": sent["name"], "model_name": sent.get("model_name")}
        else:
            return 404, {"message": "Not found."}
        if wish == "drop":
            return None
        if wish == "422":
            return 422, {"message": "The given data was invalid.", "errors": {"value": ["The value is not allowed."]}}
        if wish == "500":
            return 500, {"message": "Server Error"}
        self.last_id += 1
        return 200, {"success": True, "data": {"id": self.last_id, **data}}


class _Connection(asyncio.Protocol):
    def __init__(self, api: _Api) -> None:
        self._api = api
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(_HEAD_END)) >= 0:
            head, body_start = self._received[:end], end + len(_HEAD_END)
            length = _CONTENT_LENGTH.search(head)
            body_end = body_start + (int(length[1]) if length else 0)
            if len(self._received) < body_end:
                return
            body, self._received = self._received[body_start:body_end], self._received[body_end:]
            path = head.split(b" ", 2)[1].decode()
            answer = self._api.answer(path, head, body)
            if self._api.delay and not path.startswith("/delay/"):
                asyncio.get_running_loop().call_later(self._api.delay, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: tuple[int, dict[str, Any]] | None) -> None:
        if answer is None:
            self._transport.abort()
            return
        status, content = answer
        body = json.dumps(content).encode()
        self._transport.write(
            b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nX-RateLimit-Limit: 1000000\r\n"
            b"X-RateLimit-Remaining: 999999\r\nContent-Length: %d\r\n\r\n%b"
            % (status, _REASONS[status], len(body), body)
        )


class _Relay(asyncio.Protocol):
    """One end of a relayed connection; what comes here leaves at the other end half a round trip later."""

    def __init__(self, target_port: int | None, other: _Relay | None = None) -> None:
        self._target_port = target_port
        self._other = other
        self._early: list[bytes] = []
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._target_port is not None:
            self._connecting = asyncio.create_task(self._connect(self._target_port))

    async def _connect(self, port: int) -> None:
        # The kernel has accepted at once: a connection at a distance would be there a whole round trip later.
        await asyncio.sleep(ROUND_TRIP_MILLISECONDS / 1000)
        _, self._other = await asyncio.get_running_loop().create_connection(
            lambda: _Relay(None, self), "127.0.0.1", port
        )
        for data in self._early:
            self._hand_on(data)

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._early.append(data)
        else:
            self._hand_on(data)

    def _hand_on(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(ROUND_TRIP_MILLISECONDS / 2000, self._write_there, data)

    def _write_there(self, data: bytes) -> None:
        if self._other is not None and self._other.transport is not None:
            self._other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._other is not None and self._other.transport is not None:
            self._other.transport.close()


async def _serve(certificate: str) -> None:
    loop = asyncio.get_running_loop()
    api = _Api()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(Path(certificate).with_name("server.pem"))

    async def listen(factory: Callable[[], asyncio.Protocol], context: ssl.SSLContext | None = None) -> int:
        server = await loop.create_server(factory, "127.0.0.1", 0, backlog=2048, ssl=context)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    servers: list[asyncio.Server] = []
    plain = await listen(lambda: _Connection(api))
    encrypted = await listen(lambda: _Connection(api), tls)
    print(plain, encrypted, await listen(lambda: _Relay(encrypted)), flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


def _make_certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1, and return the system's CA certificates with it among them.

    With them, because to read them all is what the first call of a process really costs.
    """
    server, trusted = folder / "server.pem", folder / "trusted.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"]
    command = ["openssl", "req", *kind, "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1"]
    key = folder / "key.pem"
    subprocess.run([*command, "-keyout", str(key), "-out", str(server)], check=True, capture_output=True)  # noqa: S603
    system = Path(ssl.get_default_verify_paths().openssl_cafile)
    certificate = server.read_bytes()
    trusted.write_bytes((system.read_bytes() if system.exists() else b"") + certificate)
    server.write_bytes(key.read_bytes() + certificate)
    return trusted


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
