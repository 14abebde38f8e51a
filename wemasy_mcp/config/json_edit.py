"""Sets one member of a JSON text and keeps every other byte: comments, order, indentation, line endings.

The text is first masked: comments and trailing commas become spaces, so that every position stays the same and
the standard library's decoder can find where each value begins and ends. Each pattern consumes what it has scanned,
even an unterminated string or comment, so that the time grows linearly with the length of the text.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wemasy_mcp import strict_json

_STRING = r'("(?:[^"\\\n]++|\\.)*+"?)'
_STRING_OR_COMMENT = re.compile(rf"{_STRING}|//[^\r\n]*|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?", re.DOTALL)
_STRING_OR_TRAILING_COMMA = re.compile(rf"{_STRING}|,(?=[ \t\r\n]*[}}\]])", re.DOTALL)
_NOT_BLANK = re.compile(r"[^ \t\r\n]")
_DEFAULT_INDENT = "  "
_DECODER = json.JSONDecoder()


def set_member(text: str, path: tuple[str, ...], value: object) -> str:
    """Return `text` with the member at `path` set; missing objects on the path are created.

    Raises:
        ValueError: The text, or a value on the path, is not a JSON object (comments and trailing commas aside).
    """
    masked = _mask(text)
    start = _root(masked)
    *outer, last = path
    for depth, name in enumerate(outer):
        member = _find(masked, start, name)
        if member is None:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _insert(text, masked, start, f"{json.dumps(name)}: ", value)
        if masked.startswith("null", member.value):
            return set_member(text[: member.value] + "{}" + text[member.end :], path, value)
        if masked[member.value] != "{":
            raise ValueError(f"{name} is not an object")
        start = member.value
    member = _find(masked, start, last)
    if member is None:
        return _insert(text, masked, start, f"{json.dumps(last)}: ", value)
    if _DECODER.raw_decode(masked, member.value)[0] == value:
        return text
    dumped = _dump(value, _indent_of_line(text, member.start), _unit(text, masked), _line_end(text))
    return text[: member.value] + dumped + text[member.end :]


def append_item(text: str, name: str, item: object) -> str:
    """Return `text` with `item` added to the list in the root's member `name`, which is created if missing.

    Raises:
        ValueError: The text is not a JSON object, or the member is not a list.
    """
    masked = _mask(text)
    member = _find(masked, _root(masked), name)
    if member is None:
        return set_member(text, (name,), [item])
    if masked[member.value] != "[":
        raise ValueError(f"{name} is not a list")
    return _insert(text, masked, member.value, "", item)


def parse(text: str) -> Any:
    """Return the parsed text, ignoring comments and trailing commas.

    Raises:
        ValueError: It is not JSON, or has a duplicate member.
    """
    return strict_json.parse(_mask(text))


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    start: int
    value: int
    end: int


def find_extensions(text: str) -> dict[str, int]:
    """Return the text's extensions to RFC 8259, each with the number of the first line that uses it."""
    plain = _STRING_OR_COMMENT.sub(_blank, text)
    searched = {"comments": (_STRING_OR_COMMENT, text), "trailing commas": (_STRING_OR_TRAILING_COMMA, plain)}
    found = {}
    for kind, (pattern, searched_text) in searched.items():
        first = next((one for one in pattern.finditer(searched_text) if not one[1]), None)
        if first is not None:
            found[kind] = text.count("\n", 0, first.start()) + 1
    return found


def _mask(text: str) -> str:
    return _STRING_OR_TRAILING_COMMA.sub(_blank, _STRING_OR_COMMENT.sub(_blank, text))


def _blank(found: re.Match[str]) -> str:
    # An unterminated comment stays, so that the decoder rejects it.
    is_kept = found[1] or (found[0].startswith("/*") and not found[0].endswith("*/", 2))
    if is_kept:
        return found[0]
    return re.sub(r"[^\r\n]", " ", found[0]) if "\n" in found[0] else " " * len(found[0])


def _root(masked: str) -> int:
    if not isinstance(strict_json.parse(masked), dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - the text is wrong, not a call
    return _next(masked, 0)


def _find(masked: str, start: int, name: str) -> _Member | None:
    return next((member for member in _members(masked, start) if member.name == name), None)


def _members(masked: str, start: int) -> Iterator[_Member]:
    """Yield the members of the object that begins at `start`, in a text that is known to be JSON."""
    position = _next(masked, start + 1)
    while masked[position] != "}":
        name, end = _DECODER.raw_decode(masked, position)
        value = _next(masked, _next(masked, end) + 1)
        _, end = _DECODER.raw_decode(masked, value)
        yield _Member(name, position, value, end)
        position = _next(masked, end)
        if masked[position] == ",":
            position = _next(masked, position + 1)


def _insert(text: str, masked: str, start: int, label: str, value: object) -> str:
    """Add the last member or item of the object or list that begins at `start`."""
    _, end = _DECODER.raw_decode(masked, start)
    close = end - 1
    last = len(masked[:close].rstrip())
    is_empty = last == start + 1
    outer, unit, line_end = _indent_of_line(text, start), _unit(text, masked), _line_end(text)
    inner = outer + unit
    kept = text[last:close].rstrip()
    # A trailing comma is a space in the masked text: it is kept, and now serves as the separator.
    comma = "" if is_empty or "," in _STRING_OR_COMMENT.sub("", kept) else ","
    added = f"{inner}{label}{_dump(value, inner, unit, line_end)}"
    return f"{text[:last]}{comma}{kept}{line_end}{added}{line_end}{outer}{text[close:]}"


def _dump(value: object, indent: str, unit: str, line_end: str) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", line_end + indent)


def _unit(text: str, masked: str) -> str:
    """Return one level of indentation, as used by the root's first member."""
    first = _next(masked, _next(masked, 0) + 1)
    return _indent_of_line(text, first) or _DEFAULT_INDENT


def _indent_of_line(text: str, position: int) -> str:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _next(masked: str, position: int) -> int:
    found = _NOT_BLANK.search(masked, position)
    return found.start() if found else len(masked)
