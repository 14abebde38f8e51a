"""The metrics, through OpenTelemetry's API alone: where nothing reads them they do nothing, in under a microsecond.

Names are those of the semantic conventions for MCP and HTTP clients where there is one; the others begin with
`wemasy.mcp`. No attribute is a caller's text: a tool is one that is offered, an error one of the published codes.
"""

import sys
from functools import cache
from typing import TYPE_CHECKING

from wemasy_mcp import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, UpDownCounter


class _Unmeasured:
    """An instrument of a process in which nothing reads one."""

    def add(self, amount: float, attributes: object = None) -> None:
        """Count nothing."""

    def record(self, amount: float, attributes: object = None) -> None:
        """Measure nothing."""


_NOTHING = _Unmeasured()


class Instruments:
    """The instruments of this process."""

    calls: "Histogram | _Unmeasured" = _NOTHING
    requests: "Histogram | _Unmeasured" = _NOTHING
    calls_under_way: "UpDownCounter | _Unmeasured" = _NOTHING
    refusals: "Counter | _Unmeasured" = _NOTHING
    repeats: "Counter | _Unmeasured" = _NOTHING
    cooldowns: "Counter | _Unmeasured" = _NOTHING


class _Measured(Instruments):
    def __init__(self) -> None:
        from opentelemetry.metrics import get_meter

        meter = get_meter("wemasy_mcp", __version__)
        self.calls = meter.create_histogram(
            "mcp.server.operation.duration",
            unit="s",
            description="How long tool calls take.",
            explicit_bucket_boundaries_advisory=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
        )
        self.requests = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Requests to the Wemasy API.",
            explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
        )
        self.calls_under_way = meter.create_up_down_counter(
            "wemasy.mcp.calls.active", unit="{call}", description="Tool calls under way."
        )
        self.refusals = meter.create_counter(
            "wemasy.mcp.refusals", unit="{request}", description="HTTP requests that were refused."
        )
        self.repeats = meter.create_counter(
            "wemasy.mcp.repeats", unit="{call}", description="Calls answered with the result of an identical call."
        )
        self.cooldowns = meter.create_counter(
            "wemasy.mcp.cooldowns", unit="{cooldown}", description="Waits that Wemasy imposed on an account."
        )


def instruments() -> Instruments:
    """Return the instruments of this process.

    Whoever wants to read them has imported the API for it. Otherwise that import would only delay the first call.
    """
    return _measured() if "opentelemetry.metrics" in sys.modules else _UNMEASURED


@cache
def _measured() -> Instruments:
    return _Measured()


_UNMEASURED = Instruments()
