"""What an operator reads over HTTP: who did what, what was refused, the start and the stop. JSON without a secret."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

import wemasy_mcp
from support.processes import SECONDS, WAYS, ServerProcess, Way, connect, serving
from support.program import TOKEN
from support.wire import SAVE, Era, Recorded, client_over, server_over
from support.wire import connect as connect_in_memory
from wemasy_mcp.cli import run
from wemasy_mcp.transports.http.refusal_log import MAX_LINES

PRIVATE = "a-private-text"
ALICE, BERT = "token-of-alice-herself", "token-of-bert-himself"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    file = tmp_path_factory.mktemp("secrets") / "tokens"
    file.write_text(f"alice: {ALICE}\nbert: {BERT}\n")
    arguments = ("--transport", "streamable-http", "--sandbox", "--log-format", "json")
    with serving(*arguments, WEMASY_SERVER_TOKEN_FILE=str(file), WEMASY_ALLOWED_HOSTS="test") as running:
        yield running


def lines(server: ServerProcess, member: str, value: object, count: int = 1) -> list[dict[str, Any]]:
    """Return the lines in which `member` is `value`, once so many have come: they are written a moment later."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = [line for line in map(json.loads, list(server.stderr)) if line.get(member) == value]
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError(server.log)


@pytest.mark.parametrize("way", WAYS[:2])
async def test_a_call_says_who_made_it(way: Way, server: ServerProcess) -> None:
    with anyio.fail_after(SECONDS):
        for token in (ALICE, BERT):
            headers = {"Authorization": f"Bearer {token}", "Host": "test", "User-Agent": "desk/7"}
            async with connect(server.url, way, headers) as client:
                await client.call_tool(SAVE, {"kind": "fact", "value": PRIVATE})

    alice, bert = lines(server, "code", "ok", 2 if way == WAYS[0] else 4)[-2:]
    assert (alice["subject"], bert["subject"]) == ("alice", "bert")
    # Without a session, a client of the 2025 era names itself in its first request only.
    assert alice["client"].startswith("mcp/" if way == WAYS[0] else "desk/7")
    assert alice["request_id"] != bert["request_id"]
    assert (alice["severity"], alice["replica"]) == ("INFO", bert["replica"])


@pytest.mark.parametrize(
    ("status", "error", "method", "path", "headers"),
    [
        (401, "authentication_required", "POST", "/mcp", {"Authorization": ""}),
        (401, "invalid_token", "POST", "/mcp", {"Authorization": "Bearer a-token-of-nobody"}),
        (403, "forbidden_origin", "POST", "/mcp", {"Origin": "https://evil.example"}),
        (404, "not_found", "GET", "/mcp/elsewhere?key=a-private-text", {}),
        (405, "method_not_allowed", "GET", "/mcp", {}),
        (406, "not_acceptable", "POST", "/mcp", {"Accept": "image/png"}),
        (413, None, "POST", "/mcp", {}),
        (421, "misdirected_request", "POST", "/mcp", {"Host": "evil.example"}),
    ],
)
def test_a_refusal_is_one_line(
    status: int, error: str | None, method: str, path: str, headers: dict[str, str], server: ServerProcess
) -> None:
    given = {
        "Content-Type": "application/json",
        "Host": "test",
        "Authorization": f"Bearer {ALICE}",
        "User-Agent": f"{status} {error}",
        **headers,
    }
    sent = b" " * 5 * 2**20 if status == 413 else json.dumps(LIST).encode()
    answer = httpx2.request(method, server.origin + path, headers=given, content=sent)

    (line,) = lines(server, "client", f"{status} {error}")
    assert answer.status_code == line["status"] == status
    assert error in {line.get("error"), None}
    assert (line["message"], line["method"], line["peer"]) == ("refused", method, "127.0.0.1")
    assert line["path"] == path.partition("?")[0]


def test_a_flood_of_refusals_is_counted_instead_of_logged(server: ServerProcess) -> None:
    time.sleep(1)
    with httpx2.Client() as client:
        for _ in range(MAX_LINES + 40):
            client.get(server.origin, headers={"User-Agent": "flood", "Host": "test"})

    counted = lines(server, "severity", "WARNING")
    logged = lines(server, "client", "flood", MAX_LINES)
    assert sum(line["more"] for line in counted) + len(logged) >= MAX_LINES + 40
    assert len(logged) <= 3 * MAX_LINES


def test_start_configuration_and_stop_are_lines_without_a_secret(tmp_path: Path) -> None:
    with serving(
        *("--transport", "streamable-http", "--log-format", "json"),
        WEMASY_SERVER_TOKEN=ALICE,
        WEMASY_REDIS_URL=f"redis://:{PRIVATE}@127.0.0.1:1",
        WEMASY_TOOLS=SAVE,
    ) as server:
        server.terminate()
        assert server.wait() == 0

    configuration, started, stopping, stopped = (
        line for line in map(json.loads, server.stderr) if line["severity"] == "INFO"
    )
    assert configuration["message"] == "configuration"
    assert configuration["version"] == wemasy_mcp.__version__
    assert (configuration["clients"], configuration["redis"], configuration["tools"]) == ("static tokens", True, SAVE)
    assert started["message"] == f"serving MCP at {server.url}"
    assert stopping["message"].startswith("stopping")
    assert stopped["message"] == "stopped"
    assert not [secret for secret in (PRIVATE, ALICE, TOKEN) if secret in server.log]


@pytest.mark.parametrize("arguments", [("--log-format", "json"), ()])
def test_a_start_that_fails_says_so_in_the_form_of_the_log(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WEMASY_API_TOKEN", raising=False)

    assert run(["--transport", "sse", *arguments]) == 2

    (said,) = capfd.readouterr().err.splitlines()
    if not arguments:
        assert said.startswith("wemasy-mcp: WEMASY_API_TOKEN is not set")
        return
    line = json.loads(said)
    assert line["message"].startswith("not started: WEMASY_API_TOKEN is not set")
    assert line["severity"] == line["level"] == "CRITICAL"


async def test_the_user_of_an_access_token_is_named_with_the_client_it_was_issued_to(
    recorded: Recorded, era: Era, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="wemasy_mcp")
    client = AccessToken(token="", client_id="desk\n", scopes=[], subject=f"anna\u202e{'a' * 1000}")
    auth_context_var.set(AuthenticatedUser(client))
    async with connect_in_memory(server_over(client_over(recorded)), era) as mcp:
        await mcp.call_tool(SAVE, {"kind": "fact"})

    (call,) = (vars(record)["members"] for record in caplog.records if "members" in vars(record))
    assert (call["client_id"], call["subject"]) == ("desk\n", f"anna{'a' * 195}…")
    assert r'client_id="desk\n"' in caplog.messages[-1]


async def test_a_log_that_is_not_wanted_costs_no_line(recorded: Recorded, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR", logger="wemasy_mcp")
    async with connect_in_memory(server_over(client_over(recorded)), "2026") as mcp:
        await mcp.call_tool(SAVE, {"kind": "fact"})

    assert caplog.records == []
