"""The played answers as a table: what goes over the wire, and what a caller must be told about it.

Faults of the network, of the client's side and of the process have tests of their own; here the request arrives.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

from faults.server_process import TOKEN
from faults.upstream import Ending, Script, answer, success

TRICKLE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Fault:
    """One played answer, and what is to be told. `code` None is a success."""

    name: str
    script: Script
    code: str | None
    expected: Mapping[str, Any] = field(default_factory=dict)
    """Further members of `error`, or of the whole result of a success. None: the member is absent."""
    rate_limit: Mapping[str, int] | None = None


def _told(
    name: str,
    code: str | None,
    *pieces: bytes,
    applied: bool,
    ending: Ending = "close",
    rate_limit: Mapping[str, int] | None = None,
    **expected: Any,
) -> Fault:
    return Fault(name, Script(lambda: pieces, applied=applied, ending=ending), code, expected, rate_limit)


def _endless(name: str, code: str, start: bytes, piece: bytes, *, applied: bool = True, **expected: Any) -> Fault:
    return Fault(name, Script(lambda: chain([start], repeat(piece)), applied=applied), code, expected)


def _trickled(name: str, code: str, start: bytes, piece: bytes, *, applied: bool = True, **expected: Any) -> Fault:
    script = Script(lambda: chain([start], repeat(piece)), applied=applied, pause=TRICKLE_SECONDS)
    return Fault(name, script, code, expected)


DONE = success("stored")
DONE_JSON = json.dumps(DONE).encode()
OK = "HTTP/1.1 200 OK\r\n"


def _head(*lines: str) -> bytes:
    return "\r\n".join([OK.strip(), *lines, "", ""]).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _bomb(compressor: "zlib._Compress", size: int = 2**28) -> bytes:
    """Compress `size` zero bytes without ever holding them."""
    block = bytes(2**20)
    pieces: Iterator[bytes] = (compressor.compress(block) for _ in range(size // len(block)))
    return b"".join(pieces) + compressor.flush()


GZIP_BOMB = _bomb(zlib.compressobj(wbits=31))
DEFLATE_BOMB = _bomb(zlib.compressobj())
GZIP_IN_GZIP = gzip.compress(GZIP_BOMB)

BROKEN_CONNECTIONS: tuple[Fault, ...] = (
    _told("reset after reading, applied", "connection_lost", applied=True, ending="reset"),
    _told("reset after reading, not applied", "connection_lost", applied=False, ending="reset"),
    _told("closed without an answer, applied", "connection_lost", applied=True),
    _told("closed without an answer, not applied", "connection_lost", applied=False),
    _told("closed in the status line", "connection_lost", b"HTTP/1.", applied=True),
    _told("closed in the headers", "connection_lost", answer(200, DONE)[:60], applied=True),
    _told("closed in the body", "connection_lost", answer(200, DONE)[:-20], applied=True),
    _told("reset in the body", "connection_lost", answer(200, DONE)[:-20], applied=True, ending="reset"),
    _told("closed in a chunk", "connection_lost", _head("Transfer-Encoding: chunked") + b"ff\r\n{", applied=True),
    _told(
        "closed before the last chunk",
        "connection_lost",
        _head("Transfer-Encoding: chunked") + _chunk(DONE_JSON),
        applied=True,
    ),
    _told("Content-Length too long", "connection_lost", answer(200, DONE, length=5000), applied=True),
    _told("Content-Length too short", "bad_response", answer(200, DONE, length=20), applied=True, status=200),
    _told("Content-Length zero before a body", "bad_response", answer(200, DONE, length=0), applied=True),
)

TOO_SLOW: tuple[Fault, ...] = (
    _told("no answer, applied", "timed_out", applied=True, ending="hold"),
    _told("no answer, not applied", "timed_out", applied=False, ending="hold"),
    _told("half the headers, then nothing", "timed_out", b"HTTP/1.1 200 OK\r\nX-A: ", applied=True, ending="hold"),
    _told("half the body, then nothing", "timed_out", answer(200, DONE)[:-20], applied=True, ending="hold"),
    _told(
        "Content-Length too long, held open", "timed_out", answer(200, DONE, length=5000), applied=True, ending="hold"
    ),
    _trickled("trickled status line", "timed_out", b"HTTP/1.1 200 ", b"O"),
    _trickled("trickled headers", "timed_out", OK.encode(), b"X-A: 1\r\n"),
    _trickled("trickled body", "timed_out", answer(200, b"", length=9000), b" "),
    _trickled("trickled chunks", "timed_out", _head("Transfer-Encoding: chunked"), _chunk(b" ")),
    _trickled("100 Continue without end", "timed_out", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    _trickled("103 Early Hints without end", "timed_out", b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    # The API's refusal is in the status; only a 2xx needs its body.
    _trickled("422 with a trickled body", "validation_failed", answer(422, b"", length=9000), b" ", applied=False),
    _trickled("502 with a trickled body", "server_failed", answer(502, b"", length=9000), b" ", status=502),
)

_TOO_MUCH = (
    _endless("chunks without end", "bad_response", _head("Transfer-Encoding: chunked"), _chunk(b" " * 9999)),
    _endless("a body without end", "bad_response", _head("Connection: close"), b" " * 9999),
    _endless("a success before a body without end", "bad_response", _head() + DONE_JSON, b" " * 9999),
    _endless("404 with a body without end", "rejected", b"HTTP/1.1 404 No\r\n\r\n", b"a" * 9999, applied=False, status=404),
    _endless("headers without end", "connection_lost", OK.encode(), b"X-Flood: " + b"a" * 990 + b"\r\n"),
    _endless("one header without end", "connection_lost", OK.encode() + b"X-Flood: ", b"a" * 9999),
    _endless("a status line without end", "connection_lost", b"HTTP/1.1 200 ", b"a" * 9999),
    _endless("a chunk size without end", "connection_lost", _head("Transfer-Encoding: chunked"), b"0" * 999),
    _told("a body over 1 MiB", "bad_response", answer(200, DONE_JSON + b" " * 2**20), applied=True),
    _told("10,000 headers", "connection_lost", answer(200, DONE, *["X-Flood: a" * 9] * 10_000), applied=True),
    _told("a gzip bomb", "bad_response", answer(200, GZIP_BOMB, "Content-Encoding: gzip"), applied=True),
    _told("a deflate bomb", "bad_response", answer(200, DEFLATE_BOMB, "Content-Encoding: deflate"), applied=True),
    _told("a bomb in a bomb", "bad_response", answer(200, GZIP_IN_GZIP, "Content-Encoding: gzip, gzip"), applied=True),
    _told("422 with a gzip bomb", "validation_failed", answer(422, GZIP_BOMB, "Content-Encoding: gzip"), applied=False),
)

_BROKEN_HTTP = (
    _told("no HTTP at all", "connection_lost", b"SSH-2.0-OpenSSH_9.2\r\n", applied=True),
    _told("HTTP/0.9", "connection_lost", DONE_JSON, applied=True),
    _told("HTTP/2 bytes", "connection_lost", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", applied=True),
    _told("a status that is no number", "connection_lost", b"HTTP/1.1 abc OK\r\n\r\n", applied=True),
    _told("a chunk size that is no number", "connection_lost", _head("Transfer-Encoding: chunked") + b"xyz\r\n", applied=True),
    _told("a negative Content-Length", "connection_lost", answer(200, DONE, length="-1"), applied=True),
    _told("two Content-Lengths", "connection_lost", answer(200, DONE, "Content-Length: 3"), applied=True),
    _told("NUL in a header", "connection_lost", answer(200, DONE, "X-A: a\0b"), applied=True),
    _told("a line without a colon among the headers", "connection_lost", answer(200, DONE, "no header"), applied=True),
    _told("101 Switching Protocols", "connection_lost", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", applied=True),
    _told("declared gzip, but plain", "bad_response", answer(200, DONE, "Content-Encoding: gzip"), applied=True),
    _told("gzip cut short", "bad_response", answer(200, gzip.compress(DONE_JSON)[:-15], "Content-Encoding: gzip"), applied=True),
    _told("an unknown content coding", "bad_response", answer(200, b"\x1b\x00\xf8", "Content-Encoding: br"), applied=True),
)


def _not_a_success(name: str, body: object) -> Fault:
    return _told(f"200 with {name}", "bad_response", answer(200, body), applied=True, status=200)


_BAD_BODIES = (
    _told("204", "bad_response", b"HTTP/1.1 204 No Content\r\n\r\n", applied=True, status=204),
    _told("HTML that says 200", "bad_response", answer(200, b"<h1>Login</h1>", content_type="text/html"), applied=False),
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
    _not_a_success("100,000 objects in one another", b'{"success": true, "data": ' + b'{"a":' * 10**5 + b"1" + b"}" * 10**5 + b"}"),
    _not_a_success("bad UTF-8", b'{"success": true, "message": "\xff\xfe"}'),
    _not_a_success("a surrogate in its UTF-8", b'{"success": true, "message": "\xed\xa0\xbd"}'),
    _not_a_success("UTF-16", DONE_JSON.decode().encode("utf-16")),
    _not_a_success("an integer of 5,000 digits", b'{"success": true, "data": {"id": ' + b"9" * 5000 + b"}}"),
    _not_a_success("an API error", {"error": True, "message": "Unauthenticated."}),
    _told("success: false", "rejected", answer(200, {"success": False, "message": "No."}), applied=False, message="No."),
    _told("success: false without a word", "rejected", answer(200, {"success": False}), applied=False, status=200),
    _told("201 with success: false", "rejected", answer(201, {"success": False, "data": None}), applied=False, status=201),
)

_NOT_SHOWN = "was not as documented in the answer and is left out."


def _odd_success(name: str, body: object, **expected: Any) -> Fault:
    return _told(f"success with {name}", None, answer(200, body), applied=True, **expected)


_SUCCESSES = (
    _odd_success("a byte order mark", b"\xef\xbb\xbf" + DONE_JSON, message="Done."),
    _odd_success("blanks around it", b"\n\t " + DONE_JSON + b"\r\n", message="Done."),
    _odd_success("no data", {"success": True}, data=None, notes=[f"data {_NOT_SHOWN}"]),
    _odd_success("data null", {"success": True, "data": None}, data=None, notes=[f"data {_NOT_SHOWN}"]),
    _odd_success("data a list", {"success": True, "data": [1]}, data=None, notes=[f"data {_NOT_SHOWN}"]),
    _odd_success("data text", {"success": True, "data": "7"}, data=None, notes=[f"data {_NOT_SHOWN}"]),
    _odd_success("message a number", {**DONE, "message": 5}, message=None),
    _odd_success("message null", {**DONE, "message": None}, message=None),
    _odd_success("members nobody documented", {**DONE, "debug": "<pre>", "data": {**success("a"), "id": 3}}),
    _odd_success("a lone surrogate", b'{"success": true, "message": "half \\ud83d here"}', message="half  here"),
    _odd_success("a lone surrogate for a name", b'{"success": true, "\\ud83d": 1, "message": "Done."}', message="Done."),
    _odd_success("bidirectional text", {**DONE, "message": "a\u202eb\u0007c\u200bd"}, message="abcd"),
    _odd_success("an endless message", {**DONE, "message": "m" * 100_000}, message="m" * 499 + "…"),
    _odd_success("the token in its message", {**DONE, "message": f"Bearer {TOKEN} seen"}, message="Bearer [redacted] seen"),
    _odd_success("the token, cut up by what is not shown", {**DONE, "message": "\u200b".join(TOKEN)}, message="[redacted]"),
    _told("success without Content-Length", None, _head() + DONE_JSON, applied=True),
    _told("success in chunks", None, _head("Transfer-Encoding: chunked"), *map(_chunk, (DONE_JSON[:9], DONE_JSON[9:])), b"0\r\n\r\n", applied=True),
    _told("success in HTTP/1.0", None, b"HTTP/1.0 200 OK\r\n\r\n" + DONE_JSON, applied=True),
    _told("success with gzip nobody asked for", None, answer(200, gzip.compress(DONE_JSON), "Content-Encoding: gzip"), applied=True),
    _told("success called HTML", None, answer(200, DONE, content_type="text/html"), applied=True),
    _told("success as 201", None, answer(201, DONE), applied=True),
    _told("success after 100 Continue", None, b"HTTP/1.1 100 Continue\r\n\r\n", answer(200, DONE), applied=True),
    _told("success after 103 Early Hints", None, b"HTTP/1.1 103 Early Hints\r\n\r\n", answer(200, DONE), applied=True),
    _told("success, then a reset", None, answer(200, DONE), applied=True, ending="reset"),
    _told("success before bytes of another answer", None, answer(200, DONE) + answer(200, success("other", record_id=666)), applied=True, ending="serve"),
    _told("success on a connection about to go stale", None, answer(200, DONE), applied=True, ending="drop_next"),
    _told("success in Latin-1 headers", None, answer(200, DONE, "X-Name: \udce9"), applied=True),
)

_OUTCOME_UNKNOWN = {"outcome": "unknown"}
_STATUS_CODES = {401: "unauthenticated", 403: "forbidden", 422: "validation_failed", 429: "rate_limited"}
_UNCLEAR_REFUSALS = {408, 409, 419, 425}
_REFUSALS = (
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 419),
    *(421, 422, 423, 424, 425, 426, 428, 429, 431, 444, 451, 494, 499),
)
_FAILURES = (500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511, 520, 521, 522, 523, 524, 525, 527, 529, 530, 599)
_REDIRECTS = (300, 301, 302, 303, 304, 305, 306, 307, 308, 399)
_ODD_STATUSES = (600, 700, 999)

_ERROR_PAGE = b"<html><title>Whoops</title><pre>#0 /srv/app/Kernel.php(42)</pre></html>"


def _status(status: int) -> Fault:
    body = {"error": True, "message": f"Played {status}."}
    code = _STATUS_CODES.get(status, "rejected")
    outcome = _OUTCOME_UNKNOWN if status in _UNCLEAR_REFUSALS else {"outcome": "not_applied"}
    return _told(f"{status}", code, answer(status, body), applied=False, status=status, message=f"Played {status}.", **outcome)


_STATUSES = (
    *(_status(status) for status in _REFUSALS),
    *(
        _told(f"{status} with a page", "server_failed", answer(status, _ERROR_PAGE, content_type="text/html"), applied=True, status=status)
        for status in _FAILURES
    ),
    *(_told(f"{status}", "bad_response", answer(status, DONE), applied=True, status=status) for status in _ODD_STATUSES),
    _told("500 that says success", "server_failed", answer(500, DONE), applied=True, status=500),
    _told("500 with a stack trace", "server_failed", answer(500, {"message": "SQLSTATE[42S02]", "trace": [{"file": "/srv"}]}), applied=False, message="Wemasy had an internal error."),
    _told("503 with Retry-After", "server_failed", answer(503, _ERROR_PAGE, "Retry-After: 120"), applied=False, retry_after_seconds=120),
    _told("502 cut in its body", "server_failed", answer(502, _ERROR_PAGE)[:-9], applied=True, status=502),
    _told("404 cut in its body", "rejected", answer(404, _ERROR_PAGE)[:-9], applied=False, status=404),
    _told("422 cut in its body", "validation_failed", answer(422, DONE)[:-9], applied=False, field_errors=None),
    _told("401 with HTML", "unauthenticated", answer(401, _ERROR_PAGE, content_type="text/html"), applied=False),
    _told("403 without a body", "forbidden", answer(403), applied=False, status=403),
    _told("400 with bad UTF-8", "rejected", answer(400, b'{"message": "\xff"}'), applied=False, status=400),
    _told("409 that says success", "rejected", answer(409, DONE), applied=True, status=409, outcome="unknown"),
    _told("413 without a body, then a reset", "rejected", answer(413), applied=False, ending="reset", status=413),
)


def _validation(name: str, errors: object, field_errors: object) -> Fault:
    body = {"message": "The given data was invalid.", "errors": errors}
    return _told(f"422 with {name}", "validation_failed", answer(422, body), applied=False, field_errors=field_errors)


_VALIDATIONS = (
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
    _told("422 with 5,000 fields", "validation_failed", answer(422, {"errors": {f"field{n}": ["e" * 900] * 9 for n in range(90)}}), applied=False),
    _told("422 with 1,000 levels", "validation_failed", answer(422, b'{"errors": ' + b'{"a":' * 900 + b'["x"]' + b"}" * 900 + b"}"), applied=False),
)

_SECRETS = (
    _told("500 with a debug page that shows the token", "server_failed", answer(500, f"<pre>Authorization: Bearer {TOKEN}".encode()), applied=True),
    _told("401 that repeats the token", "unauthenticated", answer(401, {"message": f"No such token: {TOKEN}"}), applied=False, message="No such token: [redacted]"),
    _told("a header line that is the token", "connection_lost", answer(200, DONE, TOKEN), applied=True),
    _told("a status line with the token", "connection_lost", f"HTTP/1.1 {TOKEN}\r\n\r\n".encode(), applied=True),
    _told("a content coding named like the token", "bad_response", answer(200, b"", f"Content-Encoding: {TOKEN}"), applied=True),
)


def _waits(name: str, header: str | None) -> Fault:
    headers = [] if header is None else [f"Retry-After: {header}"]
    body = answer(429, {"error": True, "message": "Too Many Attempts."}, *headers)
    return _told(f"429 with {name}", "rate_limited", body, applied=False, status=429, retry_after_seconds=None)


_USELESS_WAITS = (
    _waits("no Retry-After", None),
    _waits("an empty Retry-After", ""),
    _waits("a negative Retry-After", "-5"),
    _waits("garbage for Retry-After", "soon"),
    _waits("a fraction for Retry-After", "1.5"),
    _waits("an exponent for Retry-After", "1e3"),
    _waits("a superscript for Retry-After", "²"),
    _waits("a Retry-After over a day", "86401"),
    _waits("a Retry-After of 400 digits", "9" * 400),
    _waits("a Retry-After in the past", "Sun, 06 Nov 1994 08:49:37 GMT"),
    _waits("a Retry-After over a day ahead", "Fri, 31 Dec 9999 23:59:59 GMT"),
    _waits("a Retry-After that is no date", "Fri, 99 Xxx 9999 99:99:99 GMT"),
)


def _counted(name: str, limit: str, remaining: str, rate_limit: Mapping[str, int] | None) -> tuple[Fault, Fault]:
    headers = f"X-RateLimit-Limit: {limit}", f"X-RateLimit-Remaining: {remaining}"
    return (
        _told(f"success with {name}", None, answer(200, DONE, *headers), applied=True, rate_limit=rate_limit),
        _told(f"403 with {name}", "forbidden", answer(403, {}, *headers), applied=False, rate_limit=rate_limit),
    )


_RATE_LIMITS = (
    *_counted("the rate limit", "60", "57", {"limit": 60, "remaining": 57}),
    *_counted("a word for the rate limit", "many", "57", {"remaining": 57}),
    *_counted("a negative remaining", "60", "-1", {"limit": 60}),
    *_counted("garbage for both", "1e3", "²", None),
    *_counted("numbers of 400 digits", "9" * 400, "9" * 400, None),
    *_counted("empty rate limits", "", "", None),
)

FAULTS: tuple[Fault, ...] = (
    *BROKEN_CONNECTIONS,
    *_TOO_MUCH,
    *_BROKEN_HTTP,
    *_BAD_BODIES,
    *_SUCCESSES,
    *_STATUSES,
    *_VALIDATIONS,
    *_SECRETS,
    *_USELESS_WAITS,
    *_RATE_LIMITS,
)


def redirects(location: str) -> tuple[Fault, ...]:
    """Return every redirect to an origin that must never be contacted, and some that lead nowhere."""
    led = [(f"{status}", status, location) for status in _REDIRECTS]
    lost = [(f"302 to {place!a}", 302, place) for place in ("", "/login", "http://[::1", "\udcff", "javascript:1", "//")]
    return tuple(
        _told(name, "bad_response", answer(status, b"", f"Location: {place}"), applied=True, status=status)
        for name, status, place in (*led, *lost)
    )
