"""An endpoint as an MCP tool, and a reply or an error as a tool result: the only module that shapes what a model reads.

Success and error share one output schema: the TypeScript client 1.x checks errors against it too, and throws.
"""

import json
from typing import Any

from mcp import types
from pydantic import MISSING, BaseModel, ConfigDict, ValidationError

from wemasy_mcp.core.errors import Failure, RateLimit, WemasyError
from wemasy_mcp.core.field_errors import shorten
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.core.sanitize import truncate
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.json_schema import without_required

MAX_RESULT = 8000
"""Maximum bytes of a whole result: the structured object and its text."""

_SHORTER = ((60, 200), (30, 80), (10, 40), (4, 40))
"""Limits tried in turn until a result fits: field errors (or members and items of data), and characters per text."""


class Result(BaseModel):
    """The result of every call. A member that does not apply is absent, never null."""

    model_config = ConfigDict(strict=True, frozen=True)

    success: bool
    message: str | MISSING = MISSING
    data: dict[str, Any] | list[Any] | MISSING = MISSING
    error: Failure | MISSING = MISSING
    rate_limit: RateLimit | MISSING = MISSING
    notes: list[str] | MISSING = MISSING
    sandbox: bool | MISSING = MISSING


_RESULT_OUTLINE: dict[str, Any] = {
    "success": {"type": "boolean"},
    "message": {"type": "string"},
    "data": {},
    "error": {
        "type": "object",
        "properties": {
            "code": {"type": "string"},
            "outcome": {"type": "string"},
            "retryable": {"type": "boolean"},
        },
    },
    "rate_limit": {"type": "object"},
    "notes": {"type": "array", "items": {"type": "string"}},
    "sandbox": {"type": "boolean"},
}
"""`Result` as published: its members, and the decisive ones of an error. Every session carries these bytes."""


def build_tool(endpoint: Endpoint) -> types.Tool:
    """Return the tool that offers `endpoint`, as it is listed."""
    return types.Tool(
        name=endpoint.tool,
        title=endpoint.title,
        description=endpoint.description,
        input_schema=endpoint.argument_schema,
        output_schema=_output_schema(endpoint),
        annotations=types.ToolAnnotations(
            read_only_hint=False,
            destructive_hint=endpoint.destructive,
            idempotent_hint=endpoint.idempotent,
            open_world_hint=False,
        ),
    )


def success_result(reply: Reply, notes: list[str], *, sandbox: bool = False) -> types.CallToolResult:
    """Return the result of a write that the API confirmed."""
    said = [*notes, *reply.notes]
    try:
        result = Result(
            success=True,
            message=reply.message or MISSING,
            data=MISSING if reply.data is None else reply.data,
            rate_limit=reply.rate_limit or MISSING,
            notes=said or MISSING,
            sandbox=sandbox or MISSING,
        )
    except ValidationError:
        # A write that succeeded is never reported as a failure just because its answer looked odd.
        result = Result(success=True, notes=["The answer did not match the documentation; its details are left out."])
    return _call_result(result)


def error_result(
    error: WemasyError,
    endpoint: Endpoint,
    notes: list[str] | None = None,
    *,
    request_id: str | None = None,
    sandbox: bool = False,
) -> types.CallToolResult:
    """Return the result of a call that failed."""
    said = [*(notes or []), *error.notes]
    return _call_result(
        Result(
            success=False,
            error=error.failure(endpoint, request_id),
            rate_limit=error.rate_limit or MISSING,
            notes=said or MISSING,
            sandbox=sandbox or MISSING,
        )
    )


def _call_result(result: Result) -> types.CallToolResult:
    text = result.model_dump_json()
    for fields, characters in _SHORTER:
        if _size(text) <= MAX_RESULT:
            break
        text = _shortened(result, fields, characters).model_dump_json()
    else:
        if _size(text) > MAX_RESULT:
            notes = ["data is too large to show."]
            text = _shortened(result, 0, 40).model_copy(update={"data": MISSING, "notes": notes}).model_dump_json()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)],
        structured_content=json.loads(text),
        is_error=not result.success,
    )


def _size(text: str) -> int:
    """Return the bytes that a result's JSON takes as an object plus those it takes as text in a JSON string."""
    return len(text.encode()) + len(json.dumps(text, ensure_ascii=False).encode())


def _shortened(result: Result, fields: int, characters: int) -> Result:
    notes = [] if result.notes is MISSING else [truncate(note, characters) for note in result.notes[:fields]]
    changes: dict[str, Any] = {}
    if result.message is not MISSING:
        changes["message"] = truncate(result.message, characters)
    if result.data is not MISSING:
        changes["data"], is_cut = _shortened_data(result.data, fields, characters)
        notes += [f"At most {fields} items of a list or an object inside data are shown."] if is_cut else []
    if result.error is not MISSING:
        given = {} if result.error.field_errors is MISSING else result.error.field_errors
        field_errors, left_out = shorten(given, fields, characters)
        if left_out:
            notes.append(f"{left_out} more field errors were left out.")
        changes["error"] = result.error.model_copy(
            update={"message": truncate(result.error.message, characters), "field_errors": field_errors or MISSING}
        )
    notes.append("Long texts were shortened.")
    return result.model_copy(update={**changes, "notes": notes})


def _shortened_data(data: Any, fields: int, characters: int) -> tuple[Any, bool]:
    """Return `data` with shorter texts, and whether anything is missing; the documented top-level members stay."""
    is_cut = False

    def shorten_value(value: Any, most: int | None = fields) -> Any:
        nonlocal is_cut
        is_cut |= isinstance(value, (dict, list)) and most is not None and len(value) > most
        if isinstance(value, dict):
            return {truncate(name, characters): shorten_value(value[name]) for name in list(value)[:most]}
        if isinstance(value, list):
            return [shorten_value(item) for item in value[:most]]
        return truncate(value, characters) if isinstance(value, str) else value

    return shorten_value(data, None if isinstance(data, dict) else fields), is_cut


def _output_schema(endpoint: Endpoint) -> dict[str, Any]:
    # A member of data that does not have its documented type is left out, so no member is required.
    data = without_required(endpoint.data_schema)
    return {"type": "object", "properties": _RESULT_OUTLINE | {"data": data}, "required": ["success"]}
