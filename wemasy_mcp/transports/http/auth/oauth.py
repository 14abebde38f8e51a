"""An OAuth 2.1 resource server: access tokens that are JWTs of one issuer, for one audience.

Sources: the MCP specification, "Authorization"; RFC 9068 (JWT access tokens), RFC 8725 (JWT best practices),
RFC 9728 (protected resource metadata).
"""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import jwt
from jwt.algorithms import OKPAlgorithm
from jwt.types import Options
from mcp.server.auth.provider import AccessToken, TokenVerifier

from wemasy_mcp.settings import Settings, SettingsError, variable_of
from wemasy_mcp.transports.http.auth.jwks import ALGORITHMS, JwkSet, Key
from wemasy_mcp.urls import read_url

LEEWAY_SECONDS = 60
"""Maximum seconds between the issuer's clock and this one."""

_JWS = jwt.PyJWS()
for _name in ("Ed25519", "Ed448"):
    # A later PyJWT may know the names in RFC 9864 itself.
    with suppress(ValueError):
        _JWS.register_algorithm(_name, OKPAlgorithm())

_CLAIMS_ONLY: Options = {
    "verify_signature": False,
    **{f"verify_{name}": True for name in ("exp", "nbf", "iat", "aud", "iss", "sub")},  # type: ignore[typeddict-item]
    "require": ["exp", "iss", "aud"],
}
"""With `verify_signature` off, PyJWT also skips every other check that is not requested explicitly."""

_CLIENT = ("client_id", "azp", "cid", "appid", "sub")
"""Claims that name the client: RFC 9068; OpenID Connect (Keycloak, Auth0, Entra v2, ZITADEL); Okta; Entra v1."""

_SCOPES = ("scope", "scp", "permissions", "roles")
"""Claims of what a token may do: RFC 9068 (text); Entra (text) and Okta (list); Auth0 with RBAC; an Entra application.

Only the first one in a token counts: a user's roles allow more than was granted to the client.
"""

_ZITADEL_ROLES = re.compile(r"urn:zitadel:iam:org:project:(\d+:)?roles")
"""ZITADEL's JWTs have no scopes; an object of this name has a member for each role that was granted."""


class JwtTokens(TokenVerifier):
    """Recognises clients by access tokens that `issuer` signed for `audience`."""

    def __init__(self, issuer: str, audience: str, keys: JwkSet) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the client that presents `token`; None if it is not valid here and now.

        Raises:
            KeysUnavailableError: It cannot be checked yet.
        """
        try:
            # Unverified, to avoid looking up a key that would make no difference.
            claims = self._valid_claims(token)
            header = jwt.get_unverified_header(token)
            algorithm, key_id = header.get("alg"), header.get("kid")
            if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
                return None
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None

        def signed_with(key: Key) -> bool:
            return key.fits(algorithm, key_id) and _is_signed(token, key, algorithm)

        # PyJWT has checked that it is a number; RFC 9068 requires it.
        age = time.time() - int(claims.get("iat", 0))
        if await self._keys.find(signed_with, key_id, age) is None:
            return None
        client = next((claims[name] for name in _CLIENT if isinstance(claims.get(name), str)), "")
        # The SDK lets only the client and user that opened a session use it. Nothing needs the token again.
        return AccessToken(
            token="",
            client_id=client,
            scopes=_granted(claims),
            subject=claims.get("sub"),
            claims={"iss": self._issuer},
        )

    async def could_admit(self) -> bool:
        """Return whether anyone could be admitted now: not while the issuer's keys are unavailable."""
        return await self._keys.could_admit()

    def _valid_claims(self, token: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token, audience=self._audience, issuer=self._issuer, leeway=LEEWAY_SECONDS, options=_CLAIMS_ONLY
        )
        return claims


def _is_signed(token: str, key: Key, algorithm: str) -> bool:
    try:
        _JWS.decode_complete(token, key.public, [algorithm], {"enforce_minimum_key_length": True})
    except (jwt.PyJWTError, ValueError):
        return False
    return True


def _granted(claims: Mapping[str, Any]) -> list[str]:
    names = (*_SCOPES, *filter(_ZITADEL_ROLES.fullmatch, claims))
    given = next((claims[name] for name in names if claims.get(name) is not None), ())
    if isinstance(given, str):
        return given.split()
    return [scope for scope in given if isinstance(scope, str)] if isinstance(given, (list, dict)) else []


def jwt_verifier(settings: Settings) -> JwtTokens | None:
    """Return the verifier of access tokens; None if no issuer is set.

    Raises:
        SettingsError: The issuer, audience or key address is missing or cannot be used.
    """
    given = {name: getattr(settings, name) for name in ("auth_issuer", "auth_audience", "auth_jwks_url")}
    if not any(given.values()):
        if settings.auth_scopes:
            raise SettingsError(variable_of("auth_scopes"), "needs WEMASY_AUTH_ISSUER: only its tokens have scopes.")
        return None
    for name, value in given.items():
        if not value:
            others = " and ".join(variable_of(other) for other in given if other != name)
            raise SettingsError(variable_of(name), f"is not set; {others} need it.")
        if name != "auth_audience":
            try:
                read_url(value, "https://issuer.example")
            except ValueError as error:
                raise SettingsError(variable_of(name), str(error)) from None
    return JwtTokens(given["auth_issuer"], given["auth_audience"], JwkSet(given["auth_jwks_url"]))


def is_granted(scope: str, scopes: Sequence[str]) -> bool:
    """Return whether a token's scopes include the one wanted. Entra asks for `api://app/use`; its tokens hold `use`."""
    return scope in scopes or (":" in scope and scope.rpartition("/")[2] in scopes)


def protected_resource(settings: Settings, host: str, path: str) -> dict[str, Any]:
    """Return the metadata that points clients to the issuer (RFC 9728).

    The resource is the audience where that is a URL of this server. Upper and lower case stay as given: clients compare
    the text with what they know.

    Args:
        settings: The issuer and the audience, both set.
        host: The `Host` that clients send.
        path: The path at which clients reach MCP.
    """
    audience = urlsplit(settings.auth_audience or "")
    own_url = f"{'https' if settings.allowed_hosts else 'http'}://{host}{path}"
    is_own = audience.scheme in {"https", "http"} and audience.netloc in {host, *settings.allowed_hosts}
    return {
        "resource": audience.geturl() if is_own else own_url,
        "authorization_servers": [settings.auth_issuer],
        **({"scopes_supported": settings.auth_scopes} if settings.auth_scopes else {}),
        "bearer_methods_supported": ["header"],
    }
