"""The path from settings to a listening server: this package's only entry point."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
from mcp.server.auth.provider import TokenVerifier
from mcp.server.lowlevel import Server

from wemasy_mcp import __version__
from wemasy_mcp.observability.events import log_event
from wemasy_mcp.settings import Settings
from wemasy_mcp.transports.http.asgi import build_app, mcp_path
from wemasy_mcp.transports.http.auth.admission import client_verifier
from wemasy_mcp.transports.http.listener import listen, url_host
from wemasy_mcp.transports.http.uvicorn_server import serve_app

logger = logging.getLogger(__name__)

SHOWN = (
    *("base_url", "sandbox", "tools", "null_arguments", "user_token_header", "repeats"),
    *("timeout_seconds", "answer_seconds", "keepalive_seconds"),
    *("transport", "allowed_hosts", "allowed_origins", "path_prefix", "auth_scopes"),
)
"""The settings logged at startup."""


async def serve_http(server: Server[Any], settings: Settings, stop_calls: Callable[[], None]) -> None:
    """Serve MCP over HTTP until a stop signal, then finish the calls in progress.

    Args:
        server: The MCP server.
        settings: The address, the transport, and the clients to admit.
        stop_calls: Makes the calls in progress answer immediately.

    Raises:
        SettingsError: A setting cannot be used, or the port is taken.
    """
    # Its warnings contain session ids.
    logging.getLogger("mcp.server.sse").setLevel(logging.ERROR)
    verifier = client_verifier(settings)
    with listen(settings.host, settings.port, knows_clients=verifier is not None) as listener:
        port = listener.getsockname()[1]
        stopping = anyio.Event()
        app = build_app(server, settings, port, verifier, stopping)
        log_event(logger, logging.INFO, "configuration", _configuration(settings, verifier))
        logger.info("serving MCP at http://%s:%s%s", url_host(settings.host), port, mcp_path(settings))
        await serve_app(app, listener, stopping, stop_calls)


def _configuration(settings: Settings, verifier: TokenVerifier | None) -> dict[str, object]:
    """Return the values that an operator compares between replicas; for secrets and addresses, only if they are set."""
    return {
        "version": __version__,
        "clients": "anyone" if verifier is None else "oauth" if settings.auth_issuer else "static tokens",
        "redis": settings.redis_url is not None,
        **{name: ",".join(value) if isinstance(value := getattr(settings, name), tuple) else value for name in SHOWN},
    }
