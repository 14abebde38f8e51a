"""60 requests a minute for each token, as Laravel counts them."""

import httpx2
import pytest
from starlette.applications import Starlette

from api_document import SAMPLE_ERRORS, SAVE_MEMORY
from sandbox.conftest import Clock, client_of
from wemasy_mcp.sandbox import FORBIDDEN_TOKEN, REJECTED_TOKEN, SANDBOX_TOKEN

SAVE = f"/api/{SAVE_MEMORY.path}"
FACT = {"kind": "fact"}


async def _spend(client: httpx2.AsyncClient, times: int) -> list[int]:
    return [(await client.post(SAVE, json=FACT)).status_code for _ in range(times)]


async def test_the_61st_request_of_a_minute_is_refused_until_the_minute_is_over(
    client: httpx2.AsyncClient, clock: Clock
) -> None:
    assert await _spend(client, 60) == [200] * 60

    clock.seconds += 17.5
    refused = await client.post(SAVE, json=FACT)
    body, _ = SAMPLE_ERRORS[429]
    assert refused.status_code == 429
    assert refused.json() == body
    assert refused.headers["Retry-After"] == "43"
    assert refused.headers["X-RateLimit-Limit"] == "60"
    assert refused.headers["X-RateLimit-Remaining"] == "0"

    clock.seconds += int(refused.headers["Retry-After"])
    allowed = await client.post(SAVE, json=FACT)
    assert allowed.status_code == 200
    assert allowed.headers["X-RateLimit-Remaining"] == "59"


async def test_a_refused_request_saves_nothing_and_does_not_prolong_the_wait(
    app: Starlette, client: httpx2.AsyncClient, clock: Clock
) -> None:
    await _spend(client, 60)
    clock.seconds += 59

    assert await _spend(client, 5) == [429] * 5
    assert (await client.post(SAVE, json=FACT)).headers["Retry-After"] == "1"
    assert app.state.store.count("memories") == 60


async def test_a_refused_value_counts_too(client: httpx2.AsyncClient) -> None:
    await client.post(SAVE, json={})

    assert (await client.post(SAVE, json=FACT)).headers["X-RateLimit-Remaining"] == "58"


async def test_each_ready_made_token_has_its_own_minute_and_all_others_share_one(app: Starlette) -> None:
    left: dict[str, str] = {}
    for token in (SANDBOX_TOKEN, REJECTED_TOKEN, FORBIDDEN_TOKEN, "another", "yet-another", ""):
        async with client_of(app, token) as client:
            left[token] = (await client.post(SAVE, json=FACT)).headers["X-RateLimit-Remaining"]

    assert list(left.values()) == ["59", "59", "59", "59", "58", "57"]


@pytest.mark.parametrize("token", [REJECTED_TOKEN, FORBIDDEN_TOKEN])
async def test_a_token_that_is_refused_uses_up_its_minute(app: Starlette, token: str) -> None:
    async with client_of(app, token) as client:
        await _spend(client, 60)

        assert (await client.post(SAVE, json=FACT)).status_code == 429
