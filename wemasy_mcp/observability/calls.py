"""The one log line of each call: who called what, and how it ended. Never what was said."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from opentelemetry.trace import format_trace_id, get_current_span

from wemasy_mcp.observability.events import log_event

logger = logging.getLogger(__name__)


class Observed(Protocol):
    """What is known of a request to the API."""

    status: int | None

    @property
    def sent_id(self) -> str | None:
        """The id that was sent with it; None where nothing was sent."""


@dataclass(frozen=True, slots=True)
class CallReport:
    """A call under way. `who` names the caller, in texts that are fit for a log."""

    tool: str
    who: Mapping[str, str]
    _started: float = field(default_factory=time.perf_counter)

    def end(self, request: Observed, outcome: str, code: str, level: int = logging.INFO) -> None:
        """Write the line."""
        call: dict[str, object] = {
            "tool": self.tool,
            "outcome": outcome,
            "code": code,
            "status": request.status,
            "ms": round((time.perf_counter() - self._started) * 1000),
            **self.who,
        }
        if request.sent_id is not None:
            call["request_id"] = request.sent_id
        span = get_current_span().get_span_context()
        if span.is_valid:
            call["trace_id"] = format_trace_id(span.trace_id)
        log_event(logger, level, "", call)
