"""One deployment, many accounts: every request brings its own Wemasy token."""

from contextlib import AbstractContextManager

import anyio
import pytest

from api_document import SAVE_MEMORY
from support.held_api import Upstream
from support.processes import SECONDS, WAYS, ServerProcess, Way, connect, serving, transport_of
from support.program import TOKEN
from support.refusals import Refusal

HEADER = "X-Wemasy-Token"
SAVE = (SAVE_MEMORY.tool, {"kind": "fact"})


@pytest.mark.parametrize("way", WAYS)
async def test_each_call_uses_the_token_that_its_request_brings(way: Way, upstream: Upstream) -> None:
    with served(upstream, way) as server, anyio.fail_after(SECONDS):
        for token in ("1|of-anna", "2|of-bert"):
            headers = {HEADER: token, "Authorization": "Bearer for-this-server-only"}
            async with connect(server.url, way, headers) as client:
                await client.call_tool(*SAVE)
        server.terminate()
        server.wait()

    assert [headers["authorization"] for headers in upstream.headers] == ["Bearer 1|of-anna", "Bearer 2|of-bert"]
    assert not {HEADER.lower(), "for-this-server-only"} & {word for headers in upstream.headers for word in headers}
    assert "for-this-server-only" not in str(upstream.headers)
    for secret in ("of-anna", "of-bert", "for-this-server-only"):
        assert secret not in server.log


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("headers", [{}, {HEADER: "${WEMASY_API_TOKEN}"}], ids=["no token", "a placeholder"])
async def test_a_call_without_a_token_of_its_own_is_not_sent(
    way: Way, headers: dict[str, str], upstream: Upstream
) -> None:
    """Least of all with the operator's token, though one is set."""
    with served(upstream, way) as server, anyio.fail_after(SECONDS):
        async with connect(server.url, way, headers) as client:
            result = await client.call_tool(*SAVE)

    error = (result.structured_content or {})["error"]
    assert (error["code"], error["outcome"], HEADER in error["message"]) == ("not_configured", "not_applied", True)
    assert "restart" not in error["hint"]
    assert upstream.bodies == []


async def test_one_accounts_wait_is_not_anothers(upstream: Upstream) -> None:
    upstream.answer = (429, {"error": True, "message": "Too Many Attempts."}, {"Retry-After": "60"})
    with served(upstream, WAYS[0]) as server, anyio.fail_after(SECONDS):
        async with connect(server.url, WAYS[0], {HEADER: "1|of-anna"}) as client:
            for _ in range(2):
                await client.call_tool(*SAVE)
        sent_for_anna = len(upstream.bodies)
        async with connect(server.url, WAYS[0], {HEADER: "2|of-bert"}) as client:
            await client.call_tool(*SAVE)

    assert (sent_for_anna, len(upstream.bodies)) == (1, 2)


async def test_a_refused_token_is_the_users_to_replace(upstream: Upstream) -> None:
    upstream.answer = (401, {"error": True, "message": "Unauthenticated."}, {})
    with served(upstream, WAYS[0]) as server, anyio.fail_after(SECONDS):
        async with connect(server.url, WAYS[0], {HEADER: "1|of-anna"}) as client:
            result = await client.call_tool(*SAVE)

    error = (result.structured_content or {})["error"]
    assert (error["code"], error["status"], "WEMASY_API_TOKEN" in error["hint"]) == ("unauthenticated", 401, False)


@pytest.mark.parametrize("header", ["Authorization", "X Wemasy", "Mcp-Session-Id", "Cookie", "X_Wemasy"])
def test_a_header_that_means_something_else_is_refused(header: str, refusal: Refusal) -> None:
    assert "WEMASY_USER_TOKEN_HEADER" in refusal("--transport", "sse", WEMASY_USER_TOKEN_HEADER=header)


def served(upstream: Upstream, way: Way) -> AbstractContextManager[ServerProcess]:
    settings = {"WEMASY_BASE_URL": upstream.url, "WEMASY_USER_TOKEN_HEADER": HEADER, "WEMASY_API_TOKEN": TOKEN}
    return serving("--transport", transport_of(way), **settings)
