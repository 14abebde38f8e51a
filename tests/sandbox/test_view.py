"""What the page gets to see, and who may look."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from api_document import SAVE_MEMORY, UPDATE_CONNECTION
from sandbox.conftest import ORIGIN, Clock, client_of
from wemasy_mcp.sandbox import build_sandbox
from wemasy_mcp.sandbox.sandbox_command import for_loopback

SAVE = f"/api/{SAVE_MEMORY.path}"
UPDATE = f"/api/{UPDATE_CONNECTION.path}"
STATE, FAULTS, RECORDS = "/_sandbox/state", "/_sandbox/faults", "/_sandbox/records"


@pytest.fixture
async def guarded(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the sandbox as `wemasy-mcp sandbox` serves it."""
    async with client_of(for_loopback(app, 8900)) as opened:
        yield opened


async def test_a_call_is_seen(client: httpx2.AsyncClient, clock: Clock) -> None:
    before = (await client.get(STATE)).json()
    clock.seconds += 3
    await client.post(SAVE, json={"kind": "fact", "value": "<script>", "metadata": {"a": 1}, "key": None})
    after = (await client.get(STATE)).json()

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


async def test_what_another_process_writes_to_the_same_file_is_seen(tmp_path: Path) -> None:
    file = str(tmp_path / "sandbox.db")
    async with client_of(build_sandbox(file)) as client:
        before = (await client.get(STATE)).json()
        build_sandbox(file).state.store.create("memories", {"kind": "fact"})
        after = (await client.get(STATE)).json()

    assert (before["collections"][1]["count"], after["collections"][1]["count"]) == (0, 1)


async def test_a_record_can_be_read_whole(client: httpx2.AsyncClient) -> None:
    given = {"kind": "fact", "value": "long" * 1000, "metadata": {"deep": [[1]]}}
    await client.post(SAVE, json=given)

    assert (await client.get("/_sandbox/records/memories/1")).json() == {"id": 1, **given}


@pytest.mark.parametrize("path", ["memories/2", "memories/0", "memories/x", f"memories/{9**40}", "others/1"])
async def test_a_record_that_there_is_not_is_not_found(client: httpx2.AsyncClient, path: str) -> None:
    await client.post(SAVE, json={"kind": "fact"})

    answer = await client.get(f"/_sandbox/records/{path}")

    assert (answer.status_code, answer.json()) == (404, {"message": "There is no such record."})


async def test_emptied_it_holds_what_a_new_sandbox_does(client: httpx2.AsyncClient) -> None:
    new = (await client.get(STATE)).json()["collections"]
    await client.post(SAVE, json={"kind": "fact"})
    await client.post(UPDATE, json={"connection_id": 5, "name": "Renamed"})

    emptied = (await client.delete("/_sandbox/records")).json()

    assert emptied["collections"] == new
    assert len(emptied["requests"]) == 2
    assert (await client.post(SAVE, json={"kind": "fact"})).json()["data"]["id"] == 1


async def test_the_command_of_a_client_on_the_same_records_is_given_where_they_are_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    async with client_of(build_sandbox()) as alone, client_of(build_sandbox("a b.db")) as shared:
        commands = [(await client.get(STATE)).json()["shared_by"] for client in (alone, shared)]

    assert commands == [
        None,
        f"{sys.executable} -P -m wemasy_mcp --sandbox --sandbox-db '{tmp_path / 'a b.db'}'",
    ]


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
async def test_what_a_browser_shows_is_locked_down(guarded: httpx2.AsyncClient, path: str) -> None:
    answer = await guarded.get(path)

    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/_sandbox/page.js", STATE, SAVE, "/api/elsewhere"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8900", "127.0.0.1", "127.0.0.1:8901", "localhost:8900.evil.example", ""]
)
async def test_a_name_that_was_bound_to_loopback_reaches_nothing(
    app: Starlette, guarded: httpx2.AsyncClient, method: str, path: str, host: str
) -> None:
    answer = await guarded.request(method, path, json={"kind": "fact"}, headers={"Host": host})

    assert answer.status_code == 421
    assert app.state.store.count("memories") == 0
    assert (await guarded.get(STATE)).json()["requests"] == []


@pytest.mark.parametrize("host", ["localhost:8900", "[::1]:8900", "LOCALHOST:8900"])
async def test_every_name_of_loopback_reaches_it(guarded: httpx2.AsyncClient, host: str) -> None:
    assert (await guarded.post(SAVE, json={"kind": "fact"}, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:8900"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", FAULTS), ("POST", FAULTS), ("DELETE", FAULTS), ("DELETE", RECORDS), ("POST", SAVE)]
)
async def test_a_page_of_another_origin_cannot_drive_the_sandbox(
    app: Starlette, guarded: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    await guarded.post(FAULTS, json={"fault": "500"})
    await guarded.post(SAVE, json={"kind": "fact"})
    await guarded.post(FAULTS, json={"fault": "500"})

    answer = await guarded.request(method, path, content=b'{"fault":"401"}', headers=headers)

    assert answer.status_code == 403
    assert (await guarded.get(FAULTS)).json() == {"pending": [{"fault": "500", "count": 1}]}


@pytest.mark.parametrize("token", ["", "somebody-elses"])
async def test_a_call_without_a_token_of_the_sandbox_does_not_use_a_fault_up(app: Starlette, token: str) -> None:
    async with client_of(app, token) as stranger:
        await stranger.post(FAULTS, json={"fault": "500"})

        assert (await stranger.post(SAVE, json={"kind": "fact"})).status_code == 401
        assert (await stranger.get(FAULTS)).json() == {"pending": [{"fault": "500", "count": 1}]}


async def test_the_sandboxs_own_page_can(guarded: httpx2.AsyncClient) -> None:
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}

    assert (await guarded.post(FAULTS, json={"fault": "500"}, headers=headers)).status_code == 200


async def test_a_link_from_elsewhere_opens_the_page(guarded: httpx2.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert (await guarded.get("/", headers=headers)).status_code == 200


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
