"""Sanitizes untrusted text for a model: strips invisible and control characters, redacts the token, truncates."""

import re

TEXT_LIMIT = 500
"""Maximum characters of any one untrusted text in a result."""

MIN_SECRET = 8
"""Minimum characters of a token that is searched for; a shorter one also occurs in innocent words."""

REDACTED = "[redacted]"

# Unicode's Default_Ignorable_Code_Point (whole sentences can be hidden in variation selectors and tags), controls
# other than white space, interlinear annotation, lone surrogates, noncharacters, the line and paragraph separators, and
# the joiners of hieroglyphs.
_HIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
) + "".join(chr(plane * 0x10000 + last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
_EMOJI = (
    "\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
# Arabic, Syriac, N'Ko, Mandaic, the scripts of India and Sri Lanka, Khmer, Mongolian.
_JOINING = "\u0600-\u07ff\u0840-\u085f\u0870-\u0dff\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
_KEPT = (
    f"(?<=[{_EMOJI}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    f"|(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}]\ufe0f))\u200d(?=[{_EMOJI}])"
    f"|(?<=[{_JOINING}])[\u200c\u200d]|(?<=[\u1820-\u18aa])[\u180b-\u180f]"
    "|(?<=[\U00013000-\U0001342f])[\U00013430-\U0001343f]"
)
_FLAGS = "|".join(  # England, Scotland, Wales: the only emoji that are spelled with tags
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in land) + "\U000e007f"
    for land in ("gbeng", "gbsct", "gbwls")
)
_NOT_SHOWN = re.compile(f"({_FLAGS})|(?!{_KEPT})[{_HIDDEN}]")


def sanitize(text: str, secret: str = "", limit: int = TEXT_LIMIT) -> str:
    """Return `text` without invisible characters, except those that spell emoji and words; redacted, cut."""
    if not (text.isascii() and text.isprintable()):
        text = _NOT_SHOWN.sub(r"\1", text)
    # Before the cut, or the first half of a token could remain.
    if len(secret) >= MIN_SECRET:
        text = text.replace(secret, REDACTED)
    return truncate(text, limit)


def truncate(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, the last one an ellipsis if there were more."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
