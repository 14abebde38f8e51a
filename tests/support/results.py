"""What a client reads of a result, and what holds for every one."""

import json
from typing import Any
from uuid import UUID

import jsonschema
from mcp.types import CallToolResult, TextContent

from support.program import TOKEN
from support.wire import ENDPOINT
from wemasy_mcp.core.tools import MAX_RESULT, build_tool


def seen(result: CallToolResult) -> dict[str, Any]:
    """What a client reads, which is the same in both places where it may look."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    shown: dict[str, Any] = json.loads(block.text)
    assert result.structured_content == shown
    assert result.is_error is not shown["success"]
    assert block.text == json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    return shown


def check(result: CallToolResult, tool: str) -> dict[str, Any]:
    """Return what is seen but for the request's id, after everything that holds for every result was checked."""
    shown = seen(result)
    jsonschema.validate(shown, output_schema(tool))
    assert size(result) <= MAX_RESULT
    assert None not in shown.values()
    assert TOKEN not in json.dumps(shown)
    if request_id := shown.get("error", {}).pop("request_id", None):
        UUID(request_id)
    return shown


def output_schema(tool: str) -> dict[str, Any]:
    """Return what clients check a result with."""
    schema = build_tool(ENDPOINT[tool]).output_schema
    assert schema is not None
    return schema


def size(result: CallToolResult) -> int:
    shown = {"content": [{"type": "text", "text": json.dumps(seen(result), ensure_ascii=False, separators=(",", ":"))}]}
    texts = (json.dumps(part, ensure_ascii=False, separators=(",", ":")) for part in (shown, seen(result)))
    return sum(len(text.encode()) for text in texts) - len('{"content":[{"type":"text","text":}]}')
