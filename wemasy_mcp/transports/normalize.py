"""Malformed messages with a clear meaning, read as the client meant them: the same on every transport.

PHP encodes an empty object as a list (aiquila #442). A byte order mark may be ignored (RFC 8259, section 8.1). Of
`initialize` this server reads only the version and the client's name, so nothing else in it can be wrong; nor can the
token under which a client wants to hear of progress, of which it never hears.
"""

import json
import re
from typing import Any

_MARKS = re.compile(rb"(?:[ \t\r\n]*\xef\xbb\xbf)+")
"""Byte order marks: a program that writes one before each message may stand behind another that does."""

_SUSPECT = re.compile(
    rb'"(?:params|_meta)"\s*:\s*\[\s*\]|"initialize"|"_meta"\s*:\s*[^{\s]|"progressToken"\s*:\s*(?:[^"\s\d-]|-?\d+[.eE])'
)

_ANSWERED_WITH = {"2025-03-26": "2024-11-05"}
"""Only 2025-03-26 requires a server to accept batches, which this one does not: a client that asks for it is offered
the previous version, which every such client speaks."""

_UNKNOWN_CLIENT = {"name": "unknown", "version": "0"}


def normalize_message(data: bytes) -> bytes:
    """Return a message's JSON text as the client meant it. A correct or unreadable message is returned unchanged."""
    if marks := _MARKS.match(data):
        data = data[marks.end() :]
    if not _SUSPECT.search(data):
        return data
    try:
        message: Any = json.loads(data.decode())
    except (ValueError, RecursionError):
        return data
    if not isinstance(message, dict):
        return data
    params = _object(message.get("params"))
    if not isinstance(params, dict):
        return data
    meant = {name: value for name, value in params.items() if name != "_meta"} | _meta(params.get("_meta"))
    if message.get("method") == "initialize":
        meant |= _initialize(meant)
    return data if meant == message.get("params") else json.dumps(message | {"params": meant}).encode()


def _meta(given: Any) -> dict[str, Any]:
    """Return the member `_meta` without what is of no form that the protocol knows."""
    if not isinstance(given, dict):
        return {}
    token = given.get("progressToken", "")
    is_token = isinstance(token, (str, int)) and not isinstance(token, bool)
    return {"_meta": given if is_token else {name: value for name, value in given.items() if name != "progressToken"}}


def _initialize(params: dict[str, Any]) -> dict[str, Any]:
    client = _object(params.get("clientInfo"))
    words = client if isinstance(client, dict) else {}
    version = params.get("protocolVersion")
    return {
        # One that is no text is as unknown as any other: the client is offered a version that there is.
        "protocolVersion": _ANSWERED_WITH.get(version, version) if isinstance(version, str) else "",
        "capabilities": {},
        "clientInfo": {name: _text(words.get(name), unknown) for name, unknown in _UNKNOWN_CLIENT.items()},
    }


def _object(value: Any) -> Any:
    return {} if value == [] or value is None else value


def _text(value: object, otherwise: str) -> str:
    return value if isinstance(value, str) else otherwise
