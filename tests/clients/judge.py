"""Reads a client's line: which result it shows, and in what the client has wrapped it for a model."""

import ast
import json
import re
from typing import Any

ELLIPSIS = "…"

_IN_PYTHON = re.compile(r"""text=('\{"success".*\}')""", re.DOTALL)


def shown_results(line: dict[str, Any]) -> list[Any]:
    """Return the result as often as the line shows it: structured, as text, and as a model reads it."""
    shown = [line["structured"]] if line.get("structured") is not None else []
    return shown + [find_result(line[name]) for name in ("text", "model") if line.get(name) is not None]


def find_result(text: str) -> Any:
    """Return the result that a text holds, as JSON, as JSON inside JSON or in a text of Python's; None without one."""
    try:
        found = json.loads(text)
    except ValueError:
        # Agno shows a model the Python objects of an error.
        written = _IN_PYTHON.search(text)
        return json.loads(ast.literal_eval(written[1])) if written else None
    return _inside(found)


def _inside(found: Any) -> Any:
    if isinstance(found, dict) and "success" in found:
        return found
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    inner = (find_result(value) if isinstance(value, str) else _inside(value) for value in values)
    return next((result for result in inner if result is not None), None)


def frame(line: dict[str, Any], result: dict[str, Any]) -> str:
    """Say in what form the line shows the result, the result itself left out."""
    if line.get("model") is None:
        parts = [name for name, key in (("structured content", "structured"), ("text", "text")) if line.get(key)]
        return " and ".join(parts) + (", marked as an error" if line.get("is_error") else "")
    text = json.dumps(result, separators=(",", ":"), ensure_ascii=False)
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    framed = str(line["model"]).replace(text, ELLIPSIS).replace(escaped, ELLIPSIS)
    return "the text" if framed == ELLIPSIS else f"the text, as `{framed}`"
