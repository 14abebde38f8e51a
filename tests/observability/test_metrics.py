"""What is counted, collected by the OpenTelemetry SDK's own in-memory reader."""

import subprocess
import sys
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import api_document
from support.wire import SAVE, UPDATE, Recorded, client_over, server_over
from wemasy_mcp.observability.metrics import instruments
from wemasy_mcp.once.once_caller import OnceCaller
from wemasy_mcp.transports.http.refusal import Refusal
from wemasy_mcp.transports.http.refusal_log import RefusalLog

PATH = api_document.SAVE_MEMORY.path
PRIVATE = "a-private-value"
Points = dict[frozenset[tuple[str, Any]], float]


class Measured:
    """What changed since the test began."""

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self._reader = reader
        self._before: dict[str, Points] = {}
        self._before = self._read()

    def __call__(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """Return the attributes and how often, or how much, of each point of a metric that changed."""
        before, now = self._before.get(name, {}), self._read().get(name, {})
        changes = [(dict(key), value - before.get(key, 0)) for key, value in now.items()]
        return [(attributes, change) for attributes, change in changes if change]

    def names(self) -> set[str]:
        return set(self._read())

    def _read(self) -> dict[str, Points]:
        data = self._reader.get_metrics_data()
        found: dict[str, Points] = {}
        for resource in data.resource_metrics if data else ():
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                found[metric.name] = {
                    frozenset((point.attributes or {}).items()): getattr(point, "count", getattr(point, "value", 0))
                    for point in metric.data.data_points
                }
        return found


@pytest.fixture(scope="module")
def reader() -> InMemoryMetricReader:
    # A process has one provider, for good.
    found = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([found]))
    return found


@pytest.fixture
def measured(reader: InMemoryMetricReader) -> Measured:
    return Measured(reader)


CALL = {"mcp.method.name": "tools/call", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": SAVE}
REQUEST = {
    "http.request.method": "POST",
    "url.template": PATH,
    "server.address": "api.wemasy.nl",
    "server.port": 443,
}


async def test_a_call_is_counted_by_tool_code_and_outcome_and_its_request_by_status(
    measured: Measured, recorded: Recorded
) -> None:
    async with Client(server_over(client_over(recorded))) as client:
        await client.call_tool(SAVE, {"kind": "fact", "value": PRIVATE})
        await client.call_tool(SAVE, {"kind": PRIVATE})
        recorded.answer(500)
        await client.call_tool(SAVE, {"kind": "fact"})

    calls = measured("mcp.server.operation.duration")
    for expected in (
        ({**CALL, "wemasy.outcome": "applied"}, 1),
        ({**CALL, "wemasy.outcome": "not_applied", "error.type": "invalid_arguments"}, 1),
        ({**CALL, "wemasy.outcome": "unknown", "error.type": "server_failed"}, 1),
    ):
        assert expected in calls
    requests = measured("http.client.request.duration")
    assert ({**REQUEST, "http.response.status_code": 200}, 1) in requests
    assert ({**REQUEST, "http.response.status_code": 500, "error.type": "server_failed"}, 1) in requests
    assert PRIVATE not in f"{calls}{requests}"


async def test_calls_under_way_are_those_that_are_not_answered(measured: Measured, recorded: Recorded) -> None:
    during: list[tuple[dict[str, Any], float]] = []
    as_documented = recorded._answer

    def look_and_answer(request: httpx2.Request) -> httpx2.Response:
        during.extend(measured("wemasy.mcp.calls.active"))
        return as_documented(request)

    recorded._answer = look_and_answer
    async with Client(server_over(client_over(recorded))) as client:
        await client.call_tool(SAVE, {"kind": "fact"})

    assert during == [({}, 1)]
    assert measured("wemasy.mcp.calls.active") == []


async def test_a_cooldown_and_a_repeat_are_counted(measured: Measured, recorded: Recorded) -> None:
    recorded.answer(429, {"message": "Too many"}, {"Retry-After": "60"})
    async with Client(server_over(client_over(recorded))) as client:
        for _ in range(3):
            await client.call_tool(UPDATE, {"connection_id": 5, "name": "n"})
    assert measured("wemasy.mcp.cooldowns") == [({}, 1)]

    recorded.answer(200, api_document.SAVE_MEMORY.sample_answer)
    once = OnceCaller(client_over(recorded), answer_seconds=4, timeout_seconds=20)
    async with Client(server_over(once)) as client, anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(client.call_tool, SAVE, {"kind": "fact", "key": "the same"})
    assert measured("wemasy.mcp.repeats") == [({"wemasy.repeat": "joined"}, 1)]


async def test_a_refusal_is_counted_by_its_status(measured: Measured) -> None:
    async def sent(message: Any) -> None: ...

    async def never() -> Any: ...

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    for _ in range(100):
        await RefusalLog(Refusal(404, "not_found", "Nothing is here."))(scope, never, sent)

    assert measured("wemasy.mcp.refusals") == [({"http.response.status_code": 404}, 100)]


@pytest.mark.process
def test_the_api_for_metrics_is_not_imported_for_nobody() -> None:
    script = (
        "import sys; from wemasy_mcp.observability.metrics import instruments as i; i().calls.record(1.0, {}); "
        "i().repeats.add(1); print('opentelemetry.metrics' in sys.modules)"
    )

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert run.stdout.strip() == "False"


def test_instruments_are_found_as_soon_as_somebody_reads_them(
    monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "opentelemetry.metrics")
        instruments().cooldowns.add(1)
        instruments().calls.record(1.0)
    instruments().cooldowns.add(1)

    assert measured("wemasy.mcp.cooldowns") == [({}, 1)]
