"""After a 429 that says how long, calls inside the wait are answered at once, without a request."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import anyio
import pytest

from support.answers import answer
from support.launching import serving
from support.script import Script
from support.scripted_api import Upstream
from support.truth import SAVE, UPDATE, Player, read_schemas

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def limited(upstream: Upstream, folder: Path, wait: str) -> AsyncGenerator[Player]:
    """Run a server whose first call, `first`, is answered with a 429."""
    told = {"error": True, "message": "Too Many Attempts."}
    headers = f"Retry-After: {wait}", "X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 0"
    upstream.play(f"first, {wait}", Script(lambda: [answer(429, told, *headers)], applied=False))
    async with serving({"WEMASY_BASE_URL": upstream.url}, folder=folder) as server:
        yield Player(server, upstream, await read_schemas(server))


async def test_a_call_inside_the_wait_is_answered_without_a_request(upstream: Upstream, folder: Path) -> None:
    async with limited(upstream, folder, "3600") as player:
        first = await player.write("first, 3600")
        player.tool = UPDATE
        second = await player.expect_error("second", "rate_limited")

        assert first["error"]["retry_after_seconds"] == 3600
        assert first["rate_limit"] == {"limit": 60, "remaining": 0}
        assert 0 < second["retry_after_seconds"] <= 3600
        assert "status" not in second
        assert player.upstream.received["second"] == 0


async def test_a_wait_that_is_given_as_a_date_is_kept(upstream: Upstream, folder: Path) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    async with limited(upstream, folder, date) as player:
        first = await player.expect_error(f"first, {date}", "rate_limited")
        await player.expect_error("inside the date", "rate_limited")

        assert 3000 < first["retry_after_seconds"] <= 3600
        assert player.upstream.received["inside the date"] == 0


async def test_the_gate_opens_by_itself(upstream: Upstream, folder: Path) -> None:
    async with limited(upstream, folder, "1") as player:
        error = await player.expect_error("first, 1", "rate_limited")
        held_back = await player.write("held back")
        assert not held_back["success"]

        assert error["retry_after_seconds"] == held_back["error"]["retry_after_seconds"] == 1
        with anyio.fail_after(30):
            while not (await player.write("again"))["success"]:
                assert player.upstream.received["again"] == 0


async def test_calls_at_once_are_each_told_where_they_stand(upstream: Upstream, folder: Path) -> None:
    async with limited(upstream, folder, "1800") as player:
        keys = [f"first, {1800}", *(f"crowd {number}" for number in range(50))]
        for key in keys:
            await player.server.write(player.server.tool_call(SAVE, player.arguments(key), key))
        for key in keys:
            answered = await player.server.answer(key)
            player.read(answered["result"], key)
        await player.expect_error("late", "rate_limited")
