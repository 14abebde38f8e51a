"""Admission of clients: bearers of a static token or of an access token, as the operator configured (RFC 6750)."""

from collections.abc import Sequence

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import TokenVerifier
from starlette.authentication import AuthCredentials
from starlette.types import ASGIApp, Receive, Scope, Send

from wemasy_mcp.settings import Settings, SettingsError, variable_of
from wemasy_mcp.transports.http.auth.jwks import KeysUnavailableError
from wemasy_mcp.transports.http.auth.oauth import is_granted, jwt_verifier
from wemasy_mcp.transports.http.auth.static_tokens import static_tokens
from wemasy_mcp.transports.http.refusal import Refusal


def client_verifier(settings: Settings) -> TokenVerifier | None:
    """Return the verifier of clients' tokens; None if anyone may call.

    Raises:
        SettingsError: A setting cannot be used.
    """
    static, issued = static_tokens(settings), jwt_verifier(settings)
    if static is not None and issued is not None:
        raise SettingsError(
            variable_of("auth_issuer"),
            "cannot be combined with WEMASY_SERVER_TOKEN (or its _FILE); keep one of them.",
        )
    return static or issued


class Admission:
    """Serves clients and refuses strangers before looking at anything else in the request.

    Args:
        app: The application that serves clients.
        verifier: Recognises clients.
        scopes: The scopes that a client's token must have.
        metadata_url: The URL where strangers find the issuer of tokens (RFC 9728).
    """

    def __init__(
        self, app: ASGIApp, verifier: TokenVerifier, scopes: Sequence[str] = (), metadata_url: str | None = None
    ) -> None:
        self._app = AuthContextMiddleware(app)
        self._verifier = verifier
        self._scopes = scopes
        self._found_at = {
            **({"scope": " ".join(scopes)} if scopes else {}),
            **({"resource_metadata": metadata_url} if metadata_url else {}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request as its client's, or refuse it."""
        await (await self._judge(scope))(scope, receive, send)

    async def _judge(self, scope: Scope) -> ASGIApp:
        presented = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = presented[0].strip().partition(" ") if presented else ("", "", "")
        if len(presented) > 1:
            return self._challenge(400, "invalid_request", "The request has more than one Authorization header.")
        if scheme.lower() != "bearer" or not token:
            # A request without credentials gets no error code in its challenge (RFC 6750, section 3.1).
            refusal = "Present a token of this server as `Authorization: Bearer …`."
            return self._challenge(401, "authentication_required", refusal, is_named=False)
        try:
            client = await self._verifier.verify_token(token.strip())
        except KeysUnavailableError as error:
            # A 401 would make the client discard its token.
            refusal = "The token issuer's keys are not available right now. Send the same request again later."
            return Refusal(503, "temporarily_unavailable", refusal, {"Retry-After": f"{error.retry_after}"})
        if client is None:
            return self._challenge(401, "invalid_token", "The token is unknown, invalid or expired.")
        if not all(is_granted(wanted, client.scopes) for wanted in self._scopes):
            return self._challenge(403, "insufficient_scope", f"The token needs the scopes {' '.join(self._scopes)}.")
        scope["user"] = AuthenticatedUser(client)
        scope["auth"] = AuthCredentials(client.scopes)
        return self._app

    def _challenge(self, status: int, error: str, description: str, *, is_named: bool = True) -> Refusal:
        named = {"error": error, "error_description": description} if is_named else {}
        parameters = named | self._found_at or {"realm": "wemasy-mcp"}
        challenge = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        return Refusal(status, error, description, {"WWW-Authenticate": f"Bearer {challenge}"})
