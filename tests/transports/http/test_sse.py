import logging

import anyio
import httpx2
import pytest
from mcp.server.lowlevel import Server
from mcp.types import ListToolsResult

from support.local import served
from support.processes import SECONDS, endpoint_of
from wemasy_mcp.transports.http.asgi import Paths
from wemasy_mcp.transports.http.body import Bodies, WholeBody
from wemasy_mcp.transports.http.sse import SseSessions
from wemasy_mcp.transports.http.uvicorn_server import Patience


def app_of(sessions: SseSessions) -> Paths:
    endpoints = {path: WholeBody(app, Bodies()) for path, (_, app) in sessions.endpoints().items()}
    return Paths(endpoints, sessions.running)


async def test_no_more_sessions_are_opened_than_allowed() -> None:
    stopping = anyio.Event()
    sessions = SseSessions(Server("test"), stopping, max_sessions=1)
    with anyio.fail_after(SECONDS):
        async with (
            served(app_of(sessions), stopping, Patience()) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        ):
            async with http.stream("GET", "/sse") as first:
                await endpoint_of(first.aiter_lines())
                refused = await http.get("/sse")
            # The server notices in its own time that the first has gone.
            while (again := await status_of(http)) == 503:
                pass

    assert (refused.status_code, again) == (503, 200)


async def status_of(http: httpx2.AsyncClient) -> int:
    async with http.stream("GET", "/sse") as answer:
        return answer.status_code


async def test_a_session_that_nobody_uses_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    stopping = anyio.Event()
    sessions = SseSessions(Server("test"), stopping, idle_seconds=0.1)
    with anyio.fail_after(SECONDS):
        async with (
            served(app_of(sessions), stopping, Patience()) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        ):
            async with http.stream("GET", "/sse") as stream:
                lines = stream.aiter_lines()
                endpoint = await endpoint_of(lines)
                # Ends by itself, and in order: a stream that is cut off raises.
                rest = [line async for line in lines]
            late = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            while (await http.post(endpoint, json=late)).status_code != 404:
                pass

    assert rest == [""]
    assert caplog.messages == []


async def test_a_cancelled_request_does_not_hold_the_server_up() -> None:
    """Such a request is never answered, so a server that counts requests must not wait for it."""
    stopping = anyio.Event()
    never = anyio.Event()

    async def list_tools(ctx: object, params: object) -> ListToolsResult:
        await never.wait()
        return ListToolsResult(tools=[])

    sessions = SseSessions(Server("test", on_list_tools=list_tools), stopping)
    with anyio.fail_after(SECONDS):
        async with (
            served(app_of(sessions), stopping, Patience(calls=SECONDS)) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
            http.stream("GET", "/sse") as stream,
        ):
            lines = stream.aiter_lines()
            endpoint = await endpoint_of(lines)
            for message in (
                {"id": 1, "method": "tools/list"},
                {"method": "notifications/cancelled", "params": {"requestId": ["no id"]}},
                {"method": "notifications/cancelled", "params": {"requestId": 1}},
            ):
                taken = await http.post(endpoint, json={"jsonrpc": "2.0", **message})
                assert taken.status_code == 202
            stopping.set()
            rest = [line async for line in lines]

    assert rest
