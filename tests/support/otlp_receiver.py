"""What an OpenTelemetry collector is to an exporter: takes OTLP over HTTP on loopback, and keeps what it got."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from support.processes import SECONDS


class Receiver(ThreadingHTTPServer):
    """Keeps every body by its path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}
        self.arrived = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def wait_for(self, path: str) -> None:
        """Return once something has come at `path`."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.bodies[path], SECONDS)

    def spans(self) -> list[str]:
        """The names of the spans."""
        requests = map(ExportTraceServiceRequest.FromString, self.bodies["/v1/traces"])
        scopes = (
            scope for request in requests for resource in request.resource_spans for scope in resource.scope_spans
        )
        return [span.name for scope in scopes for span in scope.spans]

    def metrics(self) -> set[str]:
        """The names of the metrics."""
        scopes = (
            scope
            for request in self._metrics()
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
        )
        return {metric.name for scope in scopes for metric in scope.metrics}

    def resource(self) -> dict[str, str]:
        """What is said of the process."""
        attributes = self._metrics()[0].resource_metrics[0].resource.attributes
        return {attribute.key: attribute.value.string_value for attribute in attributes}

    def _metrics(self) -> list[ExportMetricsServiceRequest]:
        return [ExportMetricsServiceRequest.FromString(body) for body in self.bodies["/v1/metrics"]]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        with self.server.arrived:
            self.server.bodies[self.path].append(body)
            self.server.arrived.notify_all()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive in a thread until the block ends."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join(SECONDS)
