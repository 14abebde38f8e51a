"""Validation as Laravel does it, with rules read from the JSON schema that an endpoint's arguments publish.

Wording and order: Laravel's `validation.php` language lines, `Validator` and `ValidationException::summarize`.
Where PHP would read one type as another (`true` as 1), the sandbox refuses: what passes here passes there.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wemasy_mcp.endpoints.base import Endpoint

Errors = dict[str, list[str]]
"""Laravel's error bag: for each field, what its rules said."""

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,18})", re.ASCII)
_INTEGERS = range(-(2**63), 2**63)
_PHP_BLANKS = " \t\n\r\0\x0b"
_UNDERSTOOD = {"description", "enum", "maxLength", "title", "type"}
_NO_CONSTRAINTS: tuple[dict[str, Any], ...] = ({"additionalProperties": True}, {"items": {}})


def as_integer(value: object) -> int | None:
    """Return the integer that PHP's FILTER_VALIDATE_INT reads in a JSON value, or None."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip(_PHP_BLANKS)):
        value = int(value.strip(_PHP_BLANKS))
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _INTEGERS else None


@dataclass(frozen=True, slots=True)
class Rule:
    """A check and what Laravel says when it fails."""

    passes: Callable[[Any], bool]
    message: str
    """With `{attribute}` for the field's name in words."""


_TYPES = {
    "string": Rule(lambda value: isinstance(value, str), "The {attribute} field must be a string."),
    "integer": Rule(lambda value: as_integer(value) is not None, "The {attribute} field must be an integer."),
    "number": Rule(lambda value: type(value) in (int, float), "The {attribute} field must be a number."),
    "boolean": Rule(lambda value: isinstance(value, bool), "The {attribute} field must be true or false."),
    # A PHP array is a JSON list or a JSON object.
    "array": Rule(lambda value: isinstance(value, (list, dict)), "The {attribute} field must be an array."),
    "object": Rule(lambda value: isinstance(value, (list, dict)), "The {attribute} field must be an array."),
}
_REQUIRED = "The {attribute} field is required."
_SELECTED = "The selected {attribute} is invalid."


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request and its rules."""

    name: str
    required: bool
    nullable: bool
    rules: tuple[Rule, ...]
    exists: Callable[[int], bool] | None = None
    """Whether there is a record with the field's value as its id; asked last, and only of a valid value."""

    def errors(self, given: Mapping[str, Any]) -> list[str]:
        """Return what the rules say about the field in `given`, in the order of the rules."""
        value = given.get(self.name)
        if self.required and _is_empty(value):
            return [self.say(_REQUIRED)]
        if self.name not in given or (value is None and self.nullable):
            return []
        failed = [self.say(rule.message) for rule in self.rules if not rule.passes(value)]
        if not failed and self.exists is not None and not self.exists(as_integer(value) or 0):
            return [self.say(_SELECTED)]
        return failed

    def say(self, message: str) -> str:
        """Return `message` about this field."""
        return message.format(attribute=self.name.replace("_", " "))

    def refusal(self) -> str:
        """Return what a rule that only the API knows would say."""
        return self.say(_SELECTED)


def fields_of(endpoint: Endpoint, exists: Mapping[str, Callable[[int], bool]]) -> tuple[Field, ...]:
    """Return the fields of a request to `endpoint`. `exists` has, for a field that names a record, the look-up.

    Raises:
        NotImplementedError: The schema holds a constraint that no rule here enforces.
    """
    schema = endpoint.arguments.model_json_schema()
    required = schema.get("required", [])
    return tuple(
        _field(name, published, required=name in required, exists=exists.get(name))
        for name, published in schema["properties"].items()
    )


def validate(fields: tuple[Field, ...], given: Mapping[str, Any]) -> Errors:
    """Return what is wrong with `given`, nothing if it is valid. Fields without a rule are ignored."""
    said = {field.name: field.errors(given) for field in fields}
    return {name: errors for name, errors in said.items() if errors}


def summarize(errors: Errors) -> str:
    """Return the first error and how many more there are."""
    first, *others = (error for said in errors.values() for error in said)
    if not others:
        return first
    return f"{first} (and {len(others)} more {'error' if len(others) == 1 else 'errors'})"


def _field(name: str, published: Mapping[str, Any], *, required: bool, exists: Callable[[int], bool] | None) -> Field:
    variants = published.get("anyOf", [published])
    values = [variant for variant in variants if variant.get("type") != "null"]
    if len(values) != 1 or values[0].get("type") not in _TYPES or not _is_understood(values[0]):
        raise NotImplementedError(f"the sandbox has no rule for {name}: {published}")
    return Field(name, required, nullable=len(variants) > 1, rules=_rules(values[0]), exists=exists)


def _is_understood(published: Mapping[str, Any]) -> bool:
    return all(name in _UNDERSTOOD or {name: value} in _NO_CONSTRAINTS for name, value in published.items())


def _rules(published: Mapping[str, Any]) -> tuple[Rule, ...]:
    rules = [_TYPES[published["type"]]]
    if "maxLength" in published:
        longest = published["maxLength"]
        message = f"The {{attribute}} field must not be greater than {longest} characters."
        rules.append(Rule(lambda value: not isinstance(value, str) or len(value) <= longest, message))
    if "enum" in published:
        choices = published["enum"]
        rules.append(Rule(lambda value: value in choices, _SELECTED))
    return tuple(rules)


def _is_empty(value: object) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip(_PHP_BLANKS))
