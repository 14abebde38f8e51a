"""The ready-made tokens. No other token is let in, so that a real one sent here by mistake is noticed, not used."""

SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - public on purpose
"""May do everything."""

REJECTED_TOKEN = "sandbox-token-rejected"  # noqa: S105 - public on purpose
"""Answered 401, as every token that is not listed here is."""

FORBIDDEN_TOKEN = "sandbox-token-forbidden"  # noqa: S105 - public on purpose
"""Known, but without the permission: answered 403."""

READY_MADE = {
    SANDBOX_TOKEN: "Token",
    REJECTED_TOKEN: "Token that gets 401",
    FORBIDDEN_TOKEN: "Token that gets 403",
}
"""All tokens that may ever be shown, and what they are."""


def bearer_token(authorization: str) -> str:
    """Return the token of an `Authorization` header, or an empty text if it carries none (RFC 6750, section 2.1)."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
