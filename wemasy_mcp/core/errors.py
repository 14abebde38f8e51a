"""Every way a call can fail, and what the result says about it: did it happen, may it be repeated, when.

There is one class per decision a caller can take. The class fixes code, outcome and retryability; nothing else may.
docs/errors.md lists them. Knows neither HTTP nor MCP.
"""

from typing import ClassVar, Literal

from pydantic import MISSING, BaseModel, ConfigDict

from wemasy_mcp.endpoints.base import Endpoint

Outcome = Literal["not_applied", "unknown", "applied"]
FieldErrors = dict[str, list[str]]


class RateLimit(BaseModel):
    """The API's `X-RateLimit-Limit` and `X-RateLimit-Remaining`: requests per minute, and how many are left."""

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
    """A call that did not succeed. Its `str()` is safe to show: it never contains a token, an argument or a body."""

    code: ClassVar[str]
    when: ClassVar[str]
    """The meaning of the code, for the documentation."""
    outcome: ClassVar[Outcome] = "unknown"
    retryable: ClassVar[bool | None] = None
    """None means that it depends on whether repeating the call is safe, which the endpoint knows."""
    advice: ClassVar[str] = ""
    """The next step, which follows the sentence that says what happened."""
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
        """Return the `error` of a result of `endpoint`; `request_id` identifies the request, if one was sent."""
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
        """Return what happened and what to do next, in words a model can follow."""
        if self.outcome == "not_applied":
            return f"Nothing was {endpoint.done}. {self._advice()}"
        return f"It may or may not have been {endpoint.done}. {self._advice_when_unknown(endpoint)}"

    def _advice(self) -> str:
        return self.advice

    def _advice_when_unknown(self, endpoint: Endpoint) -> str:
        if self.retryable is False:
            return "Do not send it again; tell the user that the outcome is unknown."
        if endpoint.idempotent:
            return f"Repeating the same call is harmless: you may repeat it{self._when_to_repeat()}."
        return "Do not send it again: it could be stored twice. Tell the user that the outcome is unknown."

    def _when_to_repeat(self) -> str:
        return "" if self.retry_after_seconds is None else f" after {self.retry_after_seconds} seconds"


class NotApplied(WemasyError):
    """A call that certainly changed nothing."""

    outcome: ClassVar[Outcome] = "not_applied"
    retryable = False


class NotConfigured(NotApplied):
    code = "not_configured"
    when = "A setting is missing or cannot be used. Nothing was sent."
    advice = "The user must fix the setting and restart the server."
    default_message = "The server is not configured."


class InvalidArguments(NotApplied):
    code = "invalid_arguments"
    when = "The arguments were refused by this server. Nothing was sent."
    advice = "Correct the arguments named in field_errors and call again."
    default_message = "The arguments are not valid."

    def _advice(self) -> str:
        """Have the model ask the user for an id: no tool lists ids, so it could only guess."""
        fields = self.field_errors or {}
        ids = [name for name in fields if name.rpartition(".")[2] == "id" or name.endswith("_id")]
        if not ids:
            return self.advice
        ask = f"Ask the user for the right {' and '.join(ids)}; do not guess: no tool lists ids."
        return ask if len(ids) == len(fields) else f"{self.advice} {ask}"


class ValidationFailed(InvalidArguments):
    code = "validation_failed"
    when = "422: the API refused the values."
    advice = "Correct the fields named in field_errors and call again."
    default_message = "Wemasy refused the values."

    def _advice(self) -> str:
        return super()._advice() if self.field_errors else "Correct what the message names and call again."


class Unauthenticated(NotApplied):
    code = "unauthenticated"
    when = "401: the API does not know the token."
    advice = "The user, not you, must put a valid token in WEMASY_API_TOKEN and restart the server."
    default_message = "Wemasy did not accept the API token."


class Forbidden(NotApplied):
    code = "forbidden"
    when = "403: the token is valid but lacks a permission."
    advice = "The token lacks the permission for this; the user must grant it in Wemasy."
    default_message = "The API token lacks the permission."


class RateLimited(NotApplied):
    code = "rate_limited"
    when = "429, or a call made while the wait after an earlier 429 lasts, which is not sent."
    retryable = True
    default_message = "Too many requests."

    def _advice(self) -> str:
        return f"Send the same call again{self._when_to_repeat() or ' in about a minute'}."


class Rejected(NotApplied):
    code = "rejected"
    when = (
        "Any other 4xx (`unknown` after 408, 409, 419 and 425); a 401 or 403 that something in front of Wemasy sent; "
        "a 2xx that says `success: false`."
    )
    advice = "Sending the same call again will not help."
    default_message = "Wemasy refused the request."


class RejectedOnTheWay(Rejected):
    """401 or 403 without the documented JSON: a proxy, a firewall or a login page answered in Wemasy's place."""

    advice = (
        "Wemasy itself did not answer: the user should check WEMASY_BASE_URL, and any proxy or firewall in between. "
        "Changing the API token will not help."
    )
    default_message = "Something in front of Wemasy refused the request."


class RejectedUnclearly(Rejected):
    """408, 409, 419 or 425: refused with a status that does not prove that nothing happened."""

    outcome: ClassVar[Outcome] = "unknown"


class Unreachable(NotApplied):
    code = "unreachable"
    when = "DNS, TCP, TLS, proxy or connection pool failed, or too many large calls: no byte of the request left."
    retryable = True
    advice = "Wemasy could not be reached; you may send the same call again."
    default_message = "Wemasy could not be reached."


class Pending(WemasyError):
    code = "pending"
    when = "The request was sent and is still under way: Wemasy has not answered within `WEMASY_ANSWER_SECONDS`."
    retryable = True
    default_message = "Wemasy has not answered yet; the request is still under way."

    def hint(self, endpoint: Endpoint) -> str:
        """Suggest repeating the same call, which joins the request."""
        return (
            f"It may or may not have been {endpoint.done} yet. Send the same call again{self._when_to_repeat()}: "
            "it will report how this one ended and will not be sent twice."
        )


class TimedOut(WemasyError):
    code = "timed_out"
    when = "The request was sent; no complete answer came before the deadline."
    default_message = "Wemasy did not answer in time."


class ConnectionLost(WemasyError):
    code = "connection_lost"
    when = "The request was sent; then the connection broke."
    default_message = "The connection broke before the answer was complete."


class ServerFailed(WemasyError):
    code = "server_failed"
    when = "5xx: the API failed, before or after it wrote."
    default_message = "Wemasy had an internal error."


class BadResponse(WemasyError):
    code = "bad_response"
    when = "3xx, or a 2xx that is not a JSON object with `success`."
    default_message = "The answer does not match Wemasy's documentation; WEMASY_BASE_URL may point elsewhere."


class ShuttingDown(WemasyError):
    code = "shutting_down"
    when = "The server was stopped while the call was under way."
    default_message = "The server was stopped while the call was under way."


class InternalError(WemasyError):
    code = "internal_error"
    when = "A bug in this server. Its log has the details."
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
