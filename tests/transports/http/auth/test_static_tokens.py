"""Static tokens: who may call, and what the log shows of it."""

from collections.abc import Iterator

import anyio
import httpx2
import pytest

from support.held_api import Upstream
from support.processes import SECONDS, TOKEN, WAYS, ServerProcess, Way, connect, endpoint_of, serving, transport_of

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
PATHS = [("POST", "/mcp"), ("GET", "/sse"), ("POST", "/messages/")]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServerProcess]]:
    file = tmp_path_factory.mktemp("secrets") / "tokens"
    file.write_text("new-token\nold-token\n")
    with (
        serving(
            "--transport", "streamable-http", "--sandbox", WEMASY_SERVER_TOKEN="new-token, old-token"
        ) as streamable,
        serving("--transport", "sse", "--sandbox", WEMASY_SERVER_TOKEN_FILE=str(file)) as sse,
    ):
        yield {"/mcp": streamable, "/sse": sse, "/messages/": sse}


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer wrong", "Bearer new-token,old-token", "Basic new-token", "new-token", "Bearer \u00e9"],
)
def test_a_stranger_is_asked_for_a_token(
    method: str, path: str, authorization: str, servers: dict[str, ServerProcess]
) -> None:
    headers = {b"Authorization": authorization.encode()} if authorization else {}

    answer = httpx2.request(method, servers[path].origin + path, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("token", ["new-token", "old-token"])
async def test_every_token_that_was_given_out_is_taken(way: Way, token: str, servers: dict[str, ServerProcess]) -> None:
    server = servers["/sse" if way == "sse" else "/mcp"]
    with anyio.fail_after(SECONDS):
        async with connect(server.url, way, {"Authorization": f"Bearer {token}"}) as client:
            result = await client.call_tool("wemasy_save_memory", {"kind": "fact"})

    assert result.structured_content is not None
    assert result.structured_content["sandbox"] is True


async def test_a_session_is_closed_to_every_other_client(servers: dict[str, ServerProcess]) -> None:
    server = servers["/sse"]
    with anyio.fail_after(SECONDS):
        async with (
            httpx2.AsyncClient(base_url=server.origin) as http,
            http.stream("GET", "/sse", headers={"Authorization": "Bearer new-token"}) as stream,
        ):
            endpoint = await endpoint_of(stream.aiter_lines())
            answer = await http.post(endpoint, json=LIST, headers={"Authorization": "Bearer old-token"})

    assert answer.status_code == 404


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_client_presents_stays_here(way: Way, upstream: Upstream) -> None:
    """Neither the API nor the log learns the client's token; the log learns no session, argument or answer either."""
    with serving(
        "--transport",
        transport_of(way),
        "--log-level",
        "DEBUG",
        WEMASY_SERVER_TOKEN="client-secret",
        WEMASY_BASE_URL=upstream.url,
    ) as server:
        headers = {"Authorization": "Bearer client-secret", "Content-Type": "application/json"}
        with anyio.fail_after(SECONDS):
            async with connect(server.url, way, headers) as client:
                await client.call_tool("wemasy_save_memory", {"kind": "fact", "value": "private-value"})
            async with httpx2.AsyncClient(base_url=server.origin, headers=headers) as http:
                for path in (
                    "/messages/?session_id=0123456789abcdef0123456789abcdef",
                    "/messages/?session_id=%0Aforged",
                ):
                    await http.post(path, content=b"private-body")
                await http.post("/mcp", content=b'{"private-body"', headers={"Mcp-Session-Id": "0123456789abcdef"})
        server.terminate()

        assert server.wait() == 0
    assert upstream.headers[0]["authorization"] == f"Bearer {TOKEN}"
    assert "client-secret" not in str(upstream.headers)
    assert "outcome=applied" in server.log
    for secret in ("client-secret", TOKEN, "private-value", "private-body", "0123456789abcdef", "forged", "session_id"):
        assert secret not in server.log
