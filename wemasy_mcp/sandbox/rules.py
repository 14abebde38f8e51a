"""Validation as Laravel does it, with rules read from the JSON schema that an endpoint's arguments publish.

Wording and order: Laravel's `validation.php` language lines, `Validator` and `ValidationException::summarize`.
Where PHP would read one type as another (`true` as 1), the sandbox refuses it: whatever passes here passes there.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from wemasy_mcp.json_schema import Schema, split_null

Errors = dict[str, list[str]]
"""Laravel's error bag: the rules' messages for each field, with nested ones by path (`style.tone`, `tags.0`)."""

LookUps = Mapping[str, Callable[[int], bool]]
"""For each field that names a record, a function that returns whether there is one with that id."""

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,18})", re.ASCII)
_INTEGERS = range(-(2**63), 2**63)
_PHP_BLANKS = " \t\n\r\0\x0b"

_REQUIRED = "The {} field is required."
_SELECTED = "The selected {} is invalid."


def as_integer(value: object) -> int | None:
    """Return the integer that PHP's FILTER_VALIDATE_INT reads from a JSON value, or None."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip(_PHP_BLANKS)):
        value = int(value.strip(_PHP_BLANKS))
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _INTEGERS else None


_TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "The {} field must be a string."),
    "integer": (lambda value: as_integer(value) is not None, "The {} field must be an integer."),
    "number": (lambda value: type(value) in (int, float), "The {} field must be a number."),
    "boolean": (lambda value: isinstance(value, bool), "The {} field must be true or false."),
    # A PHP array is a JSON list or a JSON object.
    "array": (lambda value: isinstance(value, (list, dict)), "The {} field must be an array."),
    "object": (lambda value: isinstance(value, (list, dict)), "The {} field must be an array."),
}
_LIMITS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minLength": (lambda value, limit: len(value) >= limit, "The {} field must be at least {} characters."),
    "maxLength": (lambda value, limit: len(value) <= limit, "The {} field must not be greater than {} characters."),
    "minimum": (lambda value, limit: float(value) >= limit, "The {} field must be at least {}."),
    "maximum": (lambda value, limit: float(value) <= limit, "The {} field must not be greater than {}."),
    "minItems": (lambda value, limit: len(value) >= limit, "The {} field must have at least {} items."),
    "maxItems": (lambda value, limit: len(value) <= limit, "The {} field must not have more than {} items."),
    "enum": (lambda value, choices: value in choices, _SELECTED),
}


def validate(schema: Schema, given: Mapping[str, Any], exists: LookUps) -> Errors:
    """Return the errors in the arguments `given`; empty if they are valid. Unknown fields are ignored."""
    errors: Errors = {}
    _check_members(schema, given, "", errors)
    for name, is_there in exists.items():
        if name not in errors and name in given and not is_there(as_integer(given[name]) or 0):
            errors[name] = [refusal(name)]
    return errors


def refusal(field: str) -> str:
    """Return the message for a field that breaks a rule known only to the API."""
    return _say(_SELECTED, field)


def summarize(errors: Errors) -> str:
    """Return the first error and the number of others."""
    first, *others = (error for said in errors.values() for error in said)
    if not others:
        return first
    return f"{first} (and {len(others)} more {'error' if len(others) == 1 else 'errors'})"


def _check_members(schema: Schema, given: Mapping[str, Any], before: str, errors: Errors) -> None:
    for name, inner in schema.get("properties", {}).items():
        value = given.get(name)
        if name in schema.get("required", ()) and _is_empty(value):
            errors[before + name] = [_say(_REQUIRED, before + name)]
        elif name in given:
            _check(inner, value, before + name, errors)


def _check(schema: Schema, value: Any, path: str, errors: Errors) -> None:
    rules, may_be_null = split_null(schema)
    if (value is None and may_be_null) or not rules:
        return
    is_of_type, message = _TYPES[rules["type"]]
    said = [] if is_of_type(value) else [_say(message, path)]
    for keyword, (passes, message) in _LIMITS.items():
        # Laravel's size rules do not report a value of another type; `in` does.
        if keyword in rules and (keyword == "enum" or not said) and not passes(value, rules[keyword]):
            said.append(_say(message, path, rules[keyword]))
    if said:
        errors[path] = said
    elif "properties" in rules:
        # To PHP an empty list is an object without members.
        _check_members(rules, value if isinstance(value, dict) else {}, f"{path}.", errors)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(rules.get("items", {}), item, f"{path}.{index}", errors)


def _say(message: str, path: str, limit: object = None) -> str:
    return message.format(path.replace("_", " "), limit)


def _is_empty(value: object) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip(_PHP_BLANKS))
