"""Many accounts on one deployment: each request brings its own Wemasy token in a header, used for that call only."""

import re

from pydantic import SecretStr
from starlette.datastructures import Headers

from wemasy_mcp.core.client import Attempt, Caller
from wemasy_mcp.core.errors import NotConfigured, Unauthenticated
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.core.request_context import Context
from wemasy_mcp.core.server import TokenSource
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.pasted_token import read_token
from wemasy_mcp.settings import SettingsError, variable_of

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_MEANS_SOMETHING_ELSE = re.compile(
    r"(?i)accept.*|authorization|connection|content-.*|cookie|forwarded|host|last-event-id|mcp-.*|origin|proxy-.*"
    r"|te|trailer|transfer-encoding|upgrade|user-agent|via|x-forwarded-.*"
)


class NoUserToken(NotConfigured):
    """The request brought no usable Wemasy token. Nothing was sent."""

    advice = "The user must add it to the headers in their client's entry for this server."


class UserTokenRefused(Unauthenticated):
    """401: the API does not know the token that the request brought."""

    advice = "The user, not you, must put a valid Wemasy token in the header of their client's entry for this server."


def header_tokens(header: str) -> TokenSource:
    """Return a source that takes a call's token from the request that brought the call.

    Raises:
        SettingsError: The header's name cannot be used, or means something else in HTTP or MCP.
    """
    if not _HEADER_NAME.fullmatch(header) or _MEANS_SOMETHING_ELSE.fullmatch(header):
        raise SettingsError(
            variable_of("user_token_header"),
            "should be a header name of letters, digits and '-', such as X-Wemasy-Token.",
        )

    def token_of(ctx: Context) -> SecretStr:
        headers: Headers = getattr(ctx.request, "headers", Headers())
        values = headers.getlist(header)
        if len(values) != 1:
            raise NoUserToken(f"The request should carry the user's own Wemasy token in one {header} header.")
        try:
            return SecretStr(read_token(values[0]))
        except ValueError:
            raise NoUserToken(f"The {header} header does not hold a usable Wemasy token.") from None

    return token_of


class UserAccounts:
    """Calls the API through `caller`; a refused token is the user's to replace, not the operator's."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.prepare = caller.prepare
        self.stop = caller.stop
        self.finish = caller.finish
        self.aclose = caller.aclose

    async def call(
        self, endpoint: Endpoint, body: bytes, *, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Reply:
        """Send the body once and return what the API confirmed.

        Raises:
            WemasyError: Anything else, with what is known about the write.
        """
        try:
            return await self._caller.call(endpoint, body, token=token, user_agent=user_agent, attempt=attempt)
        except Unauthenticated as error:
            raise UserTokenRefused(
                error.message, status=error.status, rate_limit=error.rate_limit, notes=error.notes
            ) from None
