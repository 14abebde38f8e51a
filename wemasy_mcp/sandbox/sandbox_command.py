"""`wemasy-mcp sandbox`: the sandbox alone on loopback, for curl, for other clients and to be looked at."""

import asyncio
import os
import socket
import sys
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.sandbox.curl import curl_line
from wemasy_mcp.sandbox.sandbox_app import build_sandbox
from wemasy_mcp.sandbox.silence import HANG_UP
from wemasy_mcp.sandbox.store import IN_MEMORY, SandboxDatabaseError
from wemasy_mcp.sandbox.tokens import READY_MADE

_HOST = "127.0.0.1"
_SECONDS_TO_FINISH = 3


def run_sandbox(port: int, database: str) -> int:
    """Serve until SIGINT or SIGTERM on `port` of 127.0.0.1 (0: any free one) and return the exit status.

    2, with one line on stderr: the port is taken, or the database cannot be used.
    """
    try:
        listener = socket.create_server((_HOST, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        sys.stderr.write(f"wemasy-mcp: cannot listen on {_HOST}:{port} (--port): {reason}\n")
        return 2
    with listener:
        try:
            app = build_sandbox(database)
        except SandboxDatabaseError as error:
            sys.stderr.write(f"wemasy-mcp: {error} (--sandbox-db)\n")
            return 2
        sys.stdout.write(_introduction(listener.getsockname()[1], database))
        sys.stdout.flush()
        _Server(app).run([listener])
    return 0


def _introduction(port: int, database: str) -> str:
    origin = f"http://{_HOST}:{port}"
    kept = "in memory, gone when this ends" if database == IN_MEMORY else f"in {database}"
    facts = {
        "Base URL": f"{origin}/api",
        **{what: token for token, what in READY_MADE.items()},
        "Page": f"{origin}/",
        "Records": kept,
    }
    lines = [
        "The Wemasy sandbox: not the real account, nothing leaves this machine.",
        "",
        *(f"  {name:<{max(map(len, facts))}}  {fact}" for name, fact in facts.items()),
        "",
        "Try it:",
        "",
        *(f"{curl_line(endpoint, f'{origin}/api')}\n" for endpoint in ENDPOINTS),
        "Ctrl+C ends it.",
    ]
    return "\n".join(lines) + "\n"


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, with a way for the application to close a connection unanswered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, HANG_UP: transport.close}


class _Server(uvicorn.Server):
    """A uvicorn server that a signal ends with status 0, also while pages watch and calls are held open."""

    def __init__(self, app: Starlette) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        )
        super().__init__(config)
        self._stop = app.state.stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, at the second signal at once. uvicorn's own would raise the signal again afterwards."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would not end by itself, then shut down."""
        self._stop()
        await super().shutdown(sockets)
