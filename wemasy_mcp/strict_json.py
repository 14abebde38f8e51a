"""JSON as RFC 8259 defines it: no NaN, no duplicate names, and bounded nesting."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

_MAX_SHOWN = 50
MAX_DEPTH = 100
"""Maximum levels of lists and objects; deeper values exhaust the stack of some JSON libraries."""


def parse(text: str) -> Any:
    """Return the value that `text` holds.

    Raises:
        ValueError: It is not JSON, names a member twice, or holds a number that Python cannot represent.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_read_object)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_or_none(text: str | bytes) -> Any:
    """Return the value that `text` holds; None if it is not JSON.

    A byte order mark in bytes may be ignored (RFC 8259, section 8.1): a success with one is a success.
    """
    try:
        return parse(text if isinstance(text, str) else text.decode("utf-8-sig"))
    except ValueError:
        return None


def is_json(value: object) -> bool:
    """Return whether JSON can hold the value: finite numbers, no lone surrogates, at most `MAX_DEPTH` levels."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return _depth_is_bounded(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{json.dumps(twice[:_MAX_SHOWN])} is given twice")
    return members


def _depth_is_bounded(value: object) -> bool:
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        if not level:
            return True
        level = _containers(item for held in level for item in (held.values() if isinstance(held, dict) else held))
    return not level


def _containers(values: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [value for value in values if isinstance(value, (dict, list))]
