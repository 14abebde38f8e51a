"""The `errors` member of a 422, whatever its shape, as `{field: [text, …]}`.

Laravel sends a list of texts for each field, with dots in nested names (`metadata.source`). Proxies and later
versions may send single texts, nested objects or bare lists: no field name is lost, and whatever is cut is counted.
"""

from collections.abc import Iterator

from wemasy_mcp.core.errors import FieldErrors
from wemasy_mcp.core.sanitize import sanitize, truncate

MAX_FIELDS = 60
MAX_TEXTS = 5
MAX_NAME = 100

UNNAMED = "errors"
"""The key for texts that do not name a field."""


def read_field_errors(errors: object, secret: str = "") -> tuple[FieldErrors, int]:
    """Return the texts by field, and the number of texts (or fields without one) that were left out."""
    found: FieldErrors = {}
    left_out = 0
    for field, text in _walk(errors, secret):
        texts = found.setdefault(field, []) if len(found) < MAX_FIELDS else found.get(field)
        if texts is None or (text is not None and len(texts) == MAX_TEXTS):
            left_out += 1
        elif text is not None:
            texts.append(sanitize(text, secret))
    return found, left_out


def shorten(errors: FieldErrors, fields: int, characters: int) -> tuple[FieldErrors, int]:
    """Return the first `fields` of `errors`, texts cut to `characters`, and how many fields and texts were left out."""
    kept = {
        truncate(name, characters): [truncate(text, characters) for text in texts[:2]]
        for name, texts in list(errors.items())[:fields]
    }
    return kept, _count(errors) - _count(kept)


def _count(errors: FieldErrors) -> int:
    """Return the number of texts; a field without any counts as one."""
    return sum(max(1, len(texts)) for texts in errors.values())


def _walk(errors: object, secret: str) -> Iterator[tuple[str, str | None]]:
    """Yield each field with each of its texts, or with None if it has no text. Own stack: input may be deep.

    A name is sanitized once rather than once per text: it may be long, and have many texts.
    """
    stack: list[tuple[str | None, object]] = [(None, errors)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, dict) and value:
            before = "" if name is None else f"{name}."
            stack.extend(
                (truncate(before + sanitize(key, secret, MAX_NAME), MAX_NAME), inner)
                for key, inner in reversed(value.items())
            )
        elif isinstance(value, list) and value:
            stack.extend((name, inner) for inner in reversed(value))
        elif isinstance(value, str):
            yield (UNNAMED if name is None else name), value
        elif name is not None:
            yield name, None
