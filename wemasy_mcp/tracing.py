"""One OpenTelemetry client span an API request. Without an OpenTelemetry SDK it costs microseconds and does nothing.

It carries what the log line carries, and nothing else: no argument, token, body or text of an answer. The names are
those of the semantic conventions for HTTP client spans, where they have one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer

from wemasy_mcp import __version__
from wemasy_mcp.endpoint import AnyEndpoint
from wemasy_mcp.errors import WemasyError

_TRACER = get_tracer("wemasy_mcp", __version__)


class Seen(Protocol):
    """What is known of the request while it is under way."""

    sent: bool
    status: int | None


@contextmanager
def request_span(endpoint: AnyEndpoint, attempt: Seen) -> Iterator[None]:
    """Trace the request that the block makes: what becomes of it is told by how the block ends."""
    with _TRACER.start_as_current_span(
        f"POST {endpoint.path}",
        kind=SpanKind.CLIENT,
        # Both would put an exception's text, which may be the API's own, into the span.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except WemasyError as error:
            _describe(span, endpoint, attempt, error.outcome, error.code)
            raise
        except BaseException as error:
            _describe(span, endpoint, attempt, "unknown" if attempt.sent else "not_applied", type(error).__qualname__)
            raise
        _describe(span, endpoint, attempt, "applied")


def _describe(span: Span, endpoint: AnyEndpoint, attempt: Seen, outcome: str, error_type: str | None = None) -> None:
    if not span.is_recording():
        return
    span.set_attributes({"http.request.method": "POST", "url.template": endpoint.path, "wemasy.outcome": outcome})
    if attempt.status is not None:
        span.set_attribute("http.response.status_code", attempt.status)
    if error_type is not None:
        span.set_attribute("error.type", error_type)
        span.set_status(StatusCode.ERROR)
