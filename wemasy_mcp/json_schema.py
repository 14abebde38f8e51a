"""The JSON schema of a pydantic class: without titles, and inlined, because several clients do not follow `$ref`.

A shape that cannot be served is refused here, when an endpoint is created, so it never reaches a server.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

Schema = Mapping[str, Any]

_NULL = {"type": "null"}
_LIMITS: dict[str, set[str]] = {
    "string": {"minLength", "maxLength"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "boolean": set(),
    "array": {"minItems", "maxItems"},
    "object": set(),
}
"""The schema keywords allowed for a value of each type: the sandbox has a rule for each."""
_UNDERSTOOD = {"$ref", "title", "description", "default", "type", "enum", "const"}
_STRUCTURE = {"array": {"items"}, "object": {"properties", "required", "additionalProperties"}}


class ShapeError(TypeError):
    """A class that cannot be served. Its `str()` names the part, and says what to write instead."""


def argument_schema(model: Any) -> dict[str, Any]:
    """Return the schema that a tool publishes for its arguments.

    Raises:
        ShapeError: Clients could not read a part of it, or the sandbox has no rule for a part.
    """
    return _Inliner(model, with_limits=True).schema


def data_schema(shape: Any) -> dict[str, Any]:
    """Return the schema of an answer's `data`; `required` names the members that the API always sends.

    Raises:
        ShapeError: A part of it cannot be read.
    """
    return _Inliner(shape, with_limits=False).schema


def without_required(schema: Schema) -> dict[str, Any]:
    """Return the schema of `data` after members that do not match the documentation have been left out."""
    kept = {keyword: value for keyword, value in schema.items() if keyword != "required"}
    if "properties" in kept:
        kept["properties"] = {name: without_required(inner) for name, inner in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = without_required(kept["items"])
    if "anyOf" in kept:
        kept["anyOf"] = [without_required(variant) for variant in kept["anyOf"]]
    return kept


def split_null(schema: Schema) -> tuple[Schema, bool]:
    """Return the schema of a value that is not null, and whether null is allowed too."""
    return (schema["anyOf"][0], True) if "anyOf" in schema else (schema, False)


class _Inliner:
    def __init__(self, shape: Any, *, with_limits: bool) -> None:
        published = TypeAdapter(shape).json_schema()
        self._definitions = published.pop("$defs", {})
        self._with_limits = with_limits
        self.schema = self._inline({**published, "description": None}, "", ())

    def _inline(self, node: Schema, path: str, within: tuple[str, ...]) -> dict[str, Any]:
        name = node.get("$ref", "").rpartition("/")[2]
        if name in within:
            raise ShapeError(f"{path} holds its own class {name}: that cannot be said without $ref.")
        if name:
            # A class's own description is for readers of the code.
            node = {**self._definitions[name], "description": None, **node, "$ref": ""}
            return self._inline(node, path, (*within, name))
        if self._with_limits and "default" in node:
            raise ShapeError(f"{path} has a default. What may be left out is `| MISSING = MISSING`.")
        variants = node.get("anyOf", [node])
        values = [variant for variant in variants if variant != _NULL]
        if len(values) != 1:
            raise ShapeError(f"{path} may be of several types, which several clients cannot read.")
        described = {"description": node["description"]} if node.get("description") else {}
        if len(variants) == 1:
            return self._value(node, path, within) | described
        return {"anyOf": [self._inline(values[0], path, within), _NULL], **described}

    def _value(self, node: Schema, path: str, within: tuple[str, ...]) -> dict[str, Any]:
        kind = node.get("type", "")
        limits = _LIMITS.get(kind)
        understood = _UNDERSTOOD | _STRUCTURE.get(kind, set()) | (limits or set())
        if limits is None or (self._with_limits and not node.keys() <= understood):
            raise ShapeError(f"{path} says what the sandbox has no rule for: {dict(node)}.")
        shown = {"type": kind}
        if "enum" in node or "const" in node:
            shown["enum"] = node.get("enum", [node.get("const")])
        if self._with_limits:
            shown |= {keyword: value for keyword, value in node.items() if keyword in limits}
        if kind == "array":
            shown["items"] = self._inline(node["items"], f"{path}.0", within) if node.get("items") else {}
        return shown | self._members(node, path, within) if kind == "object" else shown

    def _members(self, node: Schema, path: str, within: tuple[str, ...]) -> dict[str, Any]:
        is_open = node.get("additionalProperties", True)
        if "properties" not in node:
            if is_open is not True:
                raise ShapeError(f"{path} is a dict with typed values. Name its members in a class.")
            return {}
        if self._with_limits and is_open:
            raise ShapeError(f"{path} takes any member. Derive its class from Arguments.")
        before = f"{path}." if path else ""
        inlined = {name: self._inline(inner, before + name, within) for name, inner in node["properties"].items()}
        required = {"required": node["required"]} if "required" in node else {}
        return {"properties": inlined} | required | ({"additionalProperties": False} if self._with_limits else {})
