"""From settings to a listening server: the one door of this package."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
from mcp.server.lowlevel import Server

from wemasy_mcp.settings import Settings
from wemasy_mcp.transports.http.asgi import build_app, mcp_path
from wemasy_mcp.transports.http.auth.admission import client_verifier
from wemasy_mcp.transports.http.listener import listen, url_host
from wemasy_mcp.transports.http.uvicorn_server import serve_app

logger = logging.getLogger(__name__)


async def serve_http(server: Server[Any], settings: Settings, stop_calls: Callable[[], None]) -> None:
    """Serve MCP over HTTP until a stop signal, then finish the calls under way.

    Args:
        server: What answers.
        settings: Where, over which transport, and for whom.
        stop_calls: Makes the calls under way answer at once.

    Raises:
        SettingsError: A setting cannot be used, or the port is taken.
    """
    # Its warnings spell session ids out.
    logging.getLogger("mcp.server.sse").setLevel(logging.ERROR)
    verifier = client_verifier(settings)
    with listen(settings.host, settings.port, knows_clients=verifier is not None) as listener:
        port = listener.getsockname()[1]
        stopping = anyio.Event()
        app = build_app(server, settings, port, verifier, stopping)
        logger.info("serving MCP at http://%s:%s%s", url_host(settings.host), port, mcp_path(settings))
        await serve_app(app, listener, stopping, stop_calls)
