"""On a connection that is kept, a write may become unknown, but never happens twice."""

from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from support.answers import answer, success
from support.launching import serving
from support.script import Ending, Script
from support.scripted_api import Upstream
from support.server_process import ANSWER_SECONDS
from support.truth import Player, read_schemas

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def keeper(upstream: Upstream, folder: Path) -> AsyncGenerator[Player]:
    settings = {"WEMASY_BASE_URL": upstream.url, "WEMASY_TIMEOUT_SECONDS": "2", "WEMASY_KEEPALIVE_SECONDS": "60"}
    async with serving(settings, folder=folder) as server:
        yield Player(server, upstream, await read_schemas(server))


async def test_a_connection_is_reused(keeper: Player) -> None:
    await keeper.expect_healthy("reused once")
    connections = keeper.upstream.connections
    await keeper.expect_healthy("reused twice")

    assert keeper.upstream.connections == connections


async def test_a_request_that_a_stale_connection_swallows_is_unknown_and_not_repeated(keeper: Player) -> None:
    script = Script(lambda: [answer(200, success("stale"))], applied=True, ending="drop_next")
    keeper.upstream.play("before it goes stale", script)
    await keeper.write("before it goes stale")

    await keeper.expect_error("swallowed", "connection_lost")
    assert keeper.upstream.received["swallowed"] == 1
    await keeper.expect_healthy("swallowed")


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_connection_that_was_closed_while_idle_is_replaced(ending: Ending, keeper: Player) -> None:
    key = f"{ending} while idle"
    keeper.upstream.play(key, Script(lambda: [answer(200, success(key))], applied=True, ending=ending))
    await keeper.write(key)
    await keeper.upstream.all_closed()

    await keeper.expect_healthy(key)


async def test_bytes_that_come_late_on_an_idle_connection_do_not_become_the_next_answer(keeper: Player) -> None:
    pieces = [answer(200, success("x")), answer(200, success("an answer to nobody", record_id=666))]
    keeper.upstream.play("late bytes", Script(lambda: pieces, applied=True, ending="serve", pause=0.1))
    await keeper.write("late bytes")
    with anyio.fail_after(ANSWER_SECONDS):
        await keeper.upstream.sending("late bytes", sum(map(len, pieces)))

    await keeper.expect_healthy("late bytes")
