"""Who may call: bearers of a static token or of an access token, as the operator set it up."""

from mcp.server.auth.provider import TokenVerifier

from wemasy_mcp.settings import Settings, SettingsError, variable_of
from wemasy_mcp.transports.http.auth.oauth import jwt_verifier
from wemasy_mcp.transports.http.auth.static_tokens import static_tokens


def client_verifier(settings: Settings) -> TokenVerifier | None:
    """Return what tells clients from strangers, None when everybody may call.

    Raises:
        SettingsError: A setting cannot be used.
    """
    static, issued = static_tokens(settings), jwt_verifier(settings)
    if static is not None and issued is not None:
        raise SettingsError(
            variable_of("auth_issuer"),
            "stands beside WEMASY_SERVER_TOKEN (or its _FILE), and only one of the two can say who may call.",
        )
    return static or issued
