"""An OAuth 2.1 resource server: access tokens that are JWTs of one issuer, for one audience.

Sources: the MCP specification, "Authorization"; RFC 9068 (JWT access tokens), RFC 8725 (JWT best practices),
RFC 9728 (protected resource metadata).
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import jwt
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.shared.auth import ProtectedResourceMetadata

from wemasy_mcp.settings import Settings, SettingsError, is_loopback, variable_of
from wemasy_mcp.transports.http.auth.jwks import ALGORITHMS, JwkSet

LEEWAY_SECONDS = 10
"""How far the issuer's clock may be from this one."""


class JwtTokens(TokenVerifier):
    """Knows clients by access tokens that `issuer` signed for `audience`."""

    def __init__(self, issuer: str, audience: str, keys: JwkSet) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who presents `token`, None when it is not valid here and now.

        Raises:
            KeysUnavailableError: The issuer has not been reached yet.
        """
        try:
            key = await self._keys.find(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
        except (jwt.PyJWTError, ValueError):
            return None
        client = next((claims[name] for name in ("client_id", "azp", "sub") if isinstance(claims.get(name), str)), "")
        # The SDK lets a session be used only by the client and user that opened it. Nothing needs the token again.
        return AccessToken(
            token="", client_id=client, scopes=[], subject=claims.get("sub"), claims={"iss": self._issuer}
        )


def jwt_verifier(settings: Settings) -> JwtTokens | None:
    """Return what checks access tokens, None when no issuer is set.

    Raises:
        SettingsError: Of issuer, audience and key address one is missing or cannot be used.
    """
    given = {name: getattr(settings, name) for name in ("auth_issuer", "auth_audience", "auth_jwks_url")}
    if not any(given.values()):
        return None
    for name, value in given.items():
        if not value:
            others = " and ".join(variable_of(other) for other in given if other != name)
            raise SettingsError(variable_of(name), f"is not set; {others} need it.")
        if name != "auth_audience" and not _is_safe_url(value):
            raise SettingsError(variable_of(name), "should be an https URL (http only on loopback).")
    return JwtTokens(given["auth_issuer"], given["auth_audience"], JwkSet(given["auth_jwks_url"]))


def protected_resource(settings: Settings, hosts: Sequence[str], path: str) -> ProtectedResourceMetadata:
    """Return how clients find the issuer: the resource is the audience where that is a URL of this server.

    Args:
        settings: The issuer and the audience, both set.
        hosts: The `Host` values that are served.
        path: Where MCP is served.
    """
    audience = urlsplit(settings.auth_audience or "")
    own_url = f"{'https' if settings.allowed_hosts else 'http'}://{hosts[0]}{path}"
    is_own = audience.scheme in {"https", "http"} and audience.netloc in hosts
    # From text, because a URL object has lost whether it ended in a slash, and clients compare the letters.
    return ProtectedResourceMetadata.model_validate(
        {"resource": audience.geturl() if is_own else own_url, "authorization_servers": [settings.auth_issuer]}
    )


def _is_safe_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        host = url.hostname
    except ValueError:
        return False
    return bool(host) and (url.scheme == "https" or (url.scheme == "http" and is_loopback(host or "")))
