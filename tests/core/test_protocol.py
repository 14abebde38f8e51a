"""What an answer proves: status, headers and body to a reply or an error, by pure functions."""

import json
import time
from typing import Any

import pytest
from pydantic import MISSING

from api_document import OPERATIONS, RATE_LIMIT_HEADERS, SAMPLE_ERRORS
from support.program import TOKEN
from support.wire import ENDPOINT, SAVE, UPDATE
from wemasy_mcp.core.errors import RateLimit, WemasyError
from wemasy_mcp.core.protocol import Reply, read_reply

NOW = 1_800_000_000.0
"""2027-01-15 08:00:00 UTC."""

MEMORY = {"id": 12, "kind": "fact", "key": None}
SAVED = {"success": True, "data": MEMORY}


def read(status: int, body: Any = b"", headers: dict[str, str] | None = None, tool: str = SAVE) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return read_reply(ENDPOINT[tool], status, lower, content, now=NOW, secret=TOKEN)


def read_error(status: int, body: Any = b"", headers: dict[str, str] | None = None) -> WemasyError:
    with pytest.raises(WemasyError) as raised:
        read(status, body, headers)
    return raised.value


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool)
def test_the_documented_answer_is_a_reply(operation: Any) -> None:
    reply = read(200, operation.sample_answer, RATE_LIMIT_HEADERS, operation.tool)

    assert reply == Reply(
        message=operation.sample_answer.get("message"),
        data=operation.sample_answer["data"],
        rate_limit=RateLimit(limit=60, remaining=57),
        notes=(),
    )


@pytest.mark.parametrize(
    ("status", "code", "rate_limit", "wait", "field_errors"),
    [
        (401, "unauthenticated", RateLimit(limit=60, remaining=57), None, {}),
        (403, "forbidden", RateLimit(limit=60, remaining=57), None, {}),
        (422, "validation_failed", None, None, {"name": ["The name field is required."]}),
        (429, "rate_limited", RateLimit(limit=60, remaining=0), 60, {}),
    ],
)
def test_every_documented_error_is_read_whole(
    status: int, code: str, rate_limit: RateLimit | None, wait: int | None, field_errors: dict[str, list[str]]
) -> None:
    body, headers = SAMPLE_ERRORS[status]

    error = read_error(status, body, headers)

    assert (error.code, error.status, error.outcome) == (code, status, "not_applied")
    assert error.message == body["message"]
    assert error.rate_limit == rate_limit
    assert error.retry_after_seconds == wait
    assert error.field_errors == field_errors


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        *((status, "bad_response", "unknown") for status in (300, 301, 302, 303, 304, 307, 308, 399)),
        *((status, "rejected", "not_applied") for status in (400, 402, 404, 405, 406, 410, 413, 415, 426, 431, 451)),
        *((status, "rejected", "unknown") for status in (408, 409, 419, 425)),
        *((status, "rejected", "not_applied") for status in (418, 420, 499)),
        *((status, "server_failed", "unknown") for status in (500, 501, 502, 503, 504, 520, 529, 599)),
        *((status, "bad_response", "unknown") for status in (0, 100, 101, 199, 600, 999)),
    ],
)
@pytest.mark.parametrize(
    "body",
    [b"", b"<html><h1>no</h1>", b"null", b"[]", b'"text"', json.dumps(SAVED).encode(), b"\xff\xfe", b"[" * 200_000],
    ids=["empty", "html", "null", "list", "text", "success", "no utf-8", "too deep"],
)
def test_every_other_status_says_what_it_proves_whatever_the_body(
    status: int, code: str, outcome: str, body: bytes
) -> None:
    error = read_error(status, body)

    assert (error.code, error.outcome, error.status) == (code, outcome, status)
    assert error.message == error.default_message
    assert not error.field_errors


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 206, 226, 299])
def test_any_2xx_with_success_is_a_success(status: int) -> None:
    assert read(status, SAVED) == Reply(message=None, data=MEMORY, rate_limit=None, notes=())


def test_a_success_with_a_byte_order_mark_is_a_success() -> None:
    assert read(200, b"\xef\xbb\xbf" + json.dumps(SAVED).encode()).data == MEMORY


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome to the hotel's wireless network</html>",
        b"null",
        b"true",
        b"[]",
        b"{}",
        b'{"success":null}',
        b'{"success":1}',
        b'{"success":"true"}',
        b'{"data":{"id":1}}',
        b'{"success":true',
        b'{"success":true}{"success":true}',
        b'{"success":true,"success":true}',
        b'{"success":true,"data":NaN}',
        b'{"success":true,"data":"\xff"}',
        b'{"success":true,"data":' + b"[" * 200_000,
        b'{"success":true,"data":' + b"1" * 5000 + b"}",
        json.dumps(SAVED).encode("utf-16"),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_2xx_that_does_not_say_whether_it_succeeded_proves_nothing(body: bytes) -> None:
    error = read_error(200, body, RATE_LIMIT_HEADERS)

    assert (error.code, error.outcome, error.status) == ("bad_response", "unknown", 200)
    assert error.rate_limit == RateLimit(limit=60, remaining=57)


def test_a_2xx_that_says_it_did_not_succeed_is_a_rejection_with_its_message() -> None:
    error = read_error(200, {"success": False, "message": "No such connection."}, RATE_LIMIT_HEADERS)

    assert (error.code, error.outcome, error.status) == ("rejected", "not_applied", 200)
    assert error.message == "No such connection."
    assert error.rate_limit == RateLimit(limit=60, remaining=57)


@pytest.mark.parametrize(
    ("data", "shown", "notes"),
    [
        ({"id": 1, "kind": "fact", "key": "k", "created_at": "now"}, {"id": 1, "kind": "fact", "key": "k"}, ()),
        ({"id": "1", "kind": "fact", "key": "k"}, {"kind": "fact", "key": "k"}, ("id",)),
        ({"id": True, "kind": "fact", "key": "k"}, {"kind": "fact", "key": "k"}, ("id",)),
        ({"id": 1.0, "kind": None, "key": 5}, {}, ("id", "kind", "key")),
        ({"id": 1}, {"id": 1}, ("kind", "key")),
        ({"id": 2**53 - 1, "kind": "", "key": None}, {"id": 2**53 - 1, "kind": "", "key": None}, ()),
        ({"id": 2**63, "kind": "fact", "key": None}, {"kind": "fact", "key": None}, ("id",)),
        ({"id": 10**4000, "kind": "fact", "key": None}, {"kind": "fact", "key": None}, ("id",)),
        ({}, {}, ("id", "kind", "key")),
    ],
)
def test_only_documented_members_of_their_documented_type_are_shown(
    data: dict[str, Any], shown: dict[str, Any], notes: tuple[str, ...]
) -> None:
    reply = read(200, {"success": True, "data": data})

    assert reply.data == shown
    assert reply.notes == tuple(f"data.{name} did not match the documentation and is left out." for name in notes)


@pytest.mark.parametrize("data", [None, [], [MEMORY], "12", 13, True])
def test_data_that_is_no_object_is_left_out_and_told(data: object) -> None:
    reply = read(200, {"success": True, "data": data})

    assert reply.data is None
    assert reply.notes == ("data did not match the documentation and is left out.",)


def test_data_that_is_missing_is_told() -> None:
    assert read(200, {"success": True}).notes == ("data did not match the documentation and is left out.",)


def test_a_value_that_had_to_be_cleaned_or_cut_is_told() -> None:
    data = {"id": 5, "name": "a\u202eb\ud83d", "model_name": "x" * 501}

    reply = read(200, {"success": True, "data": data}, tool=UPDATE)

    assert reply.data == {"id": 5, "name": "ab", "model_name": "x" * 499 + "…"}
    assert reply.notes == (
        "data.name is shown sanitized or shortened.",
        "data.model_name is shown sanitized or shortened.",
    )


@pytest.mark.parametrize("message", [None, 5, ["a"], {}])
def test_a_message_that_is_no_text_is_left_out_and_told(message: object) -> None:
    reply = read(200, SAVED | {"message": message})

    assert reply.message is None
    assert reply.notes == ("message in the answer was not text and is left out.",)


@pytest.mark.parametrize("message", ["", "  ", "\u200b\u202e", "\ud83d"])
def test_a_message_of_which_nothing_can_be_shown_is_absent(message: str) -> None:
    assert read(200, SAVED | {"message": message}).message is None


def test_the_token_is_redacted_from_every_text_of_an_answer() -> None:
    echo = f"Bearer {TOKEN}!"
    error = read_error(422, {"message": echo, "errors": {echo: [echo]}})

    assert error.message == "Bearer [redacted]!"
    assert error.field_errors == {"Bearer [redacted]!": ["Bearer [redacted]!"]}
    assert read(200, SAVED | {"message": echo, "data": MEMORY | {"key": echo}}).data == MEMORY | {
        "key": "Bearer [redacted]!"
    }


def test_a_5xx_s_own_message_is_never_shown() -> None:
    error = read_error(500, {"message": "SQLSTATE[42S02]", "exception": "QueryException", "errors": {"a": ["b"]}})

    assert error.message == "Wemasy had an internal error."
    assert not error.field_errors


def test_field_errors_come_only_from_a_422() -> None:
    assert read_error(400, {"message": "m", "errors": {"a": ["b"]}}).field_errors == {}


def test_field_errors_that_are_too_many_are_counted() -> None:
    error = read_error(422, {"message": "m", "errors": {f"field{number}": ["x"] for number in range(70)}})

    assert error.field_errors is not None
    assert len(error.field_errors) == 60
    assert error.notes == ("10 more field errors were left out.",)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("60", 60),
        (" 42\t", 42),
        ("0", 0),
        ("86400", 86400),
        ("30.5", 31),
        ("0.01", 1),
        ("30.", 30),
        ("60, 60", 60),
        ("5, 42", 42),
        ("soon, 7, -1, 86401", 7),
        ("Fri, 15 Jan 2027 08:00:42 GMT, 30", 42),
        ("30, Fri, 15 Jan 2027 08:00:42 GMT", 42),
        ("Friday, 15-Jan-27 08:01:00 GMT,Fri, 15 Jan 2027 08:00:42 GMT", 60),
        ("Fri, 15 Jan 2027 08:00:42 GMT", 42),
        ("Friday, 15-Jan-27 08:01:00 GMT", 60),
        ("Fri Jan 15 08:00:05 2027", 5),
        ("Fri, 15 Jan 2027 08:00:00 GMT", 0),
        *(
            (garbage, None)
            for garbage in (
                "",
                "-1",
                "+5",
                "²",
                "٥",
                "1_0",
                "0x10",
                "soon",
                "86401",
                "9" * 5000,
                "Fri, 15 Jan 2027 07:59:59 GMT",
                "Sun, 17 Jan 2027 08:00:00 GMT",
                "Fri, 32 Jan 2027 08:00:00 GMT",
                "Fri, 15 Jan 99999999999 08:00:00 GMT",
                "Fri, 15 Jan 2027 08:00:00 +99999999999999999999",
                "\x00",
                ",",
            )
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_wait_is_read_from_seconds_or_a_date_and_garbage_is_none(header: str, seconds: int | None) -> None:
    headers = {"Retry-After": header}

    assert read_error(429, b"", headers).retry_after_seconds == seconds
    assert read_error(503, b"", headers).retry_after_seconds == seconds


@pytest.mark.posix
def test_a_date_without_a_zone_is_utc_wherever_the_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        wait = read_error(429, b"", {"Retry-After": "Fri Jan 15 08:00:05 2027"}).retry_after_seconds
    finally:
        monkeypatch.undo()
        time.tzset()

    assert wait == 5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Reset": "1800000042"}, 42),
        ({"X-RateLimit-Reset": "1800000041.2"}, 42),
        ({"X-RateLimit-Reset": "42"}, 42),
        ({"RateLimit-Reset": "42"}, 42),
        ({"RateLimit-Reset": "Fri, 15 Jan 2027 08:00:42 GMT"}, 42),
        ({"X-RateLimit-Reset": "42", "RateLimit-Reset": "60"}, 42),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "1800000042"}, 42),
        ({"Retry-After": "86401", "RateLimit-Reset": "7"}, 7),
        ({"Retry-After": "5", "X-RateLimit-Reset": "1800000042"}, 5),
        ({"X-RateLimit-Reset": "1799999999"}, None),
        ({"X-RateLimit-Reset": "1800086401"}, None),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"Retry-After": "1800000042"}, None),
    ],
)
def test_where_retry_after_is_of_no_use_the_time_of_the_reset_is_the_wait(
    headers: dict[str, str], seconds: int | None
) -> None:
    assert read_error(429, b"", headers).retry_after_seconds == seconds
    # When the limit resets says nothing of when a server recovers.
    assert read_error(503, b"", {**headers, "Retry-After": ""}).retry_after_seconds is None


@pytest.mark.parametrize("status", [401, 403, 407])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Checking your browser</html>", [], "Forbidden", {}, {"error": "access_denied"}, {"message": 5},
     {"error": "invalid_token", "message": "The access token expired"}],
)  # fmt: skip
def test_a_401_403_or_407_that_is_not_wemasy_s_own_says_nothing_about_the_token(status: int, body: Any) -> None:
    error = read_error(status, body, {"Retry-After": "60"})

    assert (error.code, error.outcome, error.status) == ("rejected", "not_applied", status)
    assert error.message == "Something in front of Wemasy refused the request."
    hint = error.hint(ENDPOINT[SAVE])
    assert "WEMASY_BASE_URL" in hint
    assert "proxy or firewall" in hint


def test_laravel_s_own_401_without_the_error_member_is_about_the_token() -> None:
    assert read_error(401, {"message": "Unauthenticated."}).code == "unauthenticated"


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63 - 1])
def test_an_integer_that_clients_would_round_is_given_in_digits_in_a_note(number: int) -> None:
    reply = read(200, {"success": True, "data": MEMORY | {"id": number}})

    assert reply.data == {"kind": "fact", "key": None}
    assert reply.notes == (f"data.id is exactly {number}; the number is left out, because clients may round it.",)


def test_no_wait_is_read_where_it_means_nothing() -> None:
    assert read_error(429).retry_after_seconds is None
    assert read_error(500, b"", {"Retry-After": "60"}).retry_after_seconds is None
    assert read_error(403, b"", {"Retry-After": "60"}).retry_after_seconds is None


@pytest.mark.parametrize(
    ("limit", "remaining", "rate_limit"),
    [
        ("60", "57", RateLimit(limit=60, remaining=57)),
        (" 60 ", "0", RateLimit(limit=60, remaining=0)),
        ("60", None, RateLimit(limit=60)),
        ("sixty", "57", RateLimit(remaining=57)),
        ("-1", "²", None),
        ("1" * 10, "", None),
        (None, None, None),
    ],
)
def test_the_rate_limit_is_read_as_far_as_it_is_readable(
    limit: str | None, remaining: str | None, rate_limit: RateLimit | None
) -> None:
    given = {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining}
    headers = {name: value for name, value in given.items() if value is not None}

    assert read(200, SAVED, headers).rate_limit == rate_limit
    assert read_error(500, b"", headers).rate_limit == rate_limit
    assert rate_limit is None or MISSING not in rate_limit.model_dump().values()
