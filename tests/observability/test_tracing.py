"""The client span of each API request, collected by the OpenTelemetry SDK's own in-memory exporter."""

import json
from collections.abc import Iterator

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from support.fake_api import FakeApi, answer_never
from support.program import TOKEN
from support.wire import ENDPOINT, SAVE, Recorded, client_over, server_over
from wemasy_mcp.core.client import Attempt, WemasyClient

PATH = "services/ai/v1/memory/save"
ARGUMENTS = {"kind": "fact", "key": "a-private-key", "value": "a-private-value"}
OF_EVERY_REQUEST = {
    "http.request.method": "POST",
    "url.template": PATH,
    "server.address": "api.wemasy.nl",
    "server.port": 443,
}


@pytest.fixture(scope="module")
def collected() -> InMemorySpanExporter:
    # A process has one provider, for good: this module sets it, and other modules' spans are cleared away.
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(collected: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    collected.clear()
    yield collected
    collected.clear()


def request_spans(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.kind is trace.SpanKind.CLIENT and PATH in span.name]


async def save(recorded: Recorded) -> None:
    async with Client(server_over(client_over(recorded))) as client:
        await client.call_tool(SAVE, ARGUMENTS)


async def test_a_request_is_one_client_span_under_the_servers_own(
    spans: InMemorySpanExporter, recorded: Recorded
) -> None:
    await save(recorded)

    (span,) = request_spans(spans)
    assert span.name == f"POST {PATH}"
    assert span.attributes == {
        **OF_EVERY_REQUEST,
        "wemasy.outcome": "applied",
        "http.response.status_code": 200,
    }
    assert span.status.status_code is trace.StatusCode.UNSET
    assert span.parent is not None
    assert span.parent.span_id in {
        other.context.span_id for other in spans.get_finished_spans() if other.kind is trace.SpanKind.SERVER
    }


@pytest.mark.parametrize(
    ("status", "outcome", "error_type"),
    [
        (401, "not_applied", "unauthenticated"),
        (422, "not_applied", "validation_failed"),
        (429, "not_applied", "rate_limited"),
        (500, "unknown", "server_failed"),
    ],
)
async def test_a_failure_is_told_by_its_code_and_outcome(
    spans: InMemorySpanExporter, recorded: Recorded, status: int, outcome: str, error_type: str
) -> None:
    recorded.answer(status, {"message": f"a-private-answer {TOKEN}", "errors": {"key": ["a-private-answer"]}})

    await save(recorded)

    (span,) = request_spans(spans)
    assert span.attributes == {
        **OF_EVERY_REQUEST,
        "wemasy.outcome": outcome,
        "http.response.status_code": status,
        "error.type": error_type,
    }
    assert (span.status.status_code, span.status.description) == (trace.StatusCode.ERROR, None)


async def test_a_request_without_an_answer_has_no_status(spans: InMemorySpanExporter, recorded: Recorded) -> None:
    recorded.fail(httpx2.ReadError)

    await save(recorded)

    (span,) = request_spans(spans)
    assert span.attributes == {
        **OF_EVERY_REQUEST,
        "wemasy.outcome": "unknown",
        "error.type": "connection_lost",
    }


@pytest.mark.parametrize("status", [200, 422, 500])
async def test_no_argument_token_or_answer_is_in_any_span(
    spans: InMemorySpanExporter, recorded: Recorded, status: int
) -> None:
    recorded.answer(status, {"success": True, "message": "a-private-answer", "data": {}})

    await save(recorded)

    everything = json.dumps([json.loads(span.to_json()) for span in spans.get_finished_spans()])
    assert "a-private" not in everything
    assert TOKEN not in everything


async def test_a_call_that_is_kept_back_is_no_request(spans: InMemorySpanExporter, recorded: Recorded) -> None:
    recorded.answer(429, {"error": True, "message": "Too Many Attempts."}, {"Retry-After": "42"})
    async with Client(server_over(client_over(recorded))) as client:
        await client.call_tool(SAVE, ARGUMENTS)
        await client.call_tool(SAVE, ARGUMENTS)

    assert len(recorded.requests) == 1
    assert len(request_spans(spans)) == 1


async def test_a_cancelled_request_is_told_by_whether_it_was_sent(spans: InMemorySpanExporter) -> None:
    with anyio.fail_after(10):
        async with FakeApi(answer_never) as upstream:
            client = WemasyClient(upstream.url, timeout_seconds=20)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_call, client)
                await upstream.arrived.wait()
                tasks.cancel_scope.cancel()
            await client.aclose()

    (span,) = request_spans(spans)
    assert span.attributes is not None
    assert span.attributes["wemasy.outcome"] == "unknown"
    assert span.attributes["error.type"] == "CancelledError"


async def _call(client: WemasyClient) -> None:
    await client.call(ENDPOINT[SAVE], b"{}", token=SecretStr(TOKEN), user_agent="test", attempt=Attempt())


async def test_a_trace_that_is_not_sampled_costs_no_description(
    spans: InMemorySpanExporter, recorded: Recorded
) -> None:
    not_sampled = trace.SpanContext(1, 1, is_remote=False, trace_flags=trace.TraceFlags(0))

    with trace.use_span(trace.NonRecordingSpan(not_sampled)):
        await _call(client_over(recorded))

    assert len(recorded.requests) == 1
    assert request_spans(spans) == []


async def test_a_clients_words_do_not_make_spans_of_any_length(spans: InMemorySpanExporter, recorded: Recorded) -> None:
    async with Client(server_over(client_over(recorded)), mode="legacy") as client:
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("x" * 100_000)

    (span,) = [span for span in spans.get_finished_spans() if span.name.startswith("tools/call")]
    assert span.name == f"tools/call {'x' * 100}"
    assert max(len(str(value)) for value in (span.attributes or {}).values()) == 100
