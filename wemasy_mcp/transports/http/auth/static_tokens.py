"""Who may call: static bearer tokens, or OAuth 2 access tokens, through the SDK's own middleware."""

import hashlib
import hmac
import re
from collections.abc import Sequence

from mcp.server.auth.provider import AccessToken, TokenVerifier

from wemasy_mcp.settings import Settings, SettingsError, read_secret_file, read_token, variable_of
from wemasy_mcp.transports.http.auth.oauth import jwt_verifier

_SEPARATOR = re.compile(r"[,\s]+")


class StaticTokens(TokenVerifier):
    """Knows clients by the tokens that the operator gave out. Keeps their hashes only."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._digests = [_digest(token) for token in tokens]

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who presents `token`, None when nobody does. How long that takes tells nothing about the tokens."""
        presented = _digest(token)
        matches = [hmac.compare_digest(presented, digest) for digest in self._digests]
        if not any(matches):
            return None
        # The SDK lets a session be used only by the client that opened it. Nothing needs the token itself again.
        return AccessToken(token="", client_id=f"token-{matches.index(True)}", scopes=[])


def client_verifier(settings: Settings) -> TokenVerifier | None:
    """Return what tells clients from strangers, None when everybody may call.

    Raises:
        SettingsError: A setting cannot be used.
    """
    tokens = server_tokens(settings)
    verifier = jwt_verifier(settings)
    if tokens and verifier:
        raise SettingsError(
            variable_of("auth_issuer"),
            "stands beside WEMASY_SERVER_TOKEN (or its _FILE), and only one of the two can say who may call.",
        )
    return StaticTokens(tokens) if tokens else verifier


def server_tokens(settings: Settings) -> list[str]:
    """Return the tokens of `WEMASY_SERVER_TOKEN`, or of its file, where a line break separates too.

    Raises:
        SettingsError: There is none, or one that cannot be used.
    """
    if settings.server_token is not None:
        variable, text = variable_of("server_token"), settings.server_token.get_secret_value()
        found = text.split(",")
    elif settings.server_token_file is not None:
        variable = variable_of("server_token_file")
        found = _SEPARATOR.split(read_secret_file(settings.server_token_file, variable))
    else:
        return []
    words = [word for word in found if word.strip()]
    if not words:
        raise SettingsError(variable, "holds no token.")
    try:
        return [read_token(word) for word in words]
    except ValueError:
        raise SettingsError(
            variable, "holds an empty token, a placeholder that was never filled in, or a token with blanks in it."
        ) from None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
