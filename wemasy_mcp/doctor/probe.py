"""The one request: an empty object to an endpoint, sent exactly as the server sends a call. It writes nothing."""

from pydantic import SecretStr

from wemasy_mcp import __version__
from wemasy_mcp.client import WemasyClient
from wemasy_mcp.doctor.observed import Observed
from wemasy_mcp.endpoint import AnyEndpoint
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.errors import WemasyError
from wemasy_mcp.protocol import Reply
from wemasy_mcp.settings import Settings

PROBED: AnyEndpoint = next(endpoint for endpoint in ENDPOINTS if endpoint.idempotent)
"""Which endpoint is asked. It requires arguments, so the API refuses the empty request; should that ever change, an
idempotent one does the least."""

USER_AGENT = f"wemasy-mcp/{__version__} (doctor)"


async def send_empty_request(settings: Settings, token: SecretStr) -> tuple[Observed, Reply | WemasyError]:
    """Send it, and return what was seen on the way and what came of it."""
    observed = Observed()
    client = WemasyClient(settings.base_url, timeout_seconds=settings.timeout_seconds)
    try:
        reply = await client.call(PROBED, b"{}", token=token, user_agent=USER_AGENT, attempt=observed)
    except WemasyError as error:
        return observed, error
    finally:
        await client.aclose()
    return observed, reply
