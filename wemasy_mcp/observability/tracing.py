"""One OpenTelemetry client span an API request. Without an OpenTelemetry SDK it costs microseconds and does nothing.

It carries what the log line carries, and nothing else: no argument, token, body or text of an answer. The names are
those of the semantic conventions for HTTP client spans, where they have one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer

from wemasy_mcp import __version__

_TRACER = get_tracer("wemasy_mcp", __version__)


class Observed(Protocol):
    """What is known of the request while it is under way."""

    sent: bool
    status: int | None


@contextmanager
def request_span(path: str, attempt: Observed) -> Iterator[None]:
    """Trace the request to `path` that the block makes; how the block ends is how the span ends.

    An exception with a `code` and an `outcome` is described by these, any other by its type.
    """
    with _TRACER.start_as_current_span(
        f"POST {path}",
        kind=SpanKind.CLIENT,
        # Both would put an exception's text, which may be the API's own, into the span.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            outcome = getattr(error, "outcome", "unknown" if attempt.sent else "not_applied")
            _describe(span, path, attempt, outcome, getattr(error, "code", type(error).__qualname__))
            raise
        _describe(span, path, attempt, "applied")


def _describe(span: Span, path: str, attempt: Observed, outcome: str, error_type: str | None = None) -> None:
    if not span.is_recording():
        return
    span.set_attributes({"http.request.method": "POST", "url.template": path, "wemasy.outcome": outcome})
    if attempt.status is not None:
        span.set_attribute("http.response.status_code", attempt.status)
    if error_type is not None:
        span.set_attribute("error.type", error_type)
        span.set_status(StatusCode.ERROR)
