"""The extra `otel`: a real server's traces and metrics, as a collector gets them, and what OTEL_* variables do."""

import json
import subprocess
import sys
from collections.abc import Iterator

import anyio
import pytest

import wemasy_mcp
from support.otlp_receiver import Receiver, receiving
from support.processes import SECONDS, WAYS, connect, serving
from support.program import TOKEN, environment
from support.wire import SAVE
from wemasy_mcp.observability.export import start_export

PRIVATE = "a-private-value"
CALL = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


async def test_what_a_server_measured_arrives_with_its_last_call_and_no_value(receiver: Receiver) -> None:
    with serving(
        *("--transport", "streamable-http", "--sandbox"),
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
    ) as server:
        with anyio.fail_after(SECONDS):
            async with connect(server.url, WAYS[0]) as client:
                await client.call_tool(SAVE, {"kind": "fact", "value": PRIVATE})
        server.terminate()
        assert server.wait() == 0

    assert {f"tools/call {SAVE}", "POST services/ai/v1/memory/save"} <= set(receiver.spans())
    assert {"mcp.server.operation.duration", "http.client.request.duration"} <= receiver.metrics()
    resource = receiver.resource()
    assert (resource["service.name"], resource["service.version"]) == ("wemasy-mcp", wemasy_mcp.__version__)
    assert resource["deployment.environment.name"] == "test"
    assert resource["service.instance.id"].endswith(f"/{server.process.pid}")
    assert PRIVATE.encode() not in b"".join(body for bodies in receiver.bodies.values() for body in bodies)


@pytest.mark.parametrize("left_out", ["OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"])
def test_a_collector_that_is_not_there_delays_no_exit(left_out: str, unused_port: int) -> None:
    address = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{unused_port}", left_out: "none"}
    with serving("--transport", "streamable-http", "--sandbox", **address) as server:
        server.terminate()
        assert server.process.wait(5) == 0


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
        },
    ],
)
def test_without_variables_that_ask_for_it_no_sdk_is_imported(settings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "wemasy_mcp"],
        input=json.dumps(CALL).encode() + b"\n",
        env=environment({"WEMASY_API_TOKEN": TOKEN, **settings}),
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )

    assert b"wemasy_mcp.core.server" in done.stderr
    assert b"opentelemetry.sdk" not in done.stderr


@pytest.fixture
def no_sdk_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.sdk", raising=False)


@pytest.mark.usefixtures("no_sdk_yet")
def test_a_protocol_that_is_not_supported_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")

    start_export()()

    assert caplog.messages == [
        f"{signal} are not exported: OTEL_EXPORTER_OTLP_PROTOCOL should be http/protobuf"
        for signal in ("TRACES", "METRICS")
    ]


@pytest.mark.usefixtures("no_sdk_yet")
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)

    start_export()()

    assert caplog.messages == ["OTEL_* variables ask for traces or metrics: pip install 'wemasy-mcp[otel]'"]
