"""Foreign text made fit to show: cleaned, without the token, and cut. What a model reads is never raw."""

import unicodedata

TEXT_LIMIT = 500
"""Characters of any one foreign text in a result."""

REDACTED = "[redacted]"

# Zero-width joiner and non-joiner: emoji and several scripts are written with them.
_JOINERS = "\u200c\u200d"
_WHITE_SPACE = "\t\n\r"


def sanitize(text: str, secret: str = "", limit: int = TEXT_LIMIT) -> str:
    """Return `text` without control, bidirectional, zero-width and surrogate characters, redacted, then cut."""
    if not text.isprintable():
        text = "".join(character for character in text if _is_shown(character))
    # Before the cut, or the first half of a token could stay.
    if secret:
        text = text.replace(secret, REDACTED)
    return truncate(text, limit)


def truncate(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, the last one an ellipsis where more were there."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _is_shown(character: str) -> bool:
    # Cc: control; Cf: bidirectional, zero-width and tag characters; Cs: lone surrogates.
    return (
        character in _JOINERS
        or character in _WHITE_SPACE
        or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
