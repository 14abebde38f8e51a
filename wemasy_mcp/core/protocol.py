"""The rules of the Wemasy API without I/O: arguments to a request body, an answer to a reply or an error.

Knows neither an HTTP library nor MCP. Source: docs/api.md. What the API leaves open is read so that nothing is
claimed about a write that the answer does not prove.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import MISSING, ValidationError

from wemasy_mcp import json_weight, strict_json
from wemasy_mcp.core.answer_data import read_data
from wemasy_mcp.core.errors import (
    BadResponse,
    FieldErrors,
    Forbidden,
    InvalidArguments,
    RateLimit,
    RateLimited,
    Rejected,
    RejectedOnTheWay,
    RejectedUnclearly,
    ServerFailed,
    Unauthenticated,
    ValidationFailed,
    WemasyError,
)
from wemasy_mcp.core.field_errors import read_field_errors
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.endpoints.base import Arguments, Endpoint
from wemasy_mcp.json_schema import Schema, split_null
from wemasy_mcp.retry_after import read_wait

MAX_BODY = 2**20
"""Maximum size of a request body, and of an unpacked answer: 1 MiB."""

_WAITS = ("retry-after", "x-ratelimit-reset", "ratelimit-reset")
"""The headers that may say how long to wait after a 429."""

_ADDED_BY_HOSTS = {
    "wait_for_previous": "Gemini CLI",
    "waitForPreviousTools": "Antigravity",
    "toolCallId": "n8n",
    "sessionId": "n8n",
    "action": "n8n",
    "chatInput": "n8n",
    "security_context": "CrewAI",
    "_meta": "the Ruby SDK's client",
}
"""Arguments that a host adds to every call for its own use, and that host; no model can leave them out."""

_NO_ARGUMENTS = frozenset({"", "null", "[]", "{}"})
"""The texts that clients send if a model gave no arguments."""

_ODD_ARGUMENTS = {
    "missing": "This argument is required.",
    "model_type": "Input should be a JSON object.",
    "dict_type": "Input should be a JSON object.",
    "list_type": "Input should be a JSON list.",
}

_ERRORS_BY_STATUS: dict[int, type[WemasyError]] = {
    401: Unauthenticated,
    403: Forbidden,
    422: ValidationFailed,
    429: RateLimited,
    # A request time-out, a conflict, Laravel's expired session and "too early" do not prove that nothing happened.
    408: RejectedUnclearly,
    409: RejectedUnclearly,
    419: RejectedUnclearly,
    425: RejectedUnclearly,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A write that the API confirmed."""

    message: str | None
    data: Any
    """An object or a list, as the endpoint says; None if none of it can be shown."""
    rate_limit: RateLimit | None
    notes: tuple[str, ...]


def parse_arguments(endpoint: Endpoint, given: object, *, drop_nulls: bool = False) -> tuple[Arguments, list[str]]:
    """Return the checked arguments, and a note for each that was repaired.

    `given` is what a client sent as `arguments`: an object, its JSON text, or something empty if there are none.

    Raises:
        InvalidArguments: Names every argument that is missing, unknown or does not match the schema.
    """
    notes: list[str] = []
    known = endpoint.argument_schema["properties"]
    arguments = {
        name: value
        for name, value in _read_given(given).items()
        if (name in known or name not in _ADDED_BY_HOSTS) and not (drop_nulls and value is None)
    }
    try:
        return endpoint.arguments.model_validate(arguments, context=notes), notes
    except ValidationError as error:
        field_errors: FieldErrors = {}
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            name = sanitize(".".join(map(str, detail["loc"])), limit=100)
            text = _ODD_ARGUMENTS.get(detail["type"], f"{detail['msg']}.")
            if detail["type"] == "extra_forbidden":
                text = f"Unknown argument. Known: {_known_at(endpoint.argument_schema, detail['loc'])}."
            if not detail["loc"]:
                # A name that is not Unicode text is the only error without a location.
                name, text = "arguments", f"A name holds a lone surrogate. Known: {', '.join(known)}."
            field_errors.setdefault(name, []).append(text)
        raise InvalidArguments(_summary(field_errors), field_errors=field_errors) from None


def request_body(arguments: Arguments) -> bytes:
    """Return the JSON body. At every level, null is sent as null, and what was left out is not sent.

    Raises:
        InvalidArguments: The body is over `MAX_BODY` bytes, or JSON cannot hold it.
    """
    given = arguments.model_dump(by_alias=True, exclude_unset=True)
    try:
        body = _compact(given)
        problem = f"All arguments together should be at most {MAX_BODY} bytes of JSON."
        wrong = max(given, key=lambda name: len(_compact(given[name]))) if len(body) > MAX_BODY else None
    except ValueError:
        problem = "Input should hold only finite numbers and Unicode text."
        wrong = next(name for name, value in given.items() if not strict_json.is_json(value))
    if wrong is not None:
        raise InvalidArguments(f"Not valid: {wrong}.", field_errors={wrong: [problem]})
    return body


def read_reply(
    endpoint: Endpoint, status: int, headers: Mapping[str, str], body: bytes, *, now: float, secret: str = ""
) -> Reply:
    """Return what the API confirmed.

    Args:
        endpoint: The operation that was called.
        status: The HTTP status.
        headers: By lower-case name; the values of a header that was sent several times are joined with commas.
        body: At most `MAX_BODY` bytes, unpacked.
        now: Unix time in seconds, for a wait that is given as a date.
        secret: The token, which no text may contain.

    Raises:
        WemasyError: Anything but a 2xx whose body is a JSON object with `success: true`.
    """
    found = strict_json.parse_or_none(body)
    answer = found if isinstance(found, dict) else None
    if 200 <= status < 300:
        return _read_success(endpoint, status, answer, _read_rate_limit(headers), secret)
    raise _read_failure(status, headers, answer, now, secret)


def _read_success(
    endpoint: Endpoint, status: int, answer: dict[str, Any] | None, rate_limit: RateLimit | None, secret: str
) -> Reply:
    if answer is None or not isinstance(answer.get("success"), bool):
        raise BadResponse(status=status, rate_limit=rate_limit)
    message = _read_message(answer, secret)
    if not answer["success"]:
        raise Rejected(message, status=status, rate_limit=rate_limit)
    notes: list[str] = []
    if "message" in answer and not isinstance(answer["message"], str):
        notes.append("message in the answer was not text and is left out.")
    data, more = read_data(endpoint.data_schema, answer.get("data"), secret)
    return Reply(message, data, rate_limit, (*notes, *more))


def _read_failure(
    status: int, headers: Mapping[str, str], answer: dict[str, Any] | None, now: float, secret: str
) -> WemasyError:
    rate_limit = _read_rate_limit(headers)
    if not 400 <= status < 500:
        # The text of a 5xx may be a stack trace, and that of a 3xx is a web page's: neither is shown.
        if 500 <= status < 600:
            wait = read_wait(headers, now, ("retry-after",)) if status == 503 else None
            return ServerFailed(status=status, retry_after_seconds=wait, rate_limit=rate_limit)
        return BadResponse(status=status, rate_limit=rate_limit)
    error = _ERRORS_BY_STATUS.get(status, Rejected)
    if status in (401, 403, 407) and not _is_documented_refusal(answer):
        return RejectedOnTheWay(status=status, rate_limit=rate_limit)
    field_errors, left_out = read_field_errors((answer or {}).get("errors") if status == 422 else None, secret)
    return error(
        _read_message(answer, secret),
        status=status,
        retry_after_seconds=read_wait(headers, now, _WAITS) if status == 429 else None,
        field_errors=field_errors,
        rate_limit=rate_limit,
        notes=(f"{left_out} more field errors were left out.",) if left_out else (),
    )


def _is_documented_refusal(answer: dict[str, Any] | None) -> bool:
    """Return whether Wemasy itself sent it: anything in front of it answers with HTML, or with JSON of another form."""
    return answer is not None and isinstance(answer.get("message"), str) and isinstance(answer.get("error", True), bool)


def _read_message(answer: dict[str, Any] | None, secret: str) -> str | None:
    message = (answer or {}).get("message")
    return sanitize(message, secret).strip() or None if isinstance(message, str) else None


def _read_rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    limit = _read_count(headers.get("x-ratelimit-limit", ""))
    remaining = _read_count(headers.get("x-ratelimit-remaining", ""))
    return None if limit is remaining is MISSING else RateLimit(limit=limit, remaining=remaining)


def _read_count(header: str) -> int | MISSING:
    text = header.strip(" \t")
    # `isdigit` alone is true for "²", which `int` refuses.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else MISSING


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _summary(field_errors: FieldErrors) -> str:
    names = ", ".join(list(field_errors)[:5])
    return f"Not valid: {names}{', …' if len(field_errors) > 5 else ''}."


def _read_given(given: object) -> dict[str, Any]:
    if given is None or given == [] or (isinstance(given, str) and given.strip() in _NO_ARGUMENTS):
        return {}
    is_heavy = isinstance(given, str) and json_weight.is_too_heavy(given)
    found = strict_json.parse_or_none(given) if isinstance(given, str) and not is_heavy else given
    if isinstance(found, dict):
        return found
    problem = json_weight.TOO_HEAVY if is_heavy else "Input should be a JSON object"
    raise InvalidArguments("The arguments are not a JSON object.", field_errors={"arguments": [f"{problem}."]})


def _known_at(schema: Schema, place: Sequence[int | str]) -> str:
    """Return the names that are known at the place where the last part of `place` is unknown."""
    for part in place[:-1]:
        schema = schema["items"] if isinstance(part, int) else schema["properties"][part]
        schema, _ = split_null(schema)
    return ", ".join(schema["properties"])
