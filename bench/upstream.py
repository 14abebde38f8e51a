"""A fast fake of the two API operations on 127.0.0.1: one asyncio.Protocol, HTTP/1.1 with keep-alive, no HTTP library.

As a program it prints its port and serves until its standard input ends; `Upstream` is the handle on such a program.
What a call's `value` (or `name`) says decides how it is answered: "422" and "500" with that status, "drop" with a
closed connection, anything else with success.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import sys
from pathlib import Path
from typing import Any, cast

from bench.processes import Process

TOKEN = "bench-token"  # noqa: S105 - a made-up token for a made-up API

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_REASONS = {200: b"OK", 401: b"Unauthorized", 404: b"Not Found", 422: b"Unprocessable Content", 500: b"Server Error"}


class Upstream:
    """The fake API as a child process."""

    def __init__(self, logs: Path) -> None:
        self._process = Process([sys.executable, "-m", "bench.upstream"], {}, logs / "upstream.log")
        self._port = int(self._process.output.readline())
        self.base_url = f"http://127.0.0.1:{self._port}/api"

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


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    api = _Api()
    server = await loop.create_server(lambda: _Connection(api), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(_serve())
