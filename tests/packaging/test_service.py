"""Fifty users with OAuth on the shipped set-up: two replicas, nginx and Redis, while one thing after another changes.

What is started is what deploy/ says: nginx.conf as it is, Redis with its options and the replicas with their
environment from compose.yaml and compose.oauth.yaml. Only addresses and folders are the test's own.
"""

import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError

from support.answers import answer
from support.dockerfile import ROOT
from support.fake_api import Connection, FakeApi, Request
from support.issuer import AUDIENCE, ISSUER, Issuer
from support.nginx import needs_nginx, nginx_in_front
from support.processes import WAYS, ServerProcess, connect, serving
from support.redis_server import RedisServer, needs_redis, redis_running
from support.relay import Relay, relaying
from wemasy_mcp.transports.http.auth.jwks import PAUSE_SECONDS

pytestmark = [pytest.mark.cluster, needs_nginx, needs_redis]

USERS = 50
CALLS = 3
"""Of each user, between one event and the next."""

SECONDS = 85
HOST = "mcp.example.com"
OLD_TOKEN, NEW_TOKEN = "7|the-first-token-of-the-account", "8|the-second-token-of-the-account"


class Wemasy(FakeApi):
    """Saves each memory under a number of its own, for whoever has an account's token."""

    def __init__(self) -> None:
        super().__init__(self._save)
        self.records: dict[int, str] = {}
        self.tokens: list[str] = []

    async def _save(self, request: Request, connection: Connection) -> None:
        number = 800 + len(self.records)
        self.records[number] = request.key
        self.tokens.append(request.headers["authorization"])
        await anyio.sleep(0.02)
        data = {"id": number, "kind": "fact", "key": request.key}
        await connection.send(answer(200, {"success": True, "data": data}))


class Keys(FakeApi):
    """Publishes the issuer's keys."""

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(self._publish)
        self._issuer = issuer
        self.ids: tuple[str, ...] = ("rsa",)

    async def _publish(self, request: Request, connection: Connection) -> None:
        await connection.send(answer(200, self._issuer.public_keys(ids=self.ids)))


@dataclass
class Service:
    url: str
    wemasy: Wemasy
    keys: Keys
    issuer: Issuer
    replicas: list[ServerProcess]
    primaries: list[RedisServer]
    relay: Relay
    api_token: Path
    told: dict[str, str] = field(default_factory=dict)
    """What each call was told, by the key that it saves: the record's number, an error's code, or `no answer`."""
    _midst: anyio.Event = field(default_factory=anyio.Event)
    _midst_at: int = 0
    _connected: int = 0
    _all_connected: anyio.Event = field(default_factory=anyio.Event)

    async def phase(self, name: str, key: str, event: Callable[[], Any]) -> None:
        """Let every user make some calls, all at the same time, and let something happen in their midst."""
        self._midst, self._midst_at = anyio.Event(), len(self.told) + USERS * CALLS // 3
        self._connected, self._all_connected = 0, anyio.Event()

        async def happen() -> None:
            await self._midst.wait()
            await anyio.to_thread.run_sync(event)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(happen)
            for number in range(USERS):
                tasks.start_soon(self._be_user, f"user-{number}", name, key, number)

    async def _be_user(self, user: str, phase: str, key: str, number: int) -> None:
        token = self.issuer.token(key, {"rsa": "RS256", "ec": "ES256"}[key], sub=user, client_id="desk")
        headers = {"Authorization": f"Bearer {token}", "Host": HOST}
        async with connect(self.url, WAYS[number % 2], headers) as client:
            self._connected += 1
            if self._connected == USERS:
                self._all_connected.set()
            await self._all_connected.wait()
            for call in range(CALLS):
                saved = f"{user} {phase} {call}"
                try:
                    result = await client.call_tool("wemasy_save_memory", {"kind": "fact", "key": saved})
                except MCPError:
                    self.told[saved] = "no answer"
                else:
                    content = result.structured_content or {}
                    self.told[saved] = str(content["data"]["id"] if content["success"] else content["error"]["code"])
                if len(self.told) >= self._midst_at:
                    self._midst.set()

    def lines(self) -> list[dict[str, Any]]:
        """What the replicas have logged."""
        return [json.loads(line) for replica in self.replicas for line in replica.stderr]


def shipped_environment() -> dict[str, str]:
    """The environment of a replica, as compose.oauth.yaml changes compose.yaml."""
    texts = [(ROOT / "deploy" / name).read_text() for name in ("compose.yaml", "compose.oauth.yaml")]
    found = dict(re.findall(r"^    (WEMASY_\w+): (.*)$", "\n".join(texts), re.MULTILINE))
    return {name: "" if value == '""' else value for name, value in found.items()}


def shipped_redis_options() -> list[str]:
    (command,) = re.findall(r'command: (\["redis-server".*\])', (ROOT / "deploy" / "compose.yaml").read_text())
    options: list[str] = json.loads(command)
    return options[1:]


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[Service]:
    issuer = Issuer()
    api_token = folder / "api-token"
    api_token.write_text(OLD_TOKEN)
    folder.joinpath("nginx").mkdir()
    with ExitStack() as running:
        wemasy, keys = running.enter_context(Wemasy().in_thread()), running.enter_context(Keys(issuer).in_thread())
        primaries = [running.enter_context(redis_running(*shipped_redis_options())) for _ in range(2)]
        async with relaying(primaries[0].port) as relay:
            own = {
                "WEMASY_BASE_URL": wemasy.url,
                "WEMASY_API_TOKEN": "",
                "WEMASY_API_TOKEN_FILE": str(api_token),
                "WEMASY_ALLOWED_HOSTS": HOST,
                "WEMASY_REDIS_URL": relay.url("redis"),
                "WEMASY_AUTH_ISSUER": ISSUER,
                "WEMASY_AUTH_AUDIENCE": AUDIENCE,
                "WEMASY_AUTH_JWKS_URL": f"{keys.url}/keys",
                "WEMASY_AUTH_SCOPES": "",
            }
            shipped = shipped_environment()
            assert set(own) - {"WEMASY_BASE_URL", "WEMASY_API_TOKEN"} <= set(shipped)
            replicas = [
                await anyio.to_thread.run_sync(
                    running.enter_context, serving("--transport", "streamable-http", **shipped | own)
                )
                for _ in range(2)
            ]
            url = running.enter_context(nginx_in_front([it.port for it in replicas], folder / "nginx"))
            yield Service(url, wemasy, keys, issuer, replicas, primaries, relay, api_token)


async def test_fifty_users_are_served_whatever_changes_and_the_log_says_who_saved_what(tmp_path: Path) -> None:
    with anyio.fail_after(SECONDS):
        async with service(tmp_path) as it:

            def fail_redis_over() -> None:
                it.primaries[1].follow(it.primaries[0])
                it.primaries[1].lead()
                it.primaries[0].follow(it.primaries[1])
                it.relay.target = it.primaries[1].port

            def rotate_the_api_token() -> None:
                it.api_token.write_text(NEW_TOKEN)

            def publish_a_second_key() -> None:
                it.keys.ids = ("rsa", "ec")

            def kill_a_replica() -> None:
                it.replicas[0].process.kill()
                it.replicas[0].wait()

            await it.phase("redis fails over", "rsa", fail_redis_over)
            fetched = time.monotonic()
            await it.phase("the API token is rotated", "rsa", rotate_the_api_token)
            rotated_at = len(it.wemasy.tokens)
            await it.phase("a key is published", "rsa", publish_a_second_key)
            # A key is signed with once it has been published for a while, or its first tokens are answered 503.
            await anyio.sleep(fetched + PAUSE_SECONDS + 1 - time.monotonic())
            await it.phase("the key is changed", "ec", lambda: None)
            await it.phase("a replica is killed", "ec", kill_a_replica)
            await it.phase("afterwards", "ec", lambda: None)
            with anyio.move_on_after(1):
                await anyio.sleep_forever()  # what is logged is written a moment later
            lines = it.lines()

    assert len(it.told) == USERS * CALLS * 6
    written = Counter(it.wemasy.records.values())
    assert set(written.values()) == {1}
    unanswered = {key for key, told in it.told.items() if not told.isdigit()}
    # Whose replica was killed in the midst of a call was told so, and nothing else was lost.
    assert {it.told[key] for key in unanswered} <= {"no answer"}
    assert all("a replica is killed" in key for key in unanswered)
    assert len(unanswered) <= USERS
    assert set(it.told) - unanswered <= set(written)
    assert set(it.wemasy.tokens[rotated_at:]) == {f"Bearer {NEW_TOKEN}"}
    _check_log(it, lines)


def _check_log(it: Service, lines: list[dict[str, Any]]) -> None:
    who = {line["record"]: line["subject"] for line in lines if "record" in line}
    for number, key in it.wemasy.records.items():
        # A process that is killed takes the lines of its last moment along.
        if "a replica is killed" not in key:
            assert who[number] == key.partition(" ")[0]
    assert {line["client_id"] for line in lines if "record" in line} == {"desk"}
    assert any("ReadOnlyError" in line.get("message", "") for line in lines)
    assert len({line["replica"] for line in lines}) == 2
    assert not any(secret in json.dumps(lines) for secret in (OLD_TOKEN, NEW_TOKEN))
