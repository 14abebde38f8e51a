"""One JSON-RPC message of a client, or the error that answers it. The same on every transport.

The SDK does not answer much of what it cannot read, so the client waits until it times out; it also turns bad UTF-8
into U+FFFD, which would then be written.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from mcp import types
from pydantic import ValidationError

_SEARCHED = 65_536
"""Number of bytes at the start of a message that are searched for its id."""

_ID_MEMBER = rb'"id"\s*:\s*(-?[0-9]{1,18}|"(?:[^"\\]|\\.){0,200}")\s*'

_ID = re.compile(_ID_MEMBER + rb"[,}]")

_LAST_ID = re.compile(rb"[,{]\s*" + _ID_MEMBER + rb"\}\s*\Z")

_LAST = 2_000
"""Number of bytes at the end of a message in which its last member is searched for."""

_CONTENT = re.compile(rb'"(?:params|result|error)"')


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to data that is not a message."""

    answer: types.JSONRPCError


def read(data: bytes) -> types.JSONRPCMessage | Refusal:
    """Return the message that `data` holds, or the error that answers it (JSON-RPC 2.0, section 5.1)."""
    try:
        message = types.jsonrpc_message_adapter.validate_json(data, by_name=False)
    except ValidationError:
        return _explain(data)
    # An id of null makes a request look like a notification, which is never answered.
    if isinstance(message, types.JSONRPCNotification) and b'"id"' in data and "id" in json.loads(data):
        return refuse(types.INVALID_REQUEST, "The id should be a string or an integer.", None)
    return message


def _explain(line: bytes) -> Refusal:
    try:
        line.decode()
    except UnicodeDecodeError:
        return refuse(types.PARSE_ERROR, "The message is not UTF-8.", find_id(line))
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        return refuse(types.PARSE_ERROR, "The message cannot be read as JSON.", find_id(line))
    if not isinstance(value, dict):
        return refuse(types.INVALID_REQUEST, "The message is not a JSON object; batches are not accepted.", None)
    request_id = value.get("id") if _is_id(value.get("id")) else None
    if value.get("jsonrpc") == "2.0" and isinstance(value.get("method"), str) and request_id is not None:
        if isinstance(value.get("params", {}), dict):
            # The shape is valid, so its strings or its depth could not be read.
            text = "The message cannot be read: it holds lone surrogates, or is nested too deeply."
            return refuse(types.PARSE_ERROR, text, request_id)
        return refuse(types.INVALID_REQUEST, "The params should be an object.", request_id)
    return refuse(types.INVALID_REQUEST, "The message is not a JSON-RPC 2.0 message.", request_id)


def _is_id(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def find_id(line: bytes, *, is_whole: bool = False) -> str | int | None:
    """Return the id of a request that is not parsed, where it is certain: before `params`, whose content may hold any.

    Of a whole line it may also be the last member, which is where the TypeScript SDK writes it.
    """
    beginning = line[:_SEARCHED]
    content = _CONTENT.search(beginning)
    if content and content[0] != b'"params"':
        # The id of an answer is one of ours, and may be that of a request of the client's as well.
        return None
    found = _ID.findall(beginning, 0, content.start() if content else len(beginning))
    if not found and is_whole and not line.startswith(b"["):
        found = _LAST_ID.findall(line[-_LAST:])
    if len(found) != 1:
        return None
    try:
        request_id: str | int = json.loads(found[0])
    except ValueError:
        return None
    return request_id


def refuse(code: int, message: str, request_id: str | int | None) -> Refusal:
    """Return the refusal with that code and text."""
    if isinstance(request_id, str):
        # Writing a lone surrogate would end the stream.
        request_id = request_id if request_id.isprintable() else None
    error = types.ErrorData(code=code, message=message)
    return Refusal(types.JSONRPCError(jsonrpc="2.0", id=request_id, error=error))
