"""Failures on order."""

from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from starlette.applications import Starlette

from api_document import OPERATIONS, SAMPLE_ERRORS, SAVE_MEMORY, UPDATE_CONNECTION, Operation
from sandbox.conftest import client_of
from wemasy_mcp.sandbox import SANDBOX_TOKEN
from wemasy_mcp.sandbox.silence import AnswerLostError

FAULTS = "/_sandbox/faults"
SAVE = f"/api/{SAVE_MEMORY.path}"
UPDATE = f"/api/{UPDATE_CONNECTION.path}"
FACT = {"kind": "fact"}


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_documented_failure_has_its_documented_form(
    app: Starlette, client: httpx2.AsyncClient, status: int
) -> None:
    await client.post(FAULTS, json={"fault": str(status)})

    answer = await client.post(SAVE, json=FACT)

    body, headers = SAMPLE_ERRORS[status]
    assert answer.status_code == status
    assert answer.json() == body
    assert {
        name for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After") if name in answer.headers
    } == (set(headers))
    assert app.state.store.count("memories") == 0
    assert (await client.post(SAVE, json=FACT)).status_code == 200


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool)
async def test_a_refused_value_is_one_of_the_operations_own_fields(
    client: httpx2.AsyncClient, operation: Operation
) -> None:
    await client.post(FAULTS, json={"fault": "422"})

    answer = await client.post(f"/api/{operation.path}", json=operation.sample_request)

    field = operation.fields[0].name
    message = f"The selected {field.replace('_', ' ')} is invalid."
    assert answer.status_code == 422
    assert answer.json() == {"message": message, "errors": {field: [message]}}


async def test_a_server_error_saves_nothing(app: Starlette, client: httpx2.AsyncClient) -> None:
    await client.post(FAULTS, json={"fault": "500"})

    answer = await client.post(SAVE, json=FACT)

    assert (answer.status_code, answer.json()) == (500, {"message": "Server Error"})
    assert app.state.store.count("memories") == 0


async def test_too_many_requests_ask_for_the_chosen_wait(client: httpx2.AsyncClient) -> None:
    await client.post(FAULTS, json={"fault": "429", "retry_after": 7})

    answer = await client.post(SAVE, json=FACT)

    assert answer.headers["Retry-After"] == "7"
    assert answer.headers["X-RateLimit-Remaining"] == "0"


async def test_a_lost_answer_was_carried_out(app: Starlette, client: httpx2.AsyncClient) -> None:
    await client.post(FAULTS, json={"fault": "lost_answer"})

    with pytest.raises(AnswerLostError):
        await client.post(UPDATE, json={"connection_id": 5, "name": "Renamed"})

    assert app.state.store.find("connections", 5)["name"] == "Renamed"


async def test_an_answer_that_never_comes_comes_not_and_nothing_is_done(
    app: Starlette, client: httpx2.AsyncClient
) -> None:
    await client.post(FAULTS, json={"fault": "timeout"})

    with anyio.fail_after(20):
        async with anyio.create_task_group() as calling:
            calling.start_soon(_lose, client)
            while (await client.get("/_sandbox/state")).json()["requests"] == []:
                await anyio.lowlevel.checkpoint()
            app.state.stop()

    assert app.state.store.count("memories") == 0


async def _lose(client: httpx2.AsyncClient) -> None:
    with pytest.raises(AnswerLostError):
        await client.post(SAVE, json=FACT)


async def test_calls_get_the_faults_in_the_order_they_were_ordered(client: httpx2.AsyncClient) -> None:
    await client.post(FAULTS, json={"fault": "500", "count": 2})
    ordered = await client.post(FAULTS, json={"fault": "429", "retry_after": 7})

    assert ordered.json() == {"pending": [{"fault": "500", "count": 2}, {"fault": "429", "count": 1, "retry_after": 7}]}
    assert [(await client.post(SAVE, json=FACT)).status_code for _ in range(4)] == [500, 500, 429, 200]
    assert (await client.get(FAULTS)).json() == {"pending": []}


async def test_faults_can_be_cleared(client: httpx2.AsyncClient) -> None:
    await client.post(FAULTS, json={"fault": "500", "count": 2})

    assert (await client.delete(FAULTS)).json() == {"pending": []}
    assert (await client.post(SAVE, json=FACT)).status_code == 200


async def test_a_used_up_minute_leaves_the_faults_pending(client: httpx2.AsyncClient) -> None:
    for _ in range(60):
        await client.post(SAVE, json=FACT)
    await client.post(FAULTS, json={"fault": "500"})

    assert (await client.post(SAVE, json=FACT)).status_code == 429
    assert len((await client.get(FAULTS)).json()["pending"]) == 1


@pytest.mark.parametrize(
    ("order", "field"),
    [
        pytest.param({"fault": "418"}, "fault", id="unknown"),
        pytest.param({}, "fault", id="none"),
        pytest.param({"fault": "500", "count": 0}, "count", id="no calls"),
        pytest.param({"fault": "500", "count": 101}, "count", id="too many calls"),
        pytest.param({"fault": "500", "count": "2"}, "count", id="count as text"),
        pytest.param({"fault": "429", "retry_after": -1}, "retry_after", id="in the past"),
        pytest.param({"fault": "500", "other": 1}, "other", id="unknown member"),
        pytest.param([], "body", id="no object"),
    ],
)
async def test_an_order_that_cannot_be_met_is_refused(client: httpx2.AsyncClient, order: Any, field: str) -> None:
    answer = await client.post(FAULTS, json=order)

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert (await client.get(FAULTS)).json() == {"pending": []}


async def test_pending_faults_are_bounded_and_none_of_an_order_too_many_is_taken(client: httpx2.AsyncClient) -> None:
    await client.post(FAULTS, json={"fault": "500", "count": 60})
    answer = await client.post(FAULTS, json={"fault": "500", "count": 60})

    assert answer.status_code == 422
    assert (await client.get(FAULTS)).json() == {"pending": [{"fault": "500", "count": 60}]}


async def test_an_order_without_end_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.post(FAULTS, content=b" " * 9_000_000)

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["body"])


async def test_a_caller_who_hangs_up_on_silence_ends_it(app: Starlette) -> None:
    """Where the server can close the connection, the call ends without an error."""
    async with client_of(app) as client:
        await client.post(FAULTS, json={"fault": "timeout"})
    closed: list[bool] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": SAVE,
        "raw_path": SAVE.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {SANDBOX_TOKEN}".encode())],
        "state": {"hang_up": lambda: closed.append(True)},
    }
    # Servers may say the same again before they see that the caller has gone.
    messages = [{"type": "http.request", "body": b"", "more_body": False}] * 2

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    with anyio.fail_after(20):
        await app(scope, receive, send)

    assert closed == [True]
