"""What every tool result must be, whatever was played: of the published shape, and true."""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema

from api_document import SAVE_MEMORY, UPDATE_CONNECTION
from support.program import TOKEN
from support.scripted_api import Upstream
from support.server_process import VALUE, ServerProcess
from wemasy_mcp.endpoints import ENDPOINTS

SAVE, UPDATE = SAVE_MEMORY.tool, UPDATE_CONNECTION.tool
ENDPOINT = {endpoint.tool: endpoint for endpoint in ENDPOINTS}

MAX_BYTES = 8000
"""Of a whole result: the structured object and, as a JSON string, its text."""

_NOT_APPLIED = frozenset(
    {
        "not_configured",
        "invalid_arguments",
        "validation_failed",
        "unauthenticated",
        "forbidden",
        "rate_limited",
        "rejected",
        "unreachable",
    }
)
_NEVER_RETRYABLE = _NOT_APPLIED - {"rate_limited", "unreachable"} | {"internal_error"}


class Schemas:
    """The output schemas as the server itself lists them."""

    def __init__(self, listed: Mapping[str, Any]) -> None:
        self._validators = {
            tool["name"]: jsonschema.Draft202012Validator(tool["outputSchema"]) for tool in listed["tools"]
        }

    def validate(self, tool: str, structured: object) -> None:
        """Assert that a result's structured content is as `tool` publishes it."""
        self._validators[tool].validate(structured)


async def read_schemas(server: ServerProcess) -> Schemas:
    """Return the schemas of a server that can still list its tools."""
    answer = await server.request("tools/list")
    return Schemas(answer["result"])


def read_result(result: Mapping[str, Any], tool: str, schemas: Schemas) -> dict[str, Any]:
    """Return a result's structured content, after asserting its form."""
    structured = result["structuredContent"]
    assert isinstance(structured, dict)
    (block,) = result["content"]
    assert block["type"] == "text"
    assert json.loads(block["text"]) == structured
    assert block["text"] == json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
    size = len(block["text"].encode()) + len(json.dumps(block["text"], ensure_ascii=False).encode())
    assert size <= MAX_BYTES
    schemas.validate(tool, structured)
    assert TOKEN not in json.dumps(result)
    assert result.get("isError", False) is not structured["success"]
    assert None not in structured.values()
    if structured["success"]:
        assert "error" not in structured
    else:
        verify_error(structured["error"], tool)
    return structured


def verify_error(error: Mapping[str, Any], tool: str) -> None:
    """Assert that code, outcome, retryability and hint say one and the same thing."""
    optional = {"status", "retry_after_seconds", "field_errors", "request_id"}
    assert set(error) - optional == {"code", "message", "outcome", "retryable", "hint"}
    assert None not in error.values()
    unclear = error["code"] == "rejected" and error["status"] in {408, 409, 419, 425}
    outcome = "not_applied" if error["code"] in _NOT_APPLIED and not unclear else "unknown"
    assert error["outcome"] == outcome
    may_help = error["code"] not in _NEVER_RETRYABLE
    assert error["retryable"] is (may_help and (outcome == "not_applied" or ENDPOINT[tool].idempotent))
    verify_hint(error, ENDPOINT[tool].done)


def verify_hint(error: Mapping[str, Any], done: str) -> None:
    """Assert that the words say whether it happened, whether to repeat it, and when."""
    hint = error["hint"]
    if error["outcome"] == "not_applied":
        assert hint.startswith(f"Nothing was {done}.")
    else:
        assert hint.startswith(f"It may or may not have been {done}.")
        assert ("Do not send it again" in hint) is not error["retryable"]
        assert ("may repeat it" in hint) is error["retryable"]
    if error["retryable"] and error["outcome"] == "not_applied":
        assert "end the same call again" in hint
    if error["retryable"] and "retry_after_seconds" in error:
        assert f"after {error['retry_after_seconds']} seconds" in hint


def verify_truth(structured: Mapping[str, Any], key: str, upstream: Upstream) -> None:
    """Assert that what is claimed of a write is what the upstream knows of it."""
    assert upstream.received[key] <= 1, "sent twice"
    assert upstream.applied[key] <= 1, "written twice"
    if structured["success"]:
        assert upstream.applied[key] == 1
    elif structured["error"]["outcome"] == "not_applied":
        assert upstream.applied[key] == 0


class Player:
    """Calls one tool of one server and holds each result against what the upstream really did."""

    def __init__(self, server: ServerProcess, upstream: Upstream, schemas: Schemas, tool: str = SAVE) -> None:
        self.server = server
        self.upstream = upstream
        self.tool = tool
        self._schemas = schemas

    def arguments(self, key: str) -> dict[str, Any]:
        """Return arguments that write `key`."""
        if self.tool == SAVE:
            return {"kind": "fact", "key": key, "value": VALUE}
        return {"connection_id": 5, "name": key}

    def read(self, result: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Return the structured content of a result, after asserting its form and its truth."""
        structured = read_result(result, self.tool, self._schemas)
        verify_truth(structured, key, self.upstream)
        return structured

    async def write(self, key: str) -> dict[str, Any]:
        """Call the tool once and return what it said."""
        return self.read(await self.server.call(self.tool, self.arguments(key)), key)

    async def expect_healthy(self, key: str) -> None:
        """Assert that a further call works."""
        structured = await self.write(f"healthy after {key}")
        assert structured["success"], structured
        assert structured["message"] == "Done."
        assert structured["data"].get("key", structured["data"].get("name")) == f"healthy after {key}"

    async def expect_error(self, key: str, code: str) -> dict[str, Any]:
        """Call the tool, assert the error's code and return the error."""
        structured = await self.write(key)
        assert not structured["success"], structured
        error: dict[str, Any] = structured["error"]
        assert error["code"] == code, error
        return error
