"""Answers whose status or headers decide: refusals, failures, redirects, waits and rate limits."""

from collections.abc import Mapping

from support.answers import answer
from support.fault import DONE, Fault, told

_STATUS_CODES = {401: "unauthenticated", 403: "forbidden", 422: "validation_failed", 429: "rate_limited"}
_UNCLEAR_REFUSALS = {408, 409, 419, 425}
_REFUSALS = (*range(400, 427), 428, 429, 431, 444, 451, 494, 499)
_FAILURES = (*range(500, 512), *range(520, 531), 599)
_REDIRECTS = (300, 301, 302, 303, 304, 305, 306, 307, 308, 399)
_ODD_STATUSES = (600, 700, 999)

_ERROR_PAGE = b"<html><title>Whoops</title><pre>#0 /srv/app/Kernel.php(42)</pre></html>"


def _status(status: int) -> Fault:
    body = {"error": True, "message": f"Played {status}."}
    code = _STATUS_CODES.get(status, "rejected")
    outcome = "unknown" if status in _UNCLEAR_REFUSALS else "not_applied"
    return told(
        f"{status}",
        code,
        answer(status, body),
        applied=False,
        status=status,
        message=f"Played {status}.",
        outcome=outcome,
    )


STATUSES: tuple[Fault, ...] = (
    *(_status(status) for status in _REFUSALS),
    *(
        told(
            f"{status} with a page",
            "server_failed",
            answer(status, _ERROR_PAGE, content_type="text/html"),
            applied=True,
            status=status,
        )
        for status in _FAILURES
    ),
    *(told(f"{status}", "bad_response", answer(status, DONE), applied=True, status=status) for status in _ODD_STATUSES),
    told("500 that says success", "server_failed", answer(500, DONE), applied=True, status=500),
    told(
        "500 with a stack trace",
        "server_failed",
        answer(500, {"message": "SQLSTATE[42S02]", "trace": [{"file": "/srv"}]}),
        applied=False,
        message="Wemasy had an internal error.",
    ),
    told(
        "503 with Retry-After",
        "server_failed",
        answer(503, _ERROR_PAGE, "Retry-After: 120"),
        applied=False,
        retry_after_seconds=120,
    ),
    told("502 cut in its body", "server_failed", answer(502, _ERROR_PAGE)[:-9], applied=True, status=502),
    told("404 cut in its body", "rejected", answer(404, _ERROR_PAGE)[:-9], applied=False, status=404),
    told("422 cut in its body", "validation_failed", answer(422, DONE)[:-9], applied=False, field_errors=None),
    told("401 with HTML", "rejected", answer(401, _ERROR_PAGE, content_type="text/html"), applied=False),
    told("403 without a body", "rejected", answer(403), applied=False, status=403),
    told("400 with bad UTF-8", "rejected", answer(400, b'{"message": "\xff"}'), applied=False, status=400),
    told("409 that says success", "rejected", answer(409, DONE), applied=True, status=409, outcome="unknown"),
    told("413 without a body, then a reset", "rejected", answer(413), applied=False, ending="reset", status=413),
)


def _waits(name: str, header: str | None) -> Fault:
    headers = [] if header is None else [f"Retry-After: {header}"]
    body = answer(429, {"error": True, "message": "Too Many Attempts."}, *headers)
    return told(f"429 with {name}", "rate_limited", body, applied=False, status=429, retry_after_seconds=None)


USELESS_WAITS: tuple[Fault, ...] = (
    _waits("no Retry-After", None),
    _waits("an empty Retry-After", ""),
    _waits("a negative Retry-After", "-5"),
    _waits("garbage for Retry-After", "soon"),
    _waits("an exponent for Retry-After", "1e3"),
    _waits("a superscript for Retry-After", "²"),
    _waits("a Retry-After over a day", "86401"),
    _waits("a Retry-After of 400 digits", "9" * 400),
    _waits("a Retry-After in the past", "Sun, 06 Nov 1994 08:49:37 GMT"),
    _waits("a Retry-After over a day ahead", "Fri, 31 Dec 9999 23:59:59 GMT"),
    _waits("a Retry-After that is no date", "Fri, 99 Xxx 9999 99:99:99 GMT"),
)


_FORBIDDEN = {"error": True, "message": "This action is unauthorized."}


def _counted(name: str, limit: str, remaining: str, rate_limit: Mapping[str, int] | None) -> tuple[Fault, Fault]:
    headers = f"X-RateLimit-Limit: {limit}", f"X-RateLimit-Remaining: {remaining}"
    return (
        told(f"success with {name}", None, answer(200, DONE, *headers), applied=True, rate_limit=rate_limit),
        told(f"403 with {name}", "forbidden", answer(403, _FORBIDDEN, *headers), applied=False, rate_limit=rate_limit),
    )


RATE_LIMITS: tuple[Fault, ...] = (
    *_counted("the rate limit", "60", "57", {"limit": 60, "remaining": 57}),
    *_counted("a word for the rate limit", "many", "57", {"remaining": 57}),
    *_counted("a negative remaining", "60", "-1", {"limit": 60}),
    *_counted("garbage for both", "1e3", "²", None),
    *_counted("numbers of 400 digits", "9" * 400, "9" * 400, None),
    *_counted("empty rate limits", "", "", None),
)


def redirects(location: str) -> tuple[Fault, ...]:
    """Return every redirect to an origin that must never be contacted, and some that lead nowhere."""
    led = [(f"{status}", status, location) for status in _REDIRECTS]
    lost = [
        (f"302 to {place!a}", 302, place) for place in ("", "/login", "http://[::1", "\udcff", "javascript:1", "//")
    ]
    return tuple(
        told(name, "bad_response", answer(status, b"", f"Location: {place}"), applied=True, status=status)
        for name, status, place in (*led, *lost)
    )
