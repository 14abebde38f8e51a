"""The one request: an empty object to an endpoint, sent exactly as the server sends a call.

According to its documentation, the API refuses it. Only the answer shows whether it did.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from wemasy_mcp import __version__
from wemasy_mcp.core.client import WemasyClient
from wemasy_mcp.core.errors import Unreachable, WemasyError
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.doctor.observed import Observed
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.settings import Settings

PROBED: Endpoint = next(it for it in ENDPOINTS if it.idempotent and "required" in it.argument_schema)
"""The endpoint that is called. It requires arguments, so the API refuses the empty request; if that ever changes, an
idempotent endpoint does the least harm."""

USER_AGENT = f"wemasy-mcp/{__version__} (doctor)"


class _HeldBack(Observed):
    """Connects all the way, through proxy and TLS, and stops before the first byte of the request."""

    __slots__ = ()

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            raise Unreachable("The request was held back.")
        await Observed.trace(self, event, info)


async def send_empty_request(settings: Settings, token: SecretStr | None) -> tuple[Observed, Reply | WemasyError]:
    """Send it, and return the observations and the outcome. Without a token, nothing is sent."""
    observed = Observed() if token else _HeldBack()
    token = token or SecretStr("held-back")  # a header needs a value, though it is never sent
    client = WemasyClient(settings.base_url, timeout_seconds=settings.timeout_seconds)
    try:
        reply = await client.call(PROBED, b"{}", token=token, user_agent=USER_AGENT, attempt=observed)
    except WemasyError as error:
        return observed, error
    finally:
        await client.aclose()
    return observed, reply
