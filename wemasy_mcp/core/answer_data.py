"""Reads the `data` of an answer by the schema that the endpoint publishes: documented members, sanitized, bounded."""

import math
from typing import Any

from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.endpoints.arguments import MAX_SAFE_INTEGER
from wemasy_mcp.json_schema import Schema, split_null

MAX_VALUES = 2000
"""Maximum number of values read: a result has no room for more."""

MAX_NOTES = 20
MAX_DEPTH = 20

_ODD = "did not match the documentation and is left out."

_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_LEFT_OUT = object()


def read_data(schema: Schema, data: object, secret: str) -> tuple[Any, list[str]]:
    """Return the part of `data` that can be shown (None if nothing can), and notes on what was left out or changed."""
    reader = _Reader(secret)
    shown = reader.read(schema, data, "data")
    if reader.values > MAX_VALUES or len(reader.notes) > MAX_NOTES:
        reader.notes[MAX_NOTES:] = ["The rest of data is left out."]
    return (None if shown is _LEFT_OUT else shown), reader.notes


class _Reader:
    def __init__(self, secret: str) -> None:
        self.notes: list[str] = []
        self.values = 0
        self._secret = secret

    def read(self, schema: Schema, value: object, path: str, depth: int = 0) -> Any:
        self.values += 1
        node, may_be_null = split_null(schema)
        if value is None and (may_be_null or not node):
            return None
        if depth > MAX_DEPTH or not _is_documented(node, value):
            return self._leave_out(path, _ODD)
        if isinstance(value, dict):
            return self._read_object(node, value, path, depth + 1)
        if isinstance(value, list):
            return self._read_list(node, value, path, depth + 1)
        return self._read_scalar(value, path)

    def _read_scalar(self, value: object, path: str) -> object:
        if isinstance(value, str):
            text = sanitize(value, self._secret)
            if text != value:
                self._note(f"{path} is shown sanitized or shortened.")
            return text
        if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
            # Clients written in JavaScript, as many are, would round it. No database counts past 64 bits.
            rounded = f"is exactly {value}; the number is left out, because clients may round it."
            return self._leave_out(path, rounded if value.bit_length() < 64 else _ODD)
        return value

    def _read_object(self, node: Schema, value: dict[str, Any], path: str, depth: int) -> dict[str, Any]:
        shown = {}
        members = node.get("properties")
        for name in value if members is None else members:
            if self.values > MAX_VALUES:
                break
            here = f"{path}.{sanitize(name, self._secret, 100)}"
            if name in value:
                found = self.read({} if members is None else members[name], value[name], here, depth)
                if found is not _LEFT_OUT:
                    shown[here[len(path) + 1 :]] = found
            elif name in node.get("required", ()):
                self._leave_out(here, _ODD)
        return shown

    def _read_list(self, node: Schema, value: list[Any], path: str, depth: int) -> list[Any]:
        shown = []
        for index, item in enumerate(value):
            if self.values > MAX_VALUES:
                break
            found = self.read(node.get("items", {}), item, f"{path}.{index}", depth)
            if found is not _LEFT_OUT:
                shown.append(found)
        return shown

    def _leave_out(self, path: str, why: str) -> object:
        self._note(f"{path} {why}")
        return _LEFT_OUT

    def _note(self, note: str) -> None:
        if len(self.notes) <= MAX_NOTES:
            self.notes.append(note)


def _is_documented(node: Schema, value: object) -> bool:
    kind = node.get("type")
    if isinstance(value, float) and not math.isfinite(value):  # 1e999
        return False
    if kind is None or (isinstance(value, bool) and kind != "boolean"):
        return kind is None
    return isinstance(value, _JSON_TYPES[kind]) and value in node.get("enum", [value])
