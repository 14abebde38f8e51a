"""What the page gets to see, live, and who may look."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from starlette.applications import Starlette

from api_document import SAVE_MEMORY
from sandbox.conftest import ORIGIN, Clock, client_of
from wemasy_mcp.sandbox import build_sandbox

SAVE = f"/api/{SAVE_MEMORY.path}"
HOST = ORIGIN.removeprefix("http://")


class Watched:
    """The events of one stream."""

    def __init__(self, messages: MemoryObjectReceiveStream[dict[str, Any]]) -> None:
        self._messages = messages
        self.status = 0

    async def next(self) -> dict[str, Any]:
        with anyio.fail_after(20):
            while True:
                message = await self._messages.receive()
                if message["type"] == "http.response.start":
                    self.status = message["status"]
                elif message["body"]:
                    body: bytes = message["body"]
                    event: dict[str, Any] = json.loads(body.removeprefix(b"data: "))
                    return event

    async def ended(self) -> bool:
        with anyio.fail_after(20):
            async for message in self._messages:
                if message["type"] == "http.response.body" and not message.get("more_body", False):
                    return True
        return False


@asynccontextmanager
async def watch(app: Starlette) -> AsyncIterator[Watched]:
    """A page that looks until the block ends. httpx2's ASGI transport answers only when a stream has ended."""
    gone = anyio.Event()
    sending, messages = anyio.create_memory_object_stream[dict[str, Any]](100)
    scope = {
        "type": "http",
        "scheme": "http",
        "method": "GET",
        "path": "/_sandbox/events",
        "raw_path": b"/_sandbox/events",
        "query_string": b"",
        "headers": [(b"host", HOST.encode())],
        "server": ("127.0.0.1", 8900),
    }

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await sending.send(dict(message))

    async with anyio.create_task_group() as watching, sending, messages:
        watching.start_soon(app, scope, receive, send)
        yield Watched(messages)
        gone.set()


async def test_a_call_is_seen_by_all_who_watch(app: Starlette, client: httpx2.AsyncClient, clock: Clock) -> None:
    async with watch(app) as one, watch(app) as other:
        before = await one.next()
        await other.next()
        clock.seconds += 3
        await client.post(SAVE, json={"kind": "fact", "value": "<script>", "metadata": {"a": 1}, "key": None})
        after = await one.next()

        assert before["requests"] == []
        assert before["budget"] == {
            "token": "sandbox-token",
            "limit": 60,
            "remaining": 60,
            "window_seconds": 60,
            "resets_at": None,
        }
        assert after["requests"] == [
            {
                "number": 1,
                "received_at": 1003.0,
                "method": "POST",
                "path": SAVE,
                "token": "sandbox-token",
                "status": 200,
                "why": "Saved: memories #1.",
            }
        ]
        assert after["now"] == 1003.0
        assert (after["budget"]["remaining"], after["budget"]["resets_at"]) == (59, 1063.0)
        assert after["collections"][1] == {
            "name": "memories",
            "count": 1,
            "columns": ["id", "kind", "key", "value", "embedding", "metadata"],
            "records": [
                {
                    "id": {"type": "number", "text": "1"},
                    "kind": {"type": "text", "text": "fact"},
                    "value": {"type": "text", "text": "<script>"},
                    "metadata": {"type": "json", "text": '{"a": 1}'},
                    "key": {"type": "null", "text": "null"},
                }
            ],
        }
        assert await other.next() == after


async def test_what_another_process_writes_to_the_same_file_is_seen(tmp_path: Path) -> None:
    file = str(tmp_path / "sandbox.db")
    app = build_sandbox(file)
    async with watch(app) as watched:
        await watched.next()
        build_sandbox(file).state.store.create("memories", {"kind": "fact"})

        assert (await watched.next())["collections"][1]["count"] == 1


async def test_a_page_without_news_gets_a_sign_of_life(app: Starlette, client: httpx2.AsyncClient) -> None:
    async with watch(app) as watched:
        first = await watched.next()
        async with anyio.create_task_group() as waking:
            waking.start_soon(_wake_for_ever, client)
            second = await watched.next()
            waking.cancel_scope.cancel()

        assert second == first


async def _wake_for_ever(client: httpx2.AsyncClient) -> None:
    while True:
        await client.delete("/_sandbox/faults")
        await anyio.lowlevel.checkpoint()


async def test_a_stream_ends_when_the_server_stops(app: Starlette) -> None:
    async with watch(app) as watched:
        await watched.next()
        app.state.stop()

        assert await watched.ended()


async def test_watchers_are_bounded_and_make_room_when_they_go(app: Starlette, client: httpx2.AsyncClient) -> None:
    async with anyio.create_task_group() as watching:
        for _ in range(16):
            started = anyio.Event()
            watching.start_soon(_watch_until_cancelled, app, started)
            await started.wait()
        refused = await client.get("/_sandbox/events")
        watching.cancel_scope.cancel()

    assert refused.status_code == 503
    async with watch(app) as watched:
        await watched.next()
        assert watched.status == 200


async def _watch_until_cancelled(app: Starlette, started: anyio.Event) -> None:
    async with watch(app) as watched:
        await watched.next()
        started.set()
        await anyio.sleep_forever()


async def test_no_token_but_the_ready_made_ones_is_shown(app: Starlette, client: httpx2.AsyncClient) -> None:
    for token in ("7|somebodys-real-token", "", "sandbox-token-rejected"):
        async with client_of(app, token) as other:
            await other.post(SAVE, json={})

    state = (await client.get("/_sandbox/state")).text
    assert [entry["token"] for entry in json.loads(state)["requests"]] == [
        "sandbox-token-rejected",
        "no token",
        "another token",
    ]
    assert "somebodys" not in state


async def test_what_is_shown_is_bounded(app: Starlette, client: httpx2.AsyncClient, clock: Clock) -> None:
    for _ in range(70):
        clock.seconds += 1
        await client.post(SAVE, json={"kind": "fact", "value": "long" * 1000})
    await client.request("LONG" * 100, f"/api/{'way/' * 1000}")

    state = (await client.get("/_sandbox/state")).json()
    memories = state["collections"][1]
    assert len(state["requests"]) == 50
    assert (memories["count"], len(memories["records"])) == (app.state.store.count("memories"), 50)
    assert len(memories["records"][0]["value"]["text"]) == 300
    assert {len(state["requests"][0][text]) for text in ("method", "path", "why")} == {200}


@pytest.mark.parametrize(
    "path",
    ["/", "/_sandbox/page.css", "/_sandbox/page.js", "/_sandbox/icon.svg", "/_sandbox/state", "/_sandbox/faults"],
)
async def test_every_route_that_a_browser_uses_is_locked_down(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for host in ("evil.example", "evil.example:8900", "127.0.0.1", "127.0.0.1:8901", "localhost:8900.evil.example", ""):
        assert (await client.get(path, headers={"Host": host})).status_code == 421
    for host in ("localhost:8900", "[::1]:8900"):
        assert (await client.get(path, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:8900"},
        {"Origin": "http://localhost:8900"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_page_of_another_origin_cannot_drive_the_sandbox(
    client: httpx2.AsyncClient, method: str, headers: dict[str, str]
) -> None:
    await client.post("/_sandbox/faults", json={"fault": "500"})

    answer = await client.request(method, "/_sandbox/faults", content=b'{"fault":"401"}', headers=headers)

    assert answer.status_code == 403
    assert (await client.get("/_sandbox/faults")).json() == {"pending": [{"fault": "500", "count": 1}]}


async def test_the_sandboxs_own_page_can(client: httpx2.AsyncClient) -> None:
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}

    assert (await client.post("/_sandbox/faults", json={"fault": "500"}, headers=headers)).status_code == 200


async def test_a_link_from_elsewhere_opens_the_page(client: httpx2.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert (await client.get("/", headers=headers)).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "localhost:80"])
async def test_the_port_of_http_may_be_left_out(app: Starlette, host: str) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        assert (await client.get("/_sandbox/state", headers={"Host": host})).status_code == 200


async def test_a_caller_who_leaves_in_the_middle_of_a_request_harms_nothing(app: Starlette) -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "path": SAVE,
        "raw_path": SAVE.encode(),
        "query_string": b"",
        "headers": [],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)

    assert sent[0]["status"] == 400
