"""Static tokens: who may call, and what the log shows of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx2
import pytest

from api_document import SAVE_MEMORY
from support.held_api import Upstream
from support.processes import SECONDS, WAYS, ServerProcess, Way, connect, endpoint_of, serving, transport_of
from support.program import TOKEN
from support.refusals import Refusal
from wemasy_mcp.settings import Settings
from wemasy_mcp.transports.http.auth.static_tokens import static_tokens

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
TOKENS = """\
# commented by anna

new-token-of-anna
  # another comment-of-anna
old-token-of-anna
bert: token-of-bert-himself
"""
PATHS = [("POST", "/mcp"), ("GET", "/sse"), ("POST", "/messages/")]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ServerProcess]]:
    file = tmp_path_factory.mktemp("secrets") / "tokens"
    file.write_text(TOKENS)
    with (
        serving(
            "--transport", "streamable-http", "--sandbox", WEMASY_SERVER_TOKEN="new-token-of-anna, old-token-of-anna"
        ) as streamable,
        serving("--transport", "sse", "--sandbox", WEMASY_SERVER_TOKEN_FILE=str(file)) as sse,
    ):
        yield {"/mcp": streamable, "/sse": sse, "/messages/": sse}


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer wrong",
        "Bearer commented",
        "Bearer #",
        "Bearer by",
        "Bearer bert:",
        "Bearer bert: token-of-bert-himself",
        "Bearer new-token-of-anna,old-token-of-anna",
        "Basic new-token-of-anna",
        "new-token-of-anna",
        "Bearer \u00e9",
    ],
)
def test_a_stranger_is_asked_for_a_token(
    method: str, path: str, authorization: str, servers: dict[str, ServerProcess]
) -> None:
    headers = {b"Authorization": authorization.encode()} if authorization else {}

    answer = httpx2.request(method, servers[path].origin + path, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("token", ["new-token-of-anna", "old-token-of-anna"])
async def test_every_token_that_was_given_out_is_taken(way: Way, token: str, servers: dict[str, ServerProcess]) -> None:
    server = servers["/sse" if way == "sse" else "/mcp"]
    with anyio.fail_after(SECONDS):
        async with connect(server.url, way, {"Authorization": f"Bearer {token}"}) as client:
            result = await client.call_tool(SAVE_MEMORY.tool, {"kind": "fact"})

    assert result.structured_content is not None
    assert result.structured_content["sandbox"] is True


async def test_a_session_is_closed_to_every_other_client(servers: dict[str, ServerProcess]) -> None:
    server = servers["/sse"]
    with anyio.fail_after(SECONDS):
        async with (
            httpx2.AsyncClient(base_url=server.origin) as http,
            http.stream("GET", "/sse", headers={"Authorization": "Bearer new-token-of-anna"}) as stream,
        ):
            endpoint = await endpoint_of(stream.aiter_lines())
            answer = await http.post(endpoint, json=LIST, headers={"Authorization": "Bearer old-token-of-anna"})

    assert answer.status_code == 404


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_client_presents_stays_here(way: Way, upstream: Upstream) -> None:
    """Neither the API nor the log learns the client's token; the log learns no session, argument or answer either."""
    with serving(
        "--transport",
        transport_of(way),
        "--log-level",
        "DEBUG",
        WEMASY_SERVER_TOKEN="a-secret-of-the-client",
        WEMASY_BASE_URL=upstream.url,
    ) as server:
        headers = {"Authorization": "Bearer a-secret-of-the-client", "Content-Type": "application/json"}
        with anyio.fail_after(SECONDS):
            async with connect(server.url, way, headers) as client:
                await client.call_tool(SAVE_MEMORY.tool, {"kind": "fact", "value": "private-value"})
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
    assert "a-secret-of-the-client" not in str(upstream.headers)
    assert "outcome=applied" in server.log
    for secret in (
        "a-secret-of-the-client",
        TOKEN,
        "private-value",
        "private-body",
        "0123456789abcdef",
        "forged",
        "session_id",
    ):
        assert secret not in server.log


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a-token-of-16-chars\n# a comment\ntwo words-of-a-token\n", "line 3 should hold one token"),
        ("a-token-of-16-chars # anna's\n", "line 1 should hold one token"),
        ("\n\nanna:\n", "line 3 should hold one token"),
        ("anna and bert: a-token-of-16-chars\n", "line 1 should hold one token"),
        ("a-token-of-16-chars,another-of-16-chars\n", "line 1 should hold one token"),
        ("anna: ${TOKEN_OF_ANNA}\n", "line 1 should hold one token"),
        ("fifteen-letters\n", "line 1 holds a token of fewer than 16 characters"),
        ("anna: fifteen-letters\n", "line 1 holds a token of fewer than 16 characters"),
        ("# nothing else\n", "holds no token"),
        ("a" * 70_000, "names a file of more than 65536 characters"),
    ],
)
def test_a_file_of_tokens_that_is_not_clear_is_refused(
    text: str, problem: str, refusal: Refusal, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)

    line = refusal("--transport", "sse", WEMASY_SERVER_TOKEN_FILE=str(file))

    assert "WEMASY_SERVER_TOKEN_FILE" in line
    assert problem in line
    assert not {"words-of", "a-token-of", "fifteen-letters"} & set(line.split())


async def test_tokens_are_rotated_without_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "tokens"
    file.write_text("\ufeffanna: first-token-of-anna\r\nfirst-token-of-nobody\r\n", encoding="utf-8")
    tokens = static_tokens(Settings(server_token_file=file))
    assert tokens is not None

    async def clients() -> list[str | None]:
        presented = [f"{time}-token-of-{who}" for who in ("anna", "nobody") for time in ("first", "second")]
        found = [await tokens.verify_token(token) for token in presented]
        return [client.client_id if client else None for client in found]

    before = await clients()
    file.write_text("anna: first-token-of-anna\nanna: second-token-of-anna\nsecond-token-of-nobody\n")
    rotated = await clients()
    file.write_text("anna: tw")
    unusable = await clients()
    file.unlink()
    gone = await clients()

    assert before == ["anna", None, "token-2", None]
    # A session belongs to its client: no other token ever takes over the number of one that is gone.
    assert rotated == ["anna", "anna", None, "token-4"]
    assert unusable == gone == rotated
    assert [record.levelname for record in caplog.records if "WEMASY_SERVER_TOKEN_FILE" in record.message] == [
        "WARNING"
    ]
    assert "tw" not in caplog.text.split()


async def test_a_pipe_of_tokens_is_read_once() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a-token-that-came-by-pipe\n")
    os.close(writing)
    tokens = static_tokens(Settings(server_token_file=Path(f"/dev/fd/{reading}")))
    os.close(reading)

    assert tokens is not None
    assert await tokens.verify_token("a-token-that-came-by-pipe") is not None
