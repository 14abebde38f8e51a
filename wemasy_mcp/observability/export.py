"""Traces and metrics over OTLP, set up by the usual OTEL_* variables (extra `otel`). Without them no SDK is loaded.

Source: OpenTelemetry specification, "Environment Variable Specification" and "OTLP exporter".
"""

import logging
import os
import sys
from collections.abc import Callable

from wemasy_mcp import __version__

logger = logging.getLogger(__name__)

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SIGNALS = ("TRACES", "METRICS")
PROTOCOL = "http/protobuf"


def start_export() -> Callable[[], None]:
    """Start exporting the signals for which the environment has an address; return the function that flushes and stops.

    If this process was started with an SDK already set up, as by `opentelemetry-instrument`, that one is kept.
    """
    wanted = [signal for signal in SIGNALS if _is_wanted(signal)]
    if not wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or "opentelemetry.sdk" in sys.modules:
        return lambda: None
    try:
        return _start(wanted)
    except ImportError:
        logger.warning("OTEL_* variables ask for traces or metrics: pip install 'wemasy-mcp[otel]'")
        return lambda: None


def _is_wanted(signal: str) -> bool:
    environment = os.environ
    has_address = environment.get(ENDPOINT) or environment.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    if not has_address or environment.get(f"OTEL_{signal}_EXPORTER", "otlp") != "otlp":
        return False
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if environment.get(name, PROTOCOL) != PROTOCOL:
            logger.warning("%s are not exported: %s should be %s", signal, name, PROTOCOL)
            return False
    return True


def _start(wanted: list[str]) -> Callable[[], None]:
    from opentelemetry import metrics, trace
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from wemasy_mcp.observability.logging import REPLICA

    own = {"service.name": "wemasy-mcp", "service.version": __version__, "service.instance.id": REPLICA}
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
    resource = Resource.create(own).merge(OTELResourceDetector().detect())
    spans = BatchSpanProcessor(OTLPSpanExporter()) if "TRACES" in wanted else None
    readers = [PeriodicExportingMetricReader(OTLPMetricExporter())] if "METRICS" in wanted else []
    meter_provider = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    tracer_provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if spans is not None:
        tracer_provider.add_span_processor(spans)
        trace.set_tracer_provider(tracer_provider)
    if readers:
        metrics.set_meter_provider(meter_provider)

    def end() -> None:
        tracer_provider.shutdown()
        meter_provider.shutdown()

    return end
