"""The rules of the Wemasy API without I/O: arguments to a request body, an answer to a reply or an error.

Knows no HTTP library and no MCP. Source: docs/api.md; what the API leaves open is read so that nothing is
claimed about a write that the answer does not prove.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from pydantic import MISSING, ValidationError

from wemasy_mcp import strict_json
from wemasy_mcp.core.errors import (
    BadResponse,
    FieldErrors,
    Forbidden,
    InvalidArguments,
    RateLimit,
    RateLimited,
    Rejected,
    RejectedUnclearly,
    ServerFailed,
    Unauthenticated,
    ValidationFailed,
    WemasyError,
)
from wemasy_mcp.core.field_errors import read_field_errors
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.endpoints.base import Arguments, Endpoint

MAX_BODY = 2**20
"""Bytes of a request body, and of an unpacked answer: 1 MiB."""

MAX_WAIT = 24 * 60 * 60
"""Seconds; a longer `Retry-After` is taken for garbage."""

ADDED_BY_HOSTS = frozenset({"wait_for_previous"})
"""Arguments that a host adds to every tool for its own use; dropped silently."""

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
    data: dict[str, Any] | None
    rate_limit: RateLimit | None
    notes: tuple[str, ...]


def parse_arguments(
    endpoint: Endpoint, given: Mapping[str, Any] | None, *, drop_nulls: bool = False
) -> tuple[Arguments, list[str]]:
    """Return the checked arguments, and a note for each that was repaired.

    Raises:
        InvalidArguments: Names every argument that is missing, unknown or of another form than the schema's.
    """
    notes: list[str] = []
    arguments = {
        name: value
        for name, value in (given or {}).items()
        if name not in ADDED_BY_HOSTS and not (drop_nulls and value is None)
    }
    try:
        return endpoint.arguments.model_validate(arguments, context=notes), notes
    except ValidationError as error:
        known = ", ".join(endpoint.arguments.model_fields)
        field_errors: FieldErrors = {}
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            text = {
                "missing": "This argument is required.",
                "extra_forbidden": f"Unknown argument. Known: {known}.",
                "string_unicode": f"A name holds a lone surrogate. Known: {known}.",
            }.get(detail["type"], f"{detail['msg']}.")
            # A name that is no Unicode text is the one error that has no place.
            name = str(detail["loc"][0]) if detail["loc"] else "arguments"
            field_errors.setdefault(sanitize(name, limit=100), []).append(text)
        raise InvalidArguments(_summary(field_errors), field_errors=field_errors) from None


def request_body(arguments: Arguments) -> bytes:
    """Return the JSON body: null is sent as null, what was left out is not sent.

    Raises:
        InvalidArguments: The body is over `MAX_BODY` bytes.
    """
    given = {
        name: getattr(arguments, name) for name in type(arguments).model_fields if name in arguments.model_fields_set
    }
    body = _compact(given)
    if len(body) > MAX_BODY:
        largest = max(given, key=lambda name: len(_compact(given[name])))
        raise InvalidArguments(
            "The arguments are too large.",
            field_errors={largest: [f"All arguments together should be at most {MAX_BODY} bytes of JSON."]},
        )
    return body


def read_reply(
    endpoint: Endpoint, status: int, headers: Mapping[str, str], body: bytes, *, now: float, secret: str = ""
) -> Reply:
    """Return what the API confirmed.

    Args:
        endpoint: The operation that was called.
        status: The HTTP status.
        headers: By lower-case name.
        body: At most `MAX_BODY` bytes, unpacked.
        now: Unix time in seconds, for a `Retry-After` that is a date.
        secret: The token, which no text may carry.

    Raises:
        WemasyError: Anything but a 2xx whose body is a JSON object with `success: true`.
    """
    answer = _read_object(body)
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
        notes.append("message was no text in the answer and is left out.")
    data = _read_data(endpoint, answer.get("data"), notes, secret)
    return Reply(message, data, rate_limit, tuple(notes))


def _read_data(endpoint: Endpoint, data: object, notes: list[str], secret: str) -> dict[str, Any] | None:
    if not isinstance(data, dict):
        notes.append("data was not as documented in the answer and is left out.")
        return None
    odd: set[str] = set()
    try:
        endpoint.data.model_validate(data)
    except ValidationError as error:
        odd = {str(detail["loc"][0]) for detail in error.errors(include_url=False)}
    # No database counts past 64 bits, and a number of thousands of digits would fill the result.
    odd |= {name for name, value in data.items() if isinstance(value, int) and value.bit_length() > 63}
    shown: dict[str, Any] = {}
    for name in endpoint.data.model_fields:
        if name in odd:
            notes.append(f"data.{name} was not as documented in the answer and is left out.")
            continue
        value = data[name]
        shown[name] = sanitize(value, secret) if isinstance(value, str) else value
        if shown[name] != value:
            notes.append(f"data.{name} is shown cleaned or shortened.")
    return shown


def _read_failure(
    status: int, headers: Mapping[str, str], answer: dict[str, Any] | None, now: float, secret: str
) -> WemasyError:
    rate_limit = _read_rate_limit(headers)
    if not 400 <= status < 500:
        # A 5xx's own text may be a stack trace, a 3xx's is a web page's: neither is shown.
        if 500 <= status < 600:
            wait = _read_retry_after(headers, now) if status == 503 else None
            return ServerFailed(status=status, retry_after_seconds=wait, rate_limit=rate_limit)
        return BadResponse(status=status, rate_limit=rate_limit)
    error = _ERRORS_BY_STATUS.get(status, Rejected)
    field_errors, left_out = read_field_errors((answer or {}).get("errors") if status == 422 else None, secret)
    return error(
        _read_message(answer, secret),
        status=status,
        retry_after_seconds=_read_retry_after(headers, now) if status == 429 else None,
        field_errors=field_errors,
        rate_limit=rate_limit,
        notes=(f"{left_out} more field errors were left out.",) if left_out else (),
    )


def _read_object(body: bytes) -> dict[str, Any] | None:
    try:
        # RFC 8259, section 8.1: a byte order mark may be ignored; a success with one is a success.
        answer = strict_json.parse(body.decode("utf-8-sig"))
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _read_message(answer: dict[str, Any] | None, secret: str) -> str | None:
    message = (answer or {}).get("message")
    return sanitize(message, secret).strip() or None if isinstance(message, str) else None


def _read_rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    limit = _read_count(headers.get("x-ratelimit-limit"))
    remaining = _read_count(headers.get("x-ratelimit-remaining"))
    if limit is None and remaining is None:
        return None
    return RateLimit(limit=MISSING if limit is None else limit, remaining=MISSING if remaining is None else remaining)


def _read_retry_after(headers: Mapping[str, str], now: float) -> int | None:
    """Seconds to wait (RFC 9110, section 10.2.3: seconds or an HTTP-date), None where the header is of no use."""
    text = headers.get("retry-after", "")
    seconds = _read_count(text)
    if seconds is None:
        seconds = _seconds_until(text, now)
    return seconds if seconds is not None and 0 <= seconds <= MAX_WAIT else None


def _seconds_until(http_date: str, now: float) -> int | None:
    from email.utils import parsedate_to_datetime  # slow to import, and a Retry-After is seldom a date

    try:
        # Every HTTP-date is UTC (RFC 9110, section 5.6.7), also the obsolete form that does not say so.
        when = parsedate_to_datetime(http_date)
        return math.ceil((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _read_count(text: str | None) -> int | None:
    # `isdigit` alone holds for "²", which `int` refuses.
    text = (text or "").strip(" \t")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _summary(field_errors: FieldErrors) -> str:
    names = ", ".join(list(field_errors)[:5])
    return f"Not valid: {names}{', …' if len(field_errors) > 5 else ''}."
