"""`wemasy-mcp sandbox`: the sandbox alone on loopback, for curl, other clients and the browser."""

import asyncio
import socket

import anyio
from starlette.applications import Starlette
from starlette.types import ASGIApp

from wemasy_mcp.console import wrap
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.sandbox.curl import curl_line
from wemasy_mcp.sandbox.sandbox_app import build_sandbox
from wemasy_mcp.sandbox.silence import HANG_UP
from wemasy_mcp.sandbox.store import IN_MEMORY, SandboxDatabaseError
from wemasy_mcp.sandbox.tokens import READY_MADE
from wemasy_mcp.settings import SettingsError
from wemasy_mcp.system_error import reason_of
from wemasy_mcp.transports.http.guard import Guard, own_hosts, own_origins
from wemasy_mcp.transports.http.request_timeout import RequestTimeoutProtocol
from wemasy_mcp.transports.http.uvicorn_server import Patience, serve_app

_HOST = "127.0.0.1"
_PATIENCE = Patience(latecomers=0, calls=0)
"""Shutdown does not wait for calls: one that is held open may never be answered."""


def run_sandbox(port: int, database: str) -> None:
    """Serve on `port` of 127.0.0.1 (0: any free port) until SIGINT or SIGTERM.

    Raises:
        SettingsError: The port is taken, or the database cannot be used.
    """
    try:
        listener = socket.create_server((_HOST, port))
    except OSError as error:
        reason = reason_of(error) or "it cannot be bound"
        raise SettingsError("--port", f"cannot be used: nothing can listen on {_HOST}:{port} ({reason}).") from None
    with listener:
        # Every connection inherits it: otherwise an answer in two pieces waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            app = build_sandbox(database)
        except SandboxDatabaseError as error:
            raise SettingsError("--sandbox-db", f"cannot be used: {error}") from None
        port = listener.getsockname()[1]
        print(_introduction(port, database), flush=True)
        anyio.run(_serve, app, listener, port)


async def _serve(app: Starlette, listener: socket.socket, port: int) -> None:
    served = for_loopback(app, port)
    await serve_app(served, listener, anyio.Event(), app.state.stop, _PATIENCE, protocol=_Protocol)


def for_loopback(app: ASGIApp, port: int) -> ASGIApp:
    """Return `app` restricted to this machine: a foreign page can make a browser send requests to loopback, too."""
    return Guard(app, own_hosts((), port), own_origins((), port), ())


def _introduction(port: int, database: str) -> str:
    origin = f"http://{_HOST}:{port}"
    kept = "in memory, lost when this stops" if database == IN_MEMORY else f"in {database}"
    facts = {
        "Base URL": f"{origin}/api",
        **{what: token for token, what in READY_MADE.items()},
        "Page": f"{origin}/",
        "Records": kept,
    }
    lines = [
        wrap("The Wemasy sandbox: not the real account, nothing leaves this machine."),
        "",
        *(f"  {name:<{max(map(len, facts))}}  {fact}" for name, fact in facts.items()),
        "",
        "Try it:",
        "",
        *(f"{curl_line(endpoint, f'{origin}/api')}\n" for endpoint in ENDPOINTS),
        "Press Ctrl+C to stop it.",
    ]
    return "\n".join(lines)


class _Protocol(RequestTimeoutProtocol):
    """HTTP/1.1, with a way for the application to close a connection unanswered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, HANG_UP: transport.close}
