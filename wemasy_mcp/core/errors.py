"""Every way a call can fail, and what the caller is told: did it happen, may it be repeated, when.

One class per decision a caller can take. The class fixes code, outcome and retryability; nothing else may.
Source: section 3 of the published interface. Knows neither HTTP nor MCP.
"""

from typing import ClassVar, Literal

from pydantic import MISSING, BaseModel, ConfigDict

from wemasy_mcp.endpoints.base import Endpoint

Outcome = Literal["not_applied", "unknown", "applied"]
FieldErrors = dict[str, list[str]]


class RateLimit(BaseModel):
    """The API's `X-RateLimit-Limit` and `X-RateLimit-Remaining`: requests a minute, and how many are left."""

    model_config = ConfigDict(strict=True, frozen=True)

    limit: int | MISSING = MISSING
    remaining: int | MISSING = MISSING


class Failure(BaseModel):
    """The `error` member of a tool result."""

    model_config = ConfigDict(strict=True, frozen=True)

    code: str
    message: str
    status: int | MISSING = MISSING
    outcome: Outcome
    retryable: bool
    retry_after_seconds: int | MISSING = MISSING
    hint: str
    field_errors: FieldErrors | MISSING = MISSING
    request_id: str | MISSING = MISSING


class WemasyError(Exception):
    """A call that did not succeed. `str()` of it is safe to show: no token, argument or body is ever in it."""

    code: ClassVar[str]
    outcome: ClassVar[Outcome] = "unknown"
    retryable: ClassVar[bool | None] = None
    """None: as safe as the same call again is, which the endpoint knows."""
    advice: ClassVar[str] = ""
    """What to do, after the sentence that says what happened."""
    default_message: ClassVar[str]

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int | None = None,
        retry_after_seconds: int | None = None,
        field_errors: FieldErrors | None = None,
        rate_limit: RateLimit | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.message = message or self.default_message
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.field_errors = field_errors
        self.rate_limit = rate_limit
        self.notes = notes
        super().__init__(self.message)

    def failure(self, endpoint: Endpoint, request_id: str | None = None) -> Failure:
        """Return what a caller of `endpoint` reads; `request_id` names the request, where one was sent."""
        return Failure(
            code=self.code,
            message=self.message,
            status=MISSING if self.status is None else self.status,
            outcome=self.outcome,
            retryable=endpoint.idempotent if self.retryable is None else self.retryable,
            retry_after_seconds=MISSING if self.retry_after_seconds is None else self.retry_after_seconds,
            hint=self.hint(endpoint),
            field_errors=self.field_errors or MISSING,
            request_id=request_id or MISSING,
        )

    def hint(self, endpoint: Endpoint) -> str:
        """Return what happened and what to do, in words a model can follow."""
        if self.outcome == "not_applied":
            return f"Nothing was {endpoint.done}. {self.advice}".strip()
        return f"It may or may not have been {endpoint.done}. {self._advice_when_unknown(endpoint)}"

    def _advice_when_unknown(self, endpoint: Endpoint) -> str:
        if self.retryable is False:
            return f"Do not send it again; tell the user that it is not known. {self.advice}".strip()
        if endpoint.idempotent:
            return f"The same call again does no harm: you may repeat it{self._when()}."
        return "Do not send it again: it could be stored twice. Tell the user that it is not known."

    def _when(self) -> str:
        return "" if self.retry_after_seconds is None else f" after {self.retry_after_seconds} seconds"


class NotConfigured(WemasyError):
    """A setting is missing or cannot be used. Nothing was sent."""

    code = "not_configured"
    outcome: ClassVar[Outcome] = "not_applied"
    retryable = False
    advice = "The user must correct the setting and restart the server."
    default_message = "The server is not configured."


class InvalidArguments(WemasyError):
    """The arguments were refused here. Nothing was sent."""

    code = "invalid_arguments"
    outcome: ClassVar[Outcome] = "not_applied"
    retryable = False
    advice = "Correct the arguments named in field_errors and call again."
    default_message = "The arguments are not valid."


class ValidationFailed(WemasyError):
    """422: the API refused the values."""

    code = "validation_failed"
    outcome: ClassVar[Outcome] = "not_applied"
    retryable = False
    advice = "Correct the fields named in field_errors and call again."
    default_message = "Wemasy refused the values."

    def hint(self, endpoint: Endpoint) -> str:
        """Point at field_errors only where there are any."""
        if self.field_errors:
            return super().hint(endpoint)
        return f"Nothing was {endpoint.done}. Correct what the message names and call again."


class Unauthenticated(WemasyError):
    """401: the API does not know the token."""

    code = "unauthenticated"
    outcome: ClassVar[Outcome] = "not_applied"
    retryable = False
    advice = "The user, not you, must put a valid token in WEMASY_API_TOKEN and restart the server."
    default_message = "Wemasy did not accept the API token."


class Forbidden(WemasyError):
    """403: the token is valid, a permission is missing."""

    code = "forbidden"
    outcome: ClassVar[Outcome] = "not_applied"
    retryable = False
    advice = "The token lacks the permission for this; the user must grant it in Wemasy."
    default_message = "The API token lacks the permission."


class RateLimited(WemasyError):
    """429, or a call inside the wait that an earlier 429 asked for."""

    code = "rate_limited"
    outcome: ClassVar[Outcome] = "not_applied"
    retryable = True
    default_message = "Too many requests."

    def hint(self, endpoint: Endpoint) -> str:
        """Say when the same call may be sent."""
        when = self._when() or " in about a minute"
        return f"Nothing was {endpoint.done}. Send the same call again{when}."


class Rejected(WemasyError):
    """Any other 4xx (`unknown` after 408, 409, 419 and 425), or a 2xx that says `success: false`."""

    code = "rejected"
    outcome: ClassVar[Outcome] = "not_applied"
    retryable = False
    advice = "Sending the same call again will not help."
    default_message = "Wemasy refused the request."


class RejectedUnclearly(Rejected):
    """408, 409, 419 or 425: refused with a status that does not prove that nothing happened."""

    outcome: ClassVar[Outcome] = "unknown"
    advice = ""


class Unreachable(WemasyError):
    """DNS, TCP, TLS, proxy or pool: no byte of the request left this machine."""

    code = "unreachable"
    outcome: ClassVar[Outcome] = "not_applied"
    retryable = True
    advice = "Wemasy could not be reached; you may send the same call again."
    default_message = "Wemasy could not be reached."


class Pending(WemasyError):
    """The request was sent and is still under way: Wemasy has not answered within `WEMASY_ANSWER_SECONDS`."""

    code = "pending"
    retryable = True
    default_message = "Wemasy has not answered yet; the request is still under way."

    def hint(self, endpoint: Endpoint) -> str:
        """Point at the same call, which joins the request."""
        return (
            f"It may or may not have been {endpoint.done} yet. Send the same call again{self._when()}: "
            "it will report how this one ended and will not be sent twice."
        )


class TimedOut(WemasyError):
    """The request was sent; no complete answer came within the deadline."""

    code = "timed_out"
    default_message = "Wemasy did not answer in time."


class ConnectionLost(WemasyError):
    """The request was sent; then the connection broke."""

    code = "connection_lost"
    default_message = "The connection broke before the answer was complete."


class ServerFailed(WemasyError):
    """5xx: the API failed, before or after it wrote."""

    code = "server_failed"
    default_message = "Wemasy had an internal error."


class BadResponse(WemasyError):
    """3xx, or a 2xx that is no JSON object with `success: true`."""

    code = "bad_response"
    default_message = "The answer was not one that Wemasy documents; WEMASY_BASE_URL may point elsewhere."


class ShuttingDown(WemasyError):
    """The server was stopped with the call under way."""

    code = "shutting_down"
    default_message = "The server was stopped while the call was under way."


class InternalError(WemasyError):
    """A defect of this server. Details are in its log only."""

    code = "internal_error"
    retryable = False
    default_message = "The server had an internal error; its log has the details."


ERRORS: tuple[type[WemasyError], ...] = (
    NotConfigured,
    InvalidArguments,
    ValidationFailed,
    Unauthenticated,
    Forbidden,
    RateLimited,
    Rejected,
    Unreachable,
    Pending,
    TimedOut,
    ConnectionLost,
    ServerFailed,
    BadResponse,
    ShuttingDown,
    InternalError,
)
"""One class per code, in the order of the published interface."""
