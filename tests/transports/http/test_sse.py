import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
import pytest
from mcp.server.context import ServerRequestContext
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


@dataclass
class Opened:
    """A session that its client has opened."""

    http: httpx2.AsyncClient
    endpoint: str
    lines: AsyncIterator[str]

    async def post(self, message: dict[str, Any]) -> httpx2.Response:
        return await self.http.post(self.endpoint, json={"jsonrpc": "2.0", **message})

    async def answer(self) -> dict[str, Any]:
        """Return the next message of the stream."""
        answer: dict[str, Any] = json.loads(await endpoint_of(self.lines))
        return answer


@asynccontextmanager
async def client_of(
    sessions: SseSessions, stopping: anyio.Event, patience: Patience | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve the sessions for one test, and yield an HTTP client of them."""
    with anyio.fail_after(SECONDS):
        async with (
            served(app_of(sessions), stopping, patience or Patience()) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        ):
            yield http


@asynccontextmanager
async def opened(
    server: Server[Any], stopping: anyio.Event | None = None, patience: Patience | None = None
) -> AsyncIterator[Opened]:
    stopping = stopping or anyio.Event()
    async with (
        client_of(SseSessions(server, stopping), stopping, patience) as http,
        http.stream("GET", "/sse") as stream,
    ):
        lines = stream.aiter_lines()
        yield Opened(http, await endpoint_of(lines), lines)


async def list_no_tools(ctx: object, params: object) -> ListToolsResult:
    return ListToolsResult(tools=[])


async def test_no_more_sessions_are_opened_than_allowed() -> None:
    stopping = anyio.Event()
    sessions = SseSessions(Server("test"), stopping, max_sessions=1)
    async with client_of(sessions, stopping) as http:
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
    async with client_of(sessions, stopping) as http:
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

    server = Server("test", on_list_tools=list_tools)
    async with opened(server, stopping, Patience(calls=SECONDS)) as session:
        for message in (
            {"id": 1, "method": "tools/list"},
            {"method": "notifications/cancelled", "params": {"requestId": ["no id"]}},
            {"method": "notifications/cancelled", "params": {"requestId": 1}},
        ):
            taken = await session.post(message)
            assert taken.status_code == 202
        stopping.set()
        rest = [line async for line in session.lines]

    assert rest


async def test_a_request_has_its_head_without_the_body_it_came_in() -> None:
    heads: list[str] = []

    async def list_tools(ctx: ServerRequestContext[Any], params: object) -> ListToolsResult:
        assert ctx.request is not None
        heads.append(ctx.request.headers["content-type"])
        with pytest.raises(RuntimeError):
            await ctx.request.body()
        return ListToolsResult(tools=[])

    async with opened(Server("test", on_list_tools=list_tools)) as session:
        await session.post({"id": 1, "method": "tools/list"})
        assert "result" in await session.answer()

    assert heads == ["application/json"]


async def test_an_id_in_flight_is_refused_under_no_id() -> None:
    never = anyio.Event()
    handled: list[object] = []

    async def list_tools(ctx: object, params: object) -> ListToolsResult:
        handled.append(params)
        await never.wait()
        return ListToolsResult(tools=[])

    async with opened(Server("test", on_list_tools=list_tools)) as session:
        shake = {"protocolVersion": "2025-11-25"}
        for message in (
            {"id": 1, "method": "initialize", "params": shake},
            *[{"id": 7, "method": "tools/list"}] * 2,
        ):
            await session.post(message)
        told = [await session.answer() for _ in range(2)]
        never.set()

    assert (told[1]["id"], told[1]["error"]["code"]) == (None, -32600)
    assert len(handled) == 1


CALL = {"id": 7, "method": "tools/list"}
PING = {"id": 8, "method": "ping"}


@pytest.mark.parametrize("messages", [[], [PING], [PING, {"method": "notifications/initialized"}]], ids=len)
async def test_a_session_that_asks_for_nothing_ends_soon(
    messages: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long one that is used may be idle."""
    monkeypatch.setattr("wemasy_mcp.transports.http.sse.UNOPENED_SECONDS", 0.5)
    async with opened(Server("test")) as session:
        for message in messages:
            await session.post(message)
        assert "event: endpoint" not in [line async for line in session.lines]


async def test_a_client_that_reconnects_is_served_without_another_handshake() -> None:
    """Several clients do so when the server was started again, and say nothing of it to their user."""
    async with opened(Server("test", on_list_tools=list_no_tools)) as session:
        answers = []
        for message in (CALL, PING):
            await session.post(message)
            answers.append(await session.answer())

    assert [answer["id"] for answer in answers] == [7, 8]
    assert answers[0]["result"]["tools"] == []


SHAKE = {
    "id": "shake",
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
DISCOVER = {
    "id": "discover",
    "method": "server/discover",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}


@pytest.mark.parametrize(
    ("discoveries", "rest", "protocol"),
    [
        (1, [SHAKE, CALL, PING], "2025-11-25"),
        (2, [SHAKE, CALL, PING], "2025-11-25"),
        # One that reconnects has made its handshake with an earlier server.
        (1, [CALL, PING], None),
    ],
)
async def test_a_client_that_fell_back_from_a_discovery_can_still_shake_hands(
    discoveries: int, rest: list[dict[str, Any]], protocol: str | None
) -> None:
    """Seeing the discovery first, the SDK locks the connection to the 2026 era and refuses the handshake."""
    async with opened(Server("test", on_list_tools=list_no_tools)) as session:
        answers = {}
        for message in (*[DISCOVER] * discoveries, *rest):
            await session.post(message)
            answers[message["id"]] = (await session.answer())["result"]

    assert "2026-07-28" in answers["discover"]["supportedVersions"]
    assert answers.get("shake", {}).get("protocolVersion") == protocol
    assert answers[7]["tools"] == []


async def test_a_discovery_and_the_handshake_behind_it_may_come_together() -> None:
    stopping = anyio.Event()
    sessions = SseSessions(Server("test"), stopping)
    answers: dict[str, dict[str, Any]] = {}
    with anyio.fail_after(SECONDS):
        async with (
            served(app_of(sessions), stopping, Patience()) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
            http.stream("GET", "/sse") as stream,
        ):
            lines = stream.aiter_lines()
            endpoint = await endpoint_of(lines)
            for message in (DISCOVER, SHAKE):
                await http.post(endpoint, json={"jsonrpc": "2.0", **message})
            while len(answers) < 2:
                answer = json.loads(await endpoint_of(lines))
                answers[answer["id"]] = answer

    assert set(answers) == {"discover", "shake"}
    assert answers["shake"]["result"]["protocolVersion"] == "2025-11-25"


async def test_a_client_that_went_on_after_its_discovery_has_chosen() -> None:
    stopping = anyio.Event()
    sessions = SseSessions(Server("test"), stopping)
    with anyio.fail_after(SECONDS):
        async with (
            served(app_of(sessions), stopping, Patience()) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
            http.stream("GET", "/sse") as stream,
        ):
            lines = stream.aiter_lines()
            endpoint = await endpoint_of(lines)
            answers = []
            for message in (DISCOVER, {**DISCOVER, "id": "tools", "method": "tools/list"}, SHAKE):
                await http.post(endpoint, json={"jsonrpc": "2.0", **message})
                answers.append(json.loads(await endpoint_of(lines)))

    assert [answer["id"] for answer in answers] == ["discover", "tools", "shake"]
    assert answers[2]["error"]["code"] == -32022


async def test_a_message_for_no_session_is_refused_with_what_to_do() -> None:
    stopping = anyio.Event()
    app = app_of(SseSessions(Server("test"), stopping))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as http:
        asked = [f"?session_id={value}" for value in ("0123456789abcdef" * 2, "none", "")] + [""]
        answers = [await http.post(f"/messages/{query}", json={"jsonrpc": "2.0", **CALL}) for query in asked]

    assert [answer.status_code for answer in answers] == [404, 400, 400, 400]
    assert "initialize again" in answers[0].json()["error_description"]
    assert {answer.json()["error"] for answer in answers[1:]} == {"invalid_request"}


async def test_a_client_is_refused_at_the_same_moment_when_all_sessions_are_taken() -> None:
    stopping = anyio.Event()
    sessions = SseSessions(Server("test"), stopping, max_sessions=50)
    lines: list[AsyncIterator[str]] = []
    with anyio.fail_after(SECONDS):
        async with (
            served(app_of(sessions), stopping, Patience()) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=httpx2.Limits(max_connections=60)) as http,
            AsyncExitStack() as streams,
        ):
            for _ in range(50):
                lines.append((await streams.enter_async_context(http.stream("GET", "/sse"))).aiter_lines())
                await endpoint_of(lines[-1])
            refused = await http.get("/sse")

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    assert refused.json()["error"] == "temporarily_unavailable"
