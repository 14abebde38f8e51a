"""What is measured: this server, what a user would pick instead of it, and the floors below them all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.environments import CACHE, PEERS, executable
from bench.processes import BenchError, Process
from bench.sessions import Session
from bench.stdio import StdioSession
from bench.streamable import HttpSession, free_port, wait_until_listening
from bench.upstream import TOKEN, Address

OURS, UNKEPT = "wemasy-mcp", "wemasy-mcp (0 s)"


@dataclass(frozen=True, slots=True)
class Server:
    """A server's command, which serves stdio, and the arguments that make it serve streamable HTTP on `{port}`."""

    name: str
    what: str
    command: tuple[str, ...]
    http_arguments: tuple[str, ...] = ("{port}",)
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self, api: Address, logs: Path) -> Process:
        return Process(self.command, self._environment(api), logs / f"{self.name}.log")

    def start_stdio(self, api: Address, logs: Path) -> Session:
        return StdioSession(self.start(api, logs))

    def start_http(self, api: Address, logs: Path, extra: Mapping[str, str] | None = None) -> tuple[Process, int]:
        """Start it on a free port and return when it listens.

        Raises:
            BenchError: It does not.
        """
        port = free_port()
        arguments = [argument.format(port=port) for argument in self.http_arguments]
        environment = self._environment(api) | dict(extra or {})
        process = Process(
            [*self.command, *arguments], environment, logs / f"{self.name}-http.log", output_is_read=False
        )
        try:
            wait_until_listening(process, port)
        except BenchError:
            process.stop()
            raise
        return process, port

    def _environment(self, api: Address) -> dict[str, str]:
        ours = {"WEMASY_BASE_URL": api.base_url, "WEMASY_API_TOKEN": TOKEN}
        theirs = {"API_BASE_URL": api.base_url, "API_TOKEN": TOKEN}
        trusted = dict.fromkeys(("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), str(api.trusted))
        return ours | theirs | trusted | dict(self.environment)


@dataclass(frozen=True, slots=True)
class Floor:
    """A program whose whole run is timed: no server can start faster than what it is made of."""

    name: str
    command: tuple[str, ...]


def servers() -> tuple[Server, ...]:
    """Return this server first, then its peers; those whose runtime is missing are left out."""
    python, serve_http = executable("sdk", "python"), ("--transport", "streamable-http", "--port", "{port}")
    own = (executable("sdk", "wemasy-mcp"),)
    found: tuple[Server, ...] = (
        Server(OURS, "this server, as it is set up by default", own, serve_http),
        Server(
            UNKEPT,
            "with `WEMASY_KEEPALIVE_SECONDS=0`: a connection to the API for every call",
            own,
            serve_http,
            {"WEMASY_KEEPALIVE_SECONDS": "0"},
        ),
        Server("MCPServer", "by hand on the SDK's `MCPServer`", (python, str(PEERS / "mcpserver.py"))),
        Server("low-level", "by hand on the SDK's low-level `Server`", (python, str(PEERS / "lowlevel.py"))),
        Server(
            "from_openapi",
            "`FastMCP.from_openapi`",
            (executable("fastmcp", "python"), str(PEERS / "fastmcp_openapi.py")),
        ),
    )
    if node := shutil.which("node"):
        script = str(CACHE / "node" / "typescript.mjs")
        found += (Server("TypeScript", "by hand on `@modelcontextprotocol/sdk`", (node, script)),)
    return found


def floors() -> tuple[Floor, ...]:
    python, fastmcp = executable("sdk", "python"), executable("fastmcp", "python")
    found: tuple[Floor, ...] = (
        Floor("python -c pass", (python, "-c", "pass")),
        Floor("import mcp_types", (python, "-c", "import mcp_types")),
        Floor("import mcp.server", (python, "-c", "import mcp.server")),
        Floor("import httpx2", (python, "-c", "import httpx2")),
        Floor("import fastmcp", (fastmcp, "-c", "from fastmcp import FastMCP")),
    )
    if node := shutil.which("node"):
        found += (Floor("node -e 0", (node, "-e", "0")),)
    return found


def direct_calls() -> tuple[Server, ...]:
    """Return the floors of a call: httpx2 alone, on a kept connection and on one connection a call."""
    command = (executable("sdk", "python"), str(PEERS / "direct_httpx2.py"))
    return (
        Server("httpx2 alone (kept)", "a direct httpx2 call on a kept connection", command),
        Server("httpx2 alone", "a direct httpx2 call, one connection a call", (*command, "fresh")),
    )


def open_http(process: Process, port: int, version: str) -> Session:
    session = HttpSession(process, port, version)
    session.open()
    return session
