"""Three replicas behind nginx, with Redis: what a lost replica, a lost Redis and a 429 do to the calls under way."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from api_document import SAVE_MEMORY
from support.held_api import Upstream
from support.nginx import needs_nginx, nginx_in_front
from support.processes import WAYS, ServerProcess, Way, connect, serving
from support.redis_server import RedisServer, needs_redis, redis_running

pytestmark = [pytest.mark.cluster, needs_nginx, needs_redis]

CALLS = 3000
CLIENTS = 12
SECONDS = 300

SERVER_TOKEN = "for-clients-of-the-cluster"
HEADERS = {
    "Authorization": f"Bearer {SERVER_TOKEN}",
    "Host": "mcp.example.com",
    "X-Wemasy-Token": "7|a-token-of-no-account",
}


@dataclass
class Cluster:
    url: str
    replicas: list[ServerProcess]
    redis: RedisServer


@contextmanager
def cluster(upstream: Upstream, folder: Path, **more: str) -> Iterator[Cluster]:
    with ExitStack() as running:
        redis = running.enter_context(redis_running())
        settings = {
            "WEMASY_BASE_URL": upstream.url,
            "WEMASY_REDIS_URL": redis.url,
            "WEMASY_SERVER_TOKEN": SERVER_TOKEN,
            "WEMASY_ALLOWED_HOSTS": "mcp.example.com",
            "WEMASY_USER_TOKEN_HEADER": "X-Wemasy-Token",
            **more,
        }
        replicas = [running.enter_context(serving("--transport", "streamable-http", **settings)) for _ in range(3)]
        url = running.enter_context(nginx_in_front([replica.port for replica in replicas], folder))
        yield Cluster(url, replicas, redis)


@dataclass
class Load:
    """Calls of clients of both eras, all at once, and what each call was told."""

    url: str
    calls: int
    events: dict[int, Callable[[], object]]
    """What befalls the cluster once so many calls were answered."""
    told: dict[str, list[str]] = field(default_factory=dict)
    """By the key that a call saves: `applied`, an error's outcome, or `no answer` where its replica was lost."""
    answered: int = 0
    repeats: int = 0
    """How often at most a client repeats a call that it got no answer to, or was told to repeat."""

    async def run(self) -> None:
        async with anyio.create_task_group() as clients:
            for number in range(CLIENTS):
                clients.start_soon(self._be_client, WAYS[number % 2], range(number, self.calls, CLIENTS))

    async def _be_client(self, way: Way, numbers: range) -> None:
        async with connect(self.url, way, HEADERS) as client:
            await client.list_tools()
            for number in numbers:
                key = f"key-{number}"
                told = await self._ask(client, key)
                for _ in range(self.repeats):
                    if told not in {"no answer", "pending"}:
                        break
                    told = await self._ask(client, key)
                self.told.setdefault(key, []).append(told)
                self.answered += 1
                if event := self.events.get(self.answered):
                    await anyio.to_thread.run_sync(event)

    async def _ask(self, client: Client, key: str) -> str:
        try:
            result = await client.call_tool(SAVE_MEMORY.tool, {"kind": "fact", "key": key})
        except MCPError:
            return "no answer"
        content = result.structured_content or {}
        if content["success"]:
            return "applied"
        error = content["error"]
        return str("pending" if error["code"] == "pending" else error["outcome"])


def applied(upstream: Upstream) -> Counter[str]:
    """How often each key was written."""
    return Counter(body["key"] for body in upstream.bodies)


def kill_amid_calls(replica: ServerProcess, upstream: Upstream) -> None:
    """Kill a replica while nearly every client has a request at the API."""
    upstream.hold()
    upstream.wait_until_held(CLIENTS - 1)
    replica.process.kill()
    replica.wait()
    upstream.release()


async def test_a_replica_and_redis_are_lost_under_way_and_every_call_is_told_the_truth(
    upstream: Upstream, tmp_path: Path
) -> None:
    """The killed replica's calls are surely sent: they were written, and nginx must not send them again."""

    with cluster(upstream, tmp_path) as them, anyio.fail_after(SECONDS):
        events: dict[int, Callable[[], object]] = {
            CALLS // 4: them.redis.stop,
            CALLS // 2: lambda: kill_amid_calls(them.replicas[0], upstream),
            CALLS * 3 // 4: them.redis.start,
        }
        load = Load(them.url, CALLS, events)
        await load.run()

    written = applied(upstream)
    answers = Counter(answer for answers in load.told.values() for answer in answers)
    lost = {key for key, answers in load.told.items() if answers == ["no answer"]}
    assert len(load.told) == CALLS
    assert all(len(answers) == 1 for answers in load.told.values())
    assert set(written.values()) == {1}
    # Nothing that was written is reported as failed: it was confirmed, or its replica was killed amid the call.
    assert answers == {"applied": CALLS - len(lost), "no answer": len(lost)}
    assert 0 < len(lost) < CLIENTS
    assert lost <= set(written)
    assert [replica.log.count("Redis (WEMASY_REDIS_URL) failed") > 0 for replica in them.replicas[1:]] == [True, True]


async def test_clients_that_repeat_the_calls_of_a_killed_replica_write_nothing_twice(
    upstream: Upstream, tmp_path: Path
) -> None:
    # Whoever repeats a call of the killed replica waits as long as its request could have taken.
    hurried = {"WEMASY_ANSWER_SECONDS": "1", "WEMASY_TIMEOUT_SECONDS": "3"}
    with cluster(upstream, tmp_path, **hurried) as them, anyio.fail_after(SECONDS):
        load = Load(them.url, CALLS, {CALLS // 2: lambda: kill_amid_calls(them.replicas[0], upstream)}, repeats=50)
        await load.run()

    answers = Counter(answer for answers in load.told.values() for answer in answers)
    assert set(applied(upstream).values()) == {1}
    assert set(applied(upstream)) == set(load.told)
    assert answers["applied"] + answers["unknown"] == CALLS
    assert 0 < answers["unknown"] < CLIENTS


async def test_a_replica_that_is_stopped_in_order_loses_no_call(upstream: Upstream, tmp_path: Path) -> None:
    with cluster(upstream, tmp_path) as them, anyio.fail_after(SECONDS):
        load = Load(them.url, 300, {100: them.replicas[0].terminate, 200: them.replicas[1].terminate})
        await load.run()
        statuses = [replica.wait() for replica in them.replicas[:2]]

    assert set(map(tuple, load.told.values())) == {("applied",)}
    assert Counter(load.told.keys()) == applied(upstream)
    assert statuses == [0, 0]


async def test_a_429_on_one_replica_keeps_the_calls_of_all_back(upstream: Upstream, tmp_path: Path) -> None:
    """Several accounts have a try: on a busy machine Redis may be too slow for one of them."""
    upstream.answer = (429, {"error": True, "message": "Too Many Attempts."}, {"Retry-After": "600"})
    with cluster(upstream, tmp_path) as them, anyio.fail_after(SECONDS):
        for number in range(10):
            token = f"{number}|a-token-of-no-account"
            codes = []
            async with connect(them.url, WAYS[0], {**HEADERS, "X-Wemasy-Token": token}) as client:
                await client.list_tools()
                for _ in range(9):
                    result = await client.call_tool(SAVE_MEMORY.tool, {"kind": "fact"})
                    codes.append((result.structured_content or {})["error"]["code"])
            sent = [headers for headers in upstream.headers if headers["authorization"] == f"Bearer {token}"]
            if len(sent) == 1:
                break

    assert codes == ["rate_limited"] * 9
    assert len(sent) == 1


@pytest.mark.parametrize("prefix", ["/wemasy", "X-Forwarded-Prefix"])
async def test_a_path_that_nginx_strips_is_known_to_clients_of_sse(
    prefix: str, upstream: Upstream, tmp_path: Path
) -> None:
    settings = {
        "WEMASY_BASE_URL": upstream.url,
        "WEMASY_ALLOWED_HOSTS": "mcp.example.com",
        "WEMASY_SERVER_TOKEN": SERVER_TOKEN,
        "WEMASY_PATH_PREFIX": prefix,
    }
    with (
        anyio.fail_after(SECONDS),
        serving("--transport", "sse", **settings) as server,
        nginx_in_front([server.port], tmp_path) as url,
    ):
        async with connect(url.replace("/mcp", "/wemasy/sse"), "sse", HEADERS) as client:
            result = await client.call_tool(SAVE_MEMORY.tool, {"kind": "fact"})

    assert result.is_error is False
