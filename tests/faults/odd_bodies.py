"""Whole answers with a body that is not what the API documents: some are successes all the same, most prove nothing."""

import gzip
from typing import Any

from support.answers import answer, chunk, head, success
from support.fault import DONE, DONE_JSON, Fault, told
from support.program import TOKEN


def _not_a_success(name: str, body: object) -> Fault:
    return told(f"200 with {name}", "bad_response", answer(200, body), applied=True, status=200)


BAD_BODIES: tuple[Fault, ...] = (
    told("204", "bad_response", b"HTTP/1.1 204 No Content\r\n\r\n", applied=True, status=204),
    told("HTML that says 200", "bad_response", answer(200, b"<h1>Login</h1>", content_type="text/html"), applied=False),
    _not_a_success("an empty body", b""),
    _not_a_success("blanks", b" \r\n"),
    _not_a_success("truncated JSON", DONE_JSON[:-3]),
    _not_a_success("text after the JSON", DONE_JSON + b"<!-- 3 ms -->"),
    _not_a_success("two JSON objects", DONE_JSON + DONE_JSON),
    _not_a_success("a PHP warning before the JSON", b"Warning: foo in /srv/x.php\n" + DONE_JSON),
    _not_a_success("an array", [DONE]),
    _not_a_success("null", None),
    _not_a_success("a number", 1),
    _not_a_success("a string", "success"),
    _not_a_success("true", True),
    _not_a_success("an empty object", {}),
    _not_a_success("no success member", {"data": DONE["data"]}),
    _not_a_success('success "true"', {**DONE, "success": "true"}),
    _not_a_success("success 1", {**DONE, "success": 1}),
    _not_a_success("success null", {**DONE, "success": None}),
    _not_a_success("NaN", b'{"success": true, "data": {"id": NaN}}'),
    _not_a_success("Infinity", b'{"success": true, "data": {"id": -Infinity}}'),
    _not_a_success("success twice", b'{"success": true, "success": false}'),
    _not_a_success("a data member twice", b'{"success": true, "data": {"id": 1, "id": 2}}'),
    _not_a_success("100,000 lists in one another", b'{"success": true, "data": ' + b"[" * 10**5 + b"]" * 10**5 + b"}"),
    _not_a_success(
        "100,000 objects in one another", b'{"success": true, "data": ' + b'{"a":' * 10**5 + b"1" + b"}" * 10**5 + b"}"
    ),
    _not_a_success("bad UTF-8", b'{"success": true, "message": "\xff\xfe"}'),
    _not_a_success("a surrogate in its UTF-8", b'{"success": true, "message": "\xed\xa0\xbd"}'),
    _not_a_success("UTF-16", DONE_JSON.decode().encode("utf-16")),
    _not_a_success("an integer of 5,000 digits", b'{"success": true, "data": {"id": ' + b"9" * 5000 + b"}}"),
    _not_a_success("an API error", {"error": True, "message": "Unauthenticated."}),
    told("success: false", "rejected", answer(200, {"success": False, "message": "No."}), applied=False, message="No."),
    told("success: false without a word", "rejected", answer(200, {"success": False}), applied=False, status=200),
    told(
        "201 with success: false", "rejected", answer(201, {"success": False, "data": None}), applied=False, status=201
    ),
)

_NOT_SHOWN = "did not match the documentation and is left out."


def _odd_success(name: str, body: object, **expected: Any) -> Fault:
    return told(f"success with {name}", None, answer(200, body), applied=True, **expected)


SUCCESSES: tuple[Fault, ...] = (
    _odd_success("a byte order mark", b"\xef\xbb\xbf" + DONE_JSON, message="Done."),
    _odd_success("blanks around it", b"\n\t " + DONE_JSON + b"\r\n", message="Done."),
    _odd_success("no data", {"success": True}, data=None, notes=[f"data {_NOT_SHOWN}"]),
    _odd_success("data null", {"success": True, "data": None}, data=None, notes=[f"data {_NOT_SHOWN}"]),
    _odd_success("data a list", {"success": True, "data": [1]}, data=None, notes=[f"data {_NOT_SHOWN}"]),
    _odd_success("data text", {"success": True, "data": "7"}, data=None, notes=[f"data {_NOT_SHOWN}"]),
    _odd_success(
        "data of other types",
        {"success": True, "data": {"id": "7", "kind": 5, "key": [1], "name": {}, "model_name": True}},
        data={},
    ),
    _odd_success("an id that is true", {"success": True, "data": {"id": True}}, data={}),
    _odd_success("an id of 400 digits", {**DONE, "data": {"id": 10**399}}, data={}),
    _odd_success("the token for data", {"success": True, "data": {"id": 7, "key": TOKEN, "name": f"a {TOKEN}"}}),
    _odd_success("an endless key", {"success": True, "data": {"id": 7, "key": "k" * 500_000, "name": "n" * 500_000}}),
    _odd_success("message a number", {**DONE, "message": 5}, message=None),
    _odd_success("message null", {**DONE, "message": None}, message=None),
    _odd_success(
        "members nobody documented", {**DONE, "debug": "<pre>", "data": {"id": 3, "owner": "<pre>"}}, data={"id": 3}
    ),
    _odd_success("a lone surrogate", b'{"success": true, "message": "half \\ud83d here"}', message="half  here"),
    _odd_success(
        "a lone surrogate for a name", b'{"success": true, "\\ud83d": 1, "message": "Done."}', message="Done."
    ),
    _odd_success("bidirectional text", {**DONE, "message": "a\u202eb\u0007c\u200bd"}, message="abcd"),
    _odd_success("an endless message", {**DONE, "message": "m" * 100_000}, message="m" * 499 + "…"),
    _odd_success(
        "the token in its message", {**DONE, "message": f"Bearer {TOKEN} seen"}, message="Bearer [redacted] seen"
    ),
    _odd_success(
        "the token, cut up by what is not shown", {**DONE, "message": "\u200b".join(TOKEN)}, message="[redacted]"
    ),
    told("success without Content-Length", None, head() + DONE_JSON, applied=True),
    told(
        "success in chunks",
        None,
        head("Transfer-Encoding: chunked"),
        *map(chunk, (DONE_JSON[:9], DONE_JSON[9:])),
        b"0\r\n\r\n",
        applied=True,
    ),
    told("success in HTTP/1.0", None, b"HTTP/1.0 200 OK\r\n\r\n" + DONE_JSON, applied=True),
    told(
        "success with gzip nobody asked for",
        None,
        answer(200, gzip.compress(DONE_JSON), "Content-Encoding: gzip"),
        applied=True,
    ),
    told("success called HTML", None, answer(200, DONE, content_type="text/html"), applied=True),
    told("success as 201", None, answer(201, DONE), applied=True),
    told("success after 100 Continue", None, b"HTTP/1.1 100 Continue\r\n\r\n", answer(200, DONE), applied=True),
    told("success after 103 Early Hints", None, b"HTTP/1.1 103 Early Hints\r\n\r\n", answer(200, DONE), applied=True),
    told("success, then a reset", None, answer(200, DONE), applied=True, ending="reset"),
    told(
        "success before bytes of another answer",
        None,
        answer(200, DONE) + answer(200, success("other", record_id=666)),
        applied=True,
        ending="serve",
    ),
    told("success in Latin-1 headers", None, answer(200, DONE, "X-Name: \udce9"), applied=True),
)


def _validation(name: str, errors: object, field_errors: object) -> Fault:
    body = {"message": "The given data was invalid.", "errors": errors}
    return told(f"422 with {name}", "validation_failed", answer(422, body), applied=False, field_errors=field_errors)


VALIDATIONS: tuple[Fault, ...] = (
    _validation("Laravel's lists", {"name": ["Too long.", "Odd."]}, {"name": ["Too long.", "Odd."]}),
    _validation("a nested name", {"metadata.source": ["Bad."]}, {"metadata.source": ["Bad."]}),
    _validation("one text a field", {"name": "Too long."}, {"name": ["Too long."]}),
    _validation("objects", {"metadata": {"source": ["Bad."]}}, {"metadata.source": ["Bad."]}),
    _validation("a field without a text", {"name": []}, {"name": []}),
    _validation("an empty name", {"": ["Bad."]}, {"": ["Bad."]}),
    _validation("a list of texts", ["Bad."], {"errors": ["Bad."]}),
    _validation("null", None, None),
    _validation("the token in a text", {"name": [f"got {TOKEN}"]}, {"name": ["got [redacted]"]}),
    _validation("the token in a name", {TOKEN: ["Bad."]}, {"[redacted]": ["Bad."]}),
    _validation("a lone surrogate", {"name": ["half \ud83d"]}, {"name": ["half "]}),
    told(
        "422 with 90 fields of 9 long texts",
        "validation_failed",
        answer(422, {"errors": {f"field{n}": ["e" * 900] * 9 for n in range(90)}}),
        applied=False,
    ),
    told(
        "422 with 900 levels",
        "validation_failed",
        answer(422, b'{"errors": ' + b'{"a":' * 900 + b'["x"]' + b"}" * 900 + b"}"),
        applied=False,
    ),
)

SECRETS: tuple[Fault, ...] = (
    told(
        "500 with a debug page that shows the token",
        "server_failed",
        answer(500, f"<pre>Authorization: Bearer {TOKEN}".encode()),
        applied=True,
    ),
    told(
        "401 that repeats the token",
        "unauthenticated",
        answer(401, {"message": f"No such token: {TOKEN}"}),
        applied=False,
        message="No such token: [redacted]",
    ),
    told("a header line that is the token", "connection_lost", answer(200, DONE, TOKEN), applied=True),
    told("a status line with the token", "connection_lost", f"HTTP/1.1 {TOKEN}\r\n\r\n".encode(), applied=True),
    told(
        "a content coding named like the token",
        "bad_response",
        answer(200, b"", f"Content-Encoding: {TOKEN}"),
        applied=True,
    ),
)
