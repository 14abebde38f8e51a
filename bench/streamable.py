"""JSON-RPC over streamable HTTP, one keep-alive connection for each request under way, in either protocol era."""

from __future__ import annotations

import http.client
import json
import selectors
import socket
import time
from collections import deque
from typing import Any

from bench.processes import BenchError, Process
from bench.sessions import CLIENT, LEGACY, MODERN, TIMEOUT_SECONDS, Session, compact


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_listening(process: Process, port: int) -> None:
    """Return when `port` takes connections.

    Raises:
        BenchError: The process ended, or does not listen in time.
    """
    until = time.perf_counter() + TIMEOUT_SECONDS
    while time.perf_counter() < until and not process.has_ended():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise BenchError(f"does not listen: {process.last_words()}")


class HttpSession(Session):
    """A server on streamable HTTP."""

    def __init__(self, process: Process, port: int, version: str) -> None:
        super().__init__(process)
        self._port = port
        self._version = version
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": version,
        }
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._selector = selectors.DefaultSelector()

    def send(self, message: dict[str, Any]) -> None:
        connection = self._idle.pop() if self._idle else self._connect()
        headers = self._headers
        if self._version == MODERN:
            message, headers = _with_modern_envelope(message, headers)
        connection.request("POST", "/mcp", compact(message), headers)
        self._selector.register(connection.sock, selectors.EVENT_READ, connection)

    def receive(self) -> dict[str, Any]:
        events = self._selector.select(TIMEOUT_SECONDS)
        if not events:
            raise BenchError(f"no answer in {TIMEOUT_SECONDS:.0f} s")
        key = events[0][0]
        connection: http.client.HTTPConnection = key.data
        self._selector.unregister(key.fileobj)
        response = connection.getresponse()
        body = response.read()
        session = response.getheader("Mcp-Session-Id")
        if session:
            self._headers = self._headers | {"Mcp-Session-Id": session}
        self._idle.append(connection)
        return _message(response, body)

    def initialize(self) -> None:
        if self._version != LEGACY:
            return
        self.request("initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.receive()

    def renew(self) -> None:
        """Drop idle connections: servers close them after some seconds."""
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        connection.connect()
        return connection


def _with_modern_envelope(message: dict[str, Any], headers: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Add what each request of the 2026-07-28 protocol says of itself, in its body and in its headers."""
    params = message["params"]
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": CLIENT,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    names = {"Mcp-Name": params["name"]} if "name" in params else {}
    return message | {"params": params | {"_meta": meta}}, headers | {"Mcp-Method": message["method"]} | names


def _message(response: http.client.HTTPResponse, body: bytes) -> dict[str, Any]:
    kind = response.getheader("Content-Type") or ""
    if body and not kind.startswith(("text/event-stream", "application/json")):
        raise BenchError(f"answered {response.status} {body[:400]!r}")
    if kind.startswith("text/event-stream"):
        events = [line[5:] for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip()]
        messages = [message for message in map(json.loads, events) if "method" not in message]
    else:
        messages = [json.loads(body)] if body else [{}]
    if len(messages) != 1:
        raise BenchError(f"answered {response.status} {body[:400]!r}")
    message: dict[str, Any] = messages[0]
    return message
