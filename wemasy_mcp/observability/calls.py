"""The one log line and the one measurement of each call: who called what, and how it ended; never the content."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from opentelemetry.trace import format_trace_id, get_current_span

from wemasy_mcp.observability.events import log_event
from wemasy_mcp.observability.metrics import instruments

logger = logging.getLogger(__name__)

SUCCESS = "ok"
"""The code of a call that succeeded."""


class Observed(Protocol):
    """The facts known about a request to the API."""

    status: int | None
    record: int | None

    @property
    def sent_id(self) -> str | None:
        """The id that was sent with it; None if nothing was sent."""


@dataclass(slots=True)
class CallReport:
    """A call in progress. `who` names the caller, in texts that are fit for a log."""

    tool: str
    who: Mapping[str, str]
    _started: float = field(default_factory=time.perf_counter)
    _is_under_way: bool = True

    def __post_init__(self) -> None:
        instruments().calls_under_way.add(1)

    def end(self, request: Observed, outcome: str, code: str, level: int = logging.INFO) -> None:
        """Write the line, and another if more becomes known after the call was answered."""
        if self._is_under_way:
            self._is_under_way = False
            self._measure(outcome, code)
        call: dict[str, object] = {
            "tool": self.tool,
            "outcome": outcome,
            "code": code,
            "status": request.status,
            "ms": round((time.perf_counter() - self._started) * 1000),
            **self.who,
        }
        if request.record is not None:
            call["record"] = request.record
        if request.sent_id is not None:
            call["request_id"] = request.sent_id
        span = get_current_span().get_span_context()
        if span.is_valid:
            call["trace_id"] = format_trace_id(span.trace_id)
        log_event(logger, level, "", call)

    def _measure(self, outcome: str, code: str) -> None:
        instruments().calls_under_way.add(-1)
        attributes = {
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": self.tool,
            "wemasy.outcome": outcome,
        }
        if code != SUCCESS:
            attributes["error.type"] = code
        instruments().calls.record(time.perf_counter() - self._started, attributes)
