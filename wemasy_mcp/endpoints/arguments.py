"""The types of arguments: what each publishes in the schema, what it refuses, and what it repairs.

Language models send `"5"` for 5, and lists for JSON text. A value that can be read in only one way is repaired, and a
note says so; anything else is refused. Notes go to the list given as pydantic's validation context.
"""

import json
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from wemasy_mcp import json_weight, strict_json

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_MAX_INTEGER = 2**63 - 1
MAX_SAFE_INTEGER = 2**53 - 1
"""The number up to which JavaScript, in which many clients are written, does not round integers."""


def _note(info: ValidationInfo, note: str) -> None:
    if isinstance(info.context, list):
        info.context.append(f"{info.field_name} {note}")


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def _read_integer(value: Any, info: ValidationInfo) -> object:
    number = value
    is_integer_text = isinstance(value, str) and _INTEGER.fullmatch(value)
    if is_integer_text or (isinstance(value, float) and value.is_integer() and abs(value) <= MAX_SAFE_INTEGER):
        number = int(value)
        _note(info, f"{_shown(value)} was read as {number}.")
    if isinstance(number, int) and abs(number) > _MAX_INTEGER:
        raise PydanticCustomError("integer_size", "Input should fit a 64-bit integer")
    if type(value) in (int, float) and _may_be_rounded(value):
        raise PydanticCustomError(
            "integer_rounded", "Input should be the exact digits as text: a client may have rounded this number"
        )
    return number


def _may_be_rounded(number: float) -> bool:
    """Return whether JavaScript could have written `number`, in full or in fewest digits, for a neighbour of it."""
    if not MAX_SAFE_INTEGER < abs(number) <= _MAX_INTEGER:
        return False
    return number in (int(float(number)), int(Decimal(repr(float(number)))))


def _read_text(value: object) -> object:
    if isinstance(value, str) and not strict_json.is_json(value):
        raise PydanticCustomError("text", "Input should be Unicode text without lone surrogates")
    return value


def _read_text_or_number(value: object, info: ValidationInfo) -> object:
    if type(value) in (int, float) and strict_json.is_json(value):
        _note(info, f"{_shown(value)} was sent as the text {_shown(json.dumps(value))}.")
        return json.dumps(value)
    return _read_text(value)


def _parse_text(text: str) -> Any:
    if json_weight.is_too_heavy(text):
        raise PydanticCustomError("json_text_size", json_weight.TOO_HEAVY)
    return strict_json.parse_or_none(text)


def _is_number_list(value: object) -> bool:
    return isinstance(value, list) and all(type(item) in (int, float) for item in value) and strict_json.is_json(value)


def _read_number_list(value: object, info: ValidationInfo) -> object:
    if value is None or (isinstance(value, str) and _is_number_list(_parse_text(value))):
        return value
    if _is_number_list(value):
        _note(info, "was given as a list and sent as its JSON text.")
        return json.dumps(value, separators=(",", ":"))
    raise PydanticCustomError("number_list", "Input should be the JSON text of a list of finite numbers")


def _read_object_or_list(value: object, info: ValidationInfo) -> object:
    if value is None:
        return None
    found = _parse_text(value) if isinstance(value, str) else value
    if not isinstance(found, (dict, list)):
        raise PydanticCustomError("object", "Input should be a JSON object")
    if not strict_json.is_json(found):
        raise PydanticCustomError(
            "object_content",
            "Input should hold only finite numbers and Unicode text, at most {levels} levels deep",
            {"levels": strict_json.MAX_DEPTH},
        )
    if found is not value:
        _note(info, "was given as JSON text and sent as what it holds.")
    return found


Integer = Annotated[int, BeforeValidator(_read_integer)]
"""A 64-bit integer; `"5"` and `5.0` are repaired. A number that a client may have rounded is refused."""

Text = Annotated[str, BeforeValidator(_read_text)]
"""Text, byte for byte as given."""

ShortText = Annotated[str, Field(max_length=255), BeforeValidator(_read_text)]
"""Text of at most 255 characters (not bytes), as the API counts them."""

TextOrNumber = Annotated[str, BeforeValidator(_read_text_or_number)]
"""Text; a JSON number is sent as its JSON text."""

NumberListText = Annotated[str | None, BeforeValidator(_read_number_list)]
"""The JSON text of a list of finite numbers, or null; an actual list is sent as its compact JSON text."""

Object = Annotated[dict[str, Any], BeforeValidator(_read_object_or_list), WithJsonSchema({"type": "object"})]
"""A JSON object with any members; its JSON text is repaired."""

ObjectOrList = Annotated[
    dict[str, Any] | list[Any] | None,
    BeforeValidator(_read_object_or_list),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "null"}]}),
]
"""A JSON object, a list, or null; published as an object or null, because the API's own examples are objects."""
