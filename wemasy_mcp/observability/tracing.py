"""One OpenTelemetry client span and one measurement per API request. Without an SDK they cost microseconds.

The span carries what the log line carries and nothing else: no argument, token, body or text of an answer. Names are
those of the semantic conventions for HTTP client spans, where they have one.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind, StatusCode, get_tracer

from wemasy_mcp import __version__
from wemasy_mcp.observability.metrics import instruments

_TRACER = get_tracer("wemasy_mcp", __version__)


class Observed(Protocol):
    """The facts known about a request in progress."""

    sent: bool
    status: int | None


@contextmanager
def request_span(base_url: str, path: str, attempt: Observed) -> Iterator[None]:
    """Trace and measure the request to `path` that the block makes; the span ends the way the block ends.

    An exception with a `code` and an `outcome` is described by them, any other by its type.
    """
    started = time.perf_counter()
    outcome, error_type = "applied", None
    with _TRACER.start_as_current_span(
        f"POST {path}",
        kind=SpanKind.CLIENT,
        # Both would put an exception's text, which may come from the API, into the span.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            outcome = getattr(error, "outcome", "unknown" if attempt.sent else "not_applied")
            error_type = getattr(error, "code", type(error).__qualname__)
            raise
        finally:
            attributes = _attributes(base_url, path, attempt.status, error_type)
            instruments().requests.record(time.perf_counter() - started, attributes)
            span.set_attributes({**attributes, "wemasy.outcome": outcome})
            if error_type is not None:
                span.set_status(StatusCode.ERROR)


def _attributes(base_url: str, path: str, status: int | None, error_type: str | None) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {"http.request.method": "POST", "url.template": path, **_server(base_url)}
    if status is not None:
        attributes["http.response.status_code"] = status
    if error_type is not None:
        attributes["error.type"] = error_type
    return attributes


@lru_cache(maxsize=1)
def _server(base_url: str) -> dict[str, str | int]:
    url = urlsplit(base_url)
    return {"server.address": url.hostname or "", "server.port": url.port or (443 if url.scheme == "https" else 80)}
