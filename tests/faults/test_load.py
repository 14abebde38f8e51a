"""A thousand calls at once, some of which go wrong, are each answered once and truly, in bounded memory."""

import json
from collections import Counter
from pathlib import Path

import anyio
import pytest

from support.answers import answer, success
from support.fake_api import FakeApi, answer_never
from support.launching import serving
from support.script import Script
from support.scripted_api import Upstream
from support.server_process import ERAS, Era
from support.truth import SAVE, Player, read_schemas

pytestmark = pytest.mark.anyio

CALLS = 1000
LARGEST = "v" * 20_000

MIXED: tuple[tuple[str, Script | None], ...] = (
    ("ok", None),
    (
        "validation_failed",
        Script(lambda: [answer(422, {"message": "No.", "errors": {"key": ["Odd."]}})], applied=False),
    ),
    ("server_failed", Script(lambda: [answer(500)], applied=True)),
    ("connection_lost", Script(list, applied=True, ending="reset")),
    ("bad_response", Script(lambda: [answer(200, b"<html>")], applied=False)),
    ("rejected", Script(lambda: [answer(200, {**success("x"), "success": False})], applied=False)),
)


@pytest.mark.parametrize("era", ERAS)
async def test_a_thousand_calls_at_once_are_each_answered_once_and_truly(
    era: Era, upstream: Upstream, folder: Path
) -> None:
    # The API closes connections without a word: a call on a kept one that is just being closed is rightly `unknown`.
    settings = {"WEMASY_BASE_URL": upstream.url, "WEMASY_TIMEOUT_SECONDS": "60", "WEMASY_KEEPALIVE_SECONDS": "0"}
    expected = {f"{number} of {CALLS}, {era}": MIXED[number % len(MIXED)] for number in range(CALLS)}
    async with serving(settings, era=era, folder=folder) as server:
        player = Player(server, upstream, await read_schemas(server))
        for key, (_, script) in expected.items():
            if script is not None:
                upstream.play(key, script)
        lines = (server.tool_call(SAVE, {**player.arguments(key), "metadata": {"a": LARGEST}}, key) for key in expected)
        await server.write(b"".join(lines))

        told: Counter[str] = Counter()
        with anyio.fail_after(60):
            for key, (code, script) in expected.items():
                structured = player.read((await server.answer(key))["result"], key)
                assert structured.get("error", {"code": "ok"})["code"] == code
                assert upstream.applied[key] == (script is None or script.applied)
                assert json.loads(upstream.by_key[key].body)["key"] == key
                told[code] += 1
        assert told.total() == CALLS
        assert server.peak_memory() < 300 * 2**20
        await player.expect_healthy(f"{CALLS} calls, {era}")


@pytest.mark.parametrize("era", ERAS)
async def test_large_calls_to_an_api_that_does_not_answer_are_held_in_bounded_memory(era: Era, folder: Path) -> None:
    numbers = range(100)
    async with FakeApi(answer_never) as api:
        settings = {"WEMASY_BASE_URL": api.url, "WEMASY_ANSWER_SECONDS": "1"}
        async with serving(settings, era=era, folder=folder) as server:
            for number in numbers:
                arguments = {"kind": "fact", "key": str(number), "value": "v" * 1_000_000}
                await server.write(server.tool_call(SAVE, arguments, number))
            with anyio.fail_after(60):
                results = [(await server.answer(number))["result"] for number in numbers]

            codes = Counter(result["structuredContent"]["error"]["code"] for result in results)
            assert codes == {"pending": len(api.requests), "unreachable": len(numbers) - len(api.requests)}
            assert 7 <= len(api.requests) <= 17
            assert server.peak_memory() < 180 * 2**20
