"""Never twice, over every transport: what real clients repeat by themselves is one request to the API."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from api_document import SAVE_MEMORY
from support.held_api import Upstream
from support.processes import SECONDS, WAYS, ServerProcess, connect, serving, transport_of
from support.program import TOKEN, environment

STDIO = ("stdio 2026", "stdio 2025")
ANSWER_SECONDS = 0.4
NUMBERS = count()


@pytest.fixture(scope="module")
def api() -> Iterator[Upstream]:
    with Upstream().in_thread() as running:
        yield running


@pytest.fixture(scope="module")
def settings(api: Upstream) -> dict[str, str]:
    return {"WEMASY_BASE_URL": api.url, "WEMASY_ANSWER_SECONDS": str(ANSWER_SECONDS)}


@pytest.fixture(scope="module")
def servers(settings: dict[str, str]) -> Iterator[dict[str, ServerProcess]]:
    with (
        serving("--transport", "streamable-http", **settings) as streamable,
        serving("--transport", "sse", **settings) as sse,
    ):
        yield {"streamable-http": streamable, "sse": sse}


@pytest.fixture(params=[*STDIO, *WAYS])
async def client(
    request: pytest.FixtureRequest, servers: dict[str, ServerProcess], settings: dict[str, str]
) -> AsyncIterator[Client]:
    with anyio.fail_after(SECONDS):
        async with _connected(request.param, servers, settings) as connected:
            yield connected


@asynccontextmanager
async def _connected(way: Any, servers: dict[str, ServerProcess], settings: dict[str, str]) -> AsyncIterator[Client]:
    if way in STDIO:
        variables = environment({"WEMASY_API_TOKEN": TOKEN, **settings})
        entry = StdioServerParameters(command=sys.executable, args=["-m", "wemasy_mcp"], env=variables)
        async with Client(stdio_client(entry), mode="auto" if way.endswith("2026") else "legacy") as client:
            yield client
    else:
        async with connect(servers[transport_of(way)].url, way) as client:
            yield client


class Calls:
    """The same call again and again: saving one memory of its own."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._arguments = {**SAVE_MEMORY.sample_request, "key": f"key {next(NUMBERS)}"}
        self.results: list[dict[str, Any]] = []

    async def make(self) -> None:
        result = await self._client.call_tool(SAVE_MEMORY.tool, self._arguments)
        self.results.append(result.structured_content or {})

    def sent(self, api: Upstream) -> int:
        return sum(body.get("key") == self._arguments["key"] for body in api.bodies)


async def test_a_call_that_is_dispatched_twice_is_written_once(client: Client, api: Upstream) -> None:
    calls = Calls(client)
    api.hold()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(calls.make)
        tasks.start_soon(calls.make)
        await anyio.to_thread.run_sync(api.wait_until_held, 1)
        await anyio.sleep(0.1)
        api.release()

    first, second = calls.results
    assert calls.sent(api) == 1
    assert first["data"] == second["data"]
    assert sorted(len(result.get("notes", ())) for result in calls.results) == [0, 1]


async def test_a_slow_answer_is_pending_and_the_repeat_reports_how_it_ended(client: Client, api: Upstream) -> None:
    calls = Calls(client)
    api.hold()
    await calls.make()
    await anyio.to_thread.run_sync(api.wait_until_held, 1)
    api.release()
    await calls.make()
    await calls.make()

    pending, told, on_purpose = calls.results
    assert pending["error"]["code"] == "pending"
    assert told["success"] is True
    assert len(told["notes"]) == 1
    assert "notes" not in on_purpose
    assert calls.sent(api) == 2


async def test_a_call_that_its_client_gave_up_is_not_sent_again(client: Client, api: Upstream) -> None:
    calls = Calls(client)
    api.hold()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(calls.make)
        await anyio.to_thread.run_sync(api.wait_until_held, 1)
        tasks.cancel_scope.cancel()
    # First the cancellation is on its way, then the answer.
    await anyio.sleep(0.1)
    api.release()
    await anyio.sleep(0.1)
    await calls.make()
    await calls.make()

    told, on_purpose = calls.results
    assert calls.sent(api) == 2
    assert (told["success"], len(told["notes"])) == (True, 1)
    assert "notes" not in on_purpose


async def test_repeats_are_sent_where_that_is_the_setting(api: Upstream, settings: dict[str, str]) -> None:
    send = {**settings, "WEMASY_REPEATS": "send", "WEMASY_REDIS_URL": "redis://127.0.0.1:9"}
    api.hold()
    with anyio.fail_after(SECONDS):
        async with _connected("stdio 2026", {}, send) as client, anyio.create_task_group() as tasks:
            calls = Calls(client)
            tasks.start_soon(calls.make)
            tasks.start_soon(calls.make)
            await anyio.to_thread.run_sync(api.wait_until_held, 2)
            api.release()

    assert calls.sent(api) == 2
    assert [result.get("notes", []) for result in calls.results] == [[], []]
