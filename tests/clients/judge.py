"""Reads a client's line: which result it shows, and in what the client has wrapped it for a model."""

import json
from typing import Any

ELLIPSIS = "…"


def shown_results(line: dict[str, Any]) -> list[Any]:
    """Return the result as often as the line shows it: structured, as text, and as a model reads it."""
    shown = [line["structured"]] if line.get("structured") is not None else []
    return shown + [find_result(line[name]) for name in ("text", "model") if line.get(name) is not None]


def find_result(text: str) -> Any:
    """Return the result that a text holds, as JSON or as JSON inside JSON; None when it holds none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if isinstance(found, dict) and "success" not in found:
        inner = (find_result(value) for value in found.values() if isinstance(value, str))
        return next((result for result in inner if result is not None), None)
    return found


def frame(line: dict[str, Any], result: dict[str, Any]) -> str:
    """Say in what form the line shows the result, the result itself left out."""
    if line.get("model") is None:
        parts = [name for name, key in (("structured content", "structured"), ("text", "text")) if line.get(key)]
        return " and ".join(parts) + (", marked as an error" if line.get("is_error") else "")
    text = json.dumps(result, separators=(",", ":"), ensure_ascii=False)
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    framed = str(line["model"]).replace(text, ELLIPSIS).replace(escaped, ELLIPSIS)
    return "the text" if framed == ELLIPSIS else f"the text, as `{framed}`"
