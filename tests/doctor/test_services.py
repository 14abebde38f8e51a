"""`wemasy-mcp doctor` on what a server stands on besides the API: Redis, and the keys of the issuer of tokens."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from anyio.from_thread import start_blocking_portal

from support.answers import answer
from support.fake_api import FakeApi, answering
from support.issuer import AUDIENCE, ISSUER, Issuer
from support.listener import Connection, accepting
from support.redis_server import RedisServer, needs_redis, redis_running
from wemasy_mcp.cli import run

NOWHERE = "http://127.0.0.1:1/api"
Examine = Callable[..., dict[str, tuple[str, str, str]]]


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_running() as server:
        yield server


@pytest.fixture
def examine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Examine:
    """Runs `doctor --json` with these variables and returns its checks."""

    def examined(**environment: str) -> dict[str, tuple[str, str, str]]:
        for name in [name for name in os.environ if name.startswith("WEMASY_")]:
            monkeypatch.delenv(name)
        for name, value in {
            "WEMASY_API_TOKEN": "7|a-token-of-no-account",
            "WEMASY_BASE_URL": NOWHERE,
            **environment,
        }.items():
            monkeypatch.setenv(name, value)
        run(["doctor", "--json"])
        checks = json.loads(capsys.readouterr().out)["checks"]
        return {check["name"]: (check["result"], check["found"], check["advice"]) for check in checks}

    return examined


@needs_redis
def test_a_redis_that_answers_is_fine(redis: RedisServer, examine: Examine) -> None:
    before = redis.keys()

    result, found, _ = examine(WEMASY_REDIS_URL=redis.url)["Redis"]

    assert result == "ok"
    assert found.startswith("7.") or int(found.partition(".")[0]) > 7
    assert redis.keys() == before


def test_a_redis_that_is_not_there_is_said(examine: Examine) -> None:
    result, found, advice = examine(WEMASY_REDIS_URL="redis://127.0.0.1:1")["Redis"]

    assert result == "failed"
    assert found.startswith("ConnectionError: Error 111 connecting to 127.0.0.1:1.")
    assert "WEMASY_REDIS_URL" in advice


@needs_redis
def test_a_replica_of_redis_is_not_enough(redis: RedisServer, examine: Examine) -> None:
    with redis_running() as other:
        other.follow(redis)

        result, found, advice = examine(WEMASY_REDIS_URL=other.url)["Redis"]

    assert (result, advice) == ("failed", "Give the address of the primary.")
    assert "is a read-only replica" in found


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("redis_version:7.4.1\r\nredis_mode:cluster\r\nrole:master", "in mode cluster"),
        ("redis_version:26.1\r\nredis_mode:sentinel\r\nrole:sentinel", "in mode sentinel"),
        ("redis_version:6.2.0\r\nredis_mode:standalone\r\nrole:master", "6.2.0"),
        ("redis_version:seven\r\nredis_mode:standalone\r\nrole:master", "seven"),
        ("nothing of the kind", "None"),
    ],
)
def test_what_else_may_answer_there_is_told_apart(said: str, found: str, examine: Examine) -> None:
    def respond(asked: bytes) -> bytes:
        if b"INFO" in asked and b"SETINFO" not in asked:
            return f"${len(said)}\r\n{said}\r\n".encode()
        return b"+PONG\r\n" * asked.count(b"PING") + b"+OK\r\n" * asked.count(b"SETINFO")

    with talking(respond) as port:
        result, shown, _ = examine(WEMASY_REDIS_URL=f"redis://127.0.0.1:{port}")["Redis"]

    assert result == "failed"
    assert found in shown


def test_a_redis_that_is_too_far_away_is_said(examine: Examine) -> None:
    said = "redis_version:8.0.1\r\nredis_mode:standalone\r\nrole:master"

    def respond(asked: bytes) -> bytes:
        if b"INFO" in asked and b"SETINFO" not in asked:
            time.sleep(0.15)
            return f"${len(said)}\r\n{said}\r\n".encode()
        return b"+PONG\r\n" * asked.count(b"PING") + b"+OK\r\n" * asked.count(b"SETINFO")

    with talking(respond) as port:
        result, _, advice = examine(WEMASY_REDIS_URL=f"redis://127.0.0.1:{port}")["Redis"]

    assert (result, advice) == ("failed", "A call waits 0.1 s at most: use a Redis that is closer.")


@contextmanager
def talking(respond: Callable[[bytes], bytes]) -> Iterator[int]:
    """Answer whatever comes on a loopback port, in a thread."""

    async def converse(connection: Connection) -> None:
        while True:
            await connection.send(respond(await connection.receive()))

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(accepting(converse)) as port:
        yield port


def issuer_settings(url: str) -> dict[str, str]:
    return {
        "WEMASY_TRANSPORT": "sse",
        "WEMASY_AUTH_ISSUER": ISSUER,
        "WEMASY_AUTH_AUDIENCE": AUDIENCE,
        "WEMASY_AUTH_JWKS_URL": f"{url}/keys",
    }


def test_the_issuers_keys_are_fetched(examine: Examine) -> None:
    with FakeApi(answering(answer(200, Issuer().public_keys()))).in_thread() as keys:
        assert examine(**issuer_settings(keys.url))["keys"][0] == "ok"


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (404, {}, "the answer has status 404"),
        (200, {"keys": []}, "none of the keys there signs tokens"),
        (200, {"issuer": "x"}, "the answer is not a JSON Web Key Set"),
    ],
)
def test_keys_that_nobody_could_be_let_in_with_are_said(
    status: int, body: dict[str, object], found: str, examine: Examine
) -> None:
    with FakeApi(answering(answer(status, body))).in_thread() as keys:
        result, shown, advice = examine(**issuer_settings(keys.url))["keys"]

    assert result == "failed"
    assert found in shown
    assert "jwks_uri" in advice
