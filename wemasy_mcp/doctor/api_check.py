"""The checks of the API's answer to the empty request: that it is Wemasy, the token, and the remaining budget."""

from urllib.parse import urlsplit

from pydantic import MISSING

from wemasy_mcp.core.errors import (
    BadResponse,
    ConnectionLost,
    Forbidden,
    NotConfigured,
    RateLimit,
    RateLimited,
    Rejected,
    RejectedOnTheWay,
    ServerFailed,
    TimedOut,
    Unauthenticated,
    ValidationFailed,
    WemasyError,
)
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.doctor.check import Check, failed, passed, skipped
from wemasy_mcp.doctor.observed import Observed
from wemasy_mcp.endpoints.base import Endpoint

_ELSEWHERE = "Check WEMASY_BASE_URL: it should be https://api.wemasy.nl/api unless Wemasy gave you another."
_FAILING = "Try again. If it keeps failing, the problem is at Wemasy or on the way there."

_MEANINGS: dict[type[WemasyError], tuple[str, str]] = {
    ValidationFailed: ("422, but not in Wemasy's format", _ELSEWHERE),
    Unauthenticated: ("401: the token is not accepted", "Create a new token in Wemasy and put it in WEMASY_API_TOKEN."),
    Forbidden: ("403: the token is valid but lacks the permission", "Grant it the permission for {path} in Wemasy."),
    RateLimited: ("429: the budget is used up; the token was not checked", "Run this again in {wait}."),
    RejectedOnTheWay: (
        "{status} with {content}: something in front of Wemasy answered, so the token was not checked",
        "Check WEMASY_BASE_URL, and any proxy, firewall or sign-in page in between.",
    ),
    Rejected: ("{status}: the API is not at this address", _ELSEWHERE),
    ServerFailed: ("{status}: the server failed", "Try again later; the problem is not on this machine."),
    BadResponse: ("{status} with {content}: not an answer from the API", _ELSEWHERE),
    TimedOut: ("{message}", _FAILING),
    ConnectionLost: ("{message}", _FAILING),
    NotConfigured: ("{message}", "Fix that variable, or remove it from the environment."),
}
"""The name of each failure here, and the advice; where nothing was sent, an earlier check has said why."""


def check_answer(endpoint: Endpoint, observed: Observed, outcome: Reply | WemasyError) -> Check:
    """Return the meaning of the answer. Only a 422 that names the endpoint's own fields is good."""
    if isinstance(outcome, Reply):
        return failed(
            "API",
            f"{observed.status}: an empty request was accepted, although its documentation rules that out",
            f"Check in Wemasy whether something was {endpoint.done}. {_ELSEWHERE}",
        )
    required = set(endpoint.argument_schema["required"])
    if isinstance(outcome, ValidationFailed) and required & set(outcome.field_errors or ()):
        return passed("API", "it accepts the token: 422 for the empty request, and nothing was written")
    for kind, (found, advice) in _MEANINGS.items():
        if isinstance(outcome, kind):
            seconds = outcome.retry_after_seconds
            facts = {
                "status": observed.status,
                "message": outcome.message,
                "path": endpoint.path,
                "wait": f"{seconds} seconds" if seconds else "a minute",
                "content": _content(observed),
            }
            return failed("API", found.format_map(facts), advice.format_map(facts))
    return skipped("API", "not reached")


def check_budget(observed: Observed, outcome: Reply | WemasyError) -> Check:
    """Return the number of requests left."""
    rate_limit = outcome.rate_limit or RateLimit()
    of = "" if rate_limit.limit is MISSING else f" of {rate_limit.limit} a minute"
    if isinstance(outcome, RateLimited):
        return failed("budget", f"0 requests left{of}", "Wait; all programs that use this token share its budget.")
    if observed.status is None:
        return skipped("budget", "no answer came" if observed.sent else "not reached")
    if rate_limit.remaining is MISSING:
        return skipped("budget", "the answer does not include it")
    return passed("budget", f"{rate_limit.remaining} requests left{of}")


def _content(observed: Observed) -> str:
    location = observed.headers.get("location")
    if location is None:
        return sanitize(observed.headers.get("content-type", "no content type"), limit=50)
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    return f"a redirect to {sanitize(host, limit=100) if host else 'another path'}"
