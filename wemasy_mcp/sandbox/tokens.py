"""The ready-made tokens. No other token is accepted, so that a real one sent here by mistake is noticed, not used."""

SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - public on purpose
"""A token with every permission."""

REJECTED_TOKEN = "sandbox-token-rejected"  # noqa: S105 - public on purpose
"""A token answered with 401, like any token not listed here."""

FORBIDDEN_TOKEN = "sandbox-token-forbidden"  # noqa: S105 - public on purpose
"""A known token without the permission: answered with 403."""

READY_MADE = {
    SANDBOX_TOKEN: "Token",
    REJECTED_TOKEN: "Token that gets 401",
    FORBIDDEN_TOKEN: "Token that gets 403",
}
"""All tokens that may be shown, with their descriptions."""


def bearer_token(authorization: str) -> str:
    """Return the token of an `Authorization` header, or an empty text if there is none (RFC 6750, section 2.1)."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
