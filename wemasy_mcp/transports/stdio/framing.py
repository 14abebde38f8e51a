"""Lines of JSON-RPC, without I/O: bytes into lines, a line into a message or the error that answers it.

The SDK's own stdio transport gives no answer at all to a line that it cannot parse, so the client waits for its
time-out, and turns bad UTF-8 into U+FFFD, which would then be written.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from mcp import types
from pydantic import ValidationError

from wemasy_mcp.transports.normalize import normalize_message

MAX_LINE = 16 * 2**20
"""Bytes of one message: 16 MiB."""

_KEPT_OF_LONG_LINE = 65_536

_ID = re.compile(rb'"id"\s*:\s*(-?[0-9]{1,18}|"(?:[^"\\]|\\.){0,200}")\s*[,}]')


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line of more than `MAX_LINE` bytes, of which only the beginning was kept."""

    beginning: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a line that holds no message."""

    answer: types.JSONRPCError


class LineSplitter:
    """Cuts a stream of bytes into lines, in bounded memory."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._long: LongLine | None = None

    def feed(self, chunk: bytes) -> None:
        """Add what was read."""
        self._buffer += chunk

    def next_line(self) -> bytes | LongLine | None:
        """Return the next whole line without its end, None when more must be fed."""
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._bound_memory()
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        long, self._long = self._long, None
        if long is None and len(line) > MAX_LINE:
            return LongLine(line[:_KEPT_OF_LONG_LINE])
        return long or line

    def rest(self) -> bytes | LongLine:
        """Return what came after the last line end: at the end of input it counts as a line."""
        rest = self._long or bytes(self._buffer)
        self._buffer.clear()
        self._long = None
        return rest

    def _bound_memory(self) -> None:
        self._searched = len(self._buffer)
        if self._long is None and len(self._buffer) > MAX_LINE:
            self._long = LongLine(bytes(self._buffer[:_KEPT_OF_LONG_LINE]))
        if self._long is not None:
            self._buffer.clear()
            self._searched = 0


def read_message(line: bytes | LongLine) -> types.JSONRPCMessage | Refusal:
    """Return the message that the line holds, or the error that answers it (JSON-RPC 2.0, section 5.1)."""
    if isinstance(line, LongLine):
        text = f"The message is longer than {MAX_LINE} bytes."
        return _refusal(types.INVALID_REQUEST, text, _find_id(line.beginning))
    line = normalize_message(line)
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        return _refuse(line)
    # An id of null makes a request look like a notification, which is never answered.
    if isinstance(message, types.JSONRPCNotification) and b'"id"' in line and "id" in json.loads(line):
        return _refusal(types.INVALID_REQUEST, "The id should be a string or an integer.", None)
    return message


def _refuse(line: bytes) -> Refusal:
    try:
        line.decode()
    except UnicodeDecodeError:
        return _refusal(types.PARSE_ERROR, "The message is not UTF-8.", _find_id(line))
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        return _refusal(types.PARSE_ERROR, "The message cannot be read as JSON.", _find_id(line))
    if not isinstance(value, dict):
        return _refusal(types.INVALID_REQUEST, "The message is not a JSON object; batches are not accepted.", None)
    request_id = value.get("id") if _is_id(value.get("id")) else None
    if value.get("jsonrpc") == "2.0" and isinstance(value.get("method"), str) and request_id is not None:
        if isinstance(value.get("params", {}), dict):
            # Valid by shape, so its strings or its depth are what could not be read.
            text = "The message cannot be read: it holds lone surrogates, or is nested too deeply."
            return _refusal(types.PARSE_ERROR, text, request_id)
        return _refusal(types.INVALID_REQUEST, "The params should be an object.", request_id)
    return _refusal(types.INVALID_REQUEST, "The message is not a JSON-RPC 2.0 message.", request_id)


def _is_id(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _find_id(line: bytes) -> str | int | None:
    """The id of a line that cannot be parsed, where it is beyond doubt: before `params`, whose content may hold any."""
    found = _ID.findall(line[:_KEPT_OF_LONG_LINE].partition(b'"params"')[0])
    if len(found) != 1:
        return None
    try:
        request_id: str | int = json.loads(found[0])
    except ValueError:
        return None
    return request_id


def _refusal(code: int, message: str, request_id: str | int | None) -> Refusal:
    if isinstance(request_id, str):
        # A lone surrogate in what is written would end the stream.
        request_id = request_id if request_id.isprintable() else None
    error = types.ErrorData(code=code, message=message)
    return Refusal(types.JSONRPCError(jsonrpc="2.0", id=request_id, error=error))
