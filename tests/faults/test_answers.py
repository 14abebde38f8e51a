"""Every played answer of the API is told as what it was, in both protocol eras, and nothing is left over from it."""

import json
from itertools import chain, repeat

import anyio
import pytest

from faults.broken_answers import TOO_SLOW
from faults.cases import FAULTS
from faults.statuses import redirects
from support.answers import answer, success
from support.fault import Fault
from support.program import TOKEN
from support.script import Script
from support.scripted_api import Upstream
from support.truth import Player

pytestmark = pytest.mark.anyio

TRAP = "http://127.0.0.1:{port}/stolen"


async def play(fault: Fault, player: Player) -> None:
    key = f"{fault.name}, {player.server.era}"
    player.upstream.play(key, fault.script)
    structured = await player.write(key)

    told = structured if fault.code is None else structured.get("error", structured)
    assert told.get("code") == fault.code, told
    assert {name: told.get(name) for name in fault.expected} == dict(fault.expected)
    assert structured.get("rate_limit") == fault.rate_limit
    assert player.upstream.applied[key] == fault.script.applied
    await player.expect_healthy(key)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_played_answer_is_told_as_what_it_was(fault: Fault, player: Player) -> None:
    await play(fault, player)


async def test_every_answer_that_is_too_slow_is_cut_off_at_the_deadline(player: Player) -> None:
    async with anyio.create_task_group() as calls:
        for fault in TOO_SLOW:
            calls.start_soon(play, fault, player)


@pytest.mark.parametrize("number", range(len(redirects(TRAP))), ids=[fault.name for fault in redirects(TRAP)])
async def test_a_redirect_is_never_followed(number: int, player: Player) -> None:
    async with Upstream() as trap:
        await play(redirects(TRAP.format(port=trap.port))[number], player)

        assert trap.connections == 0


async def test_no_cookie_comes_back(player: Player) -> None:
    key = f"cookies, {player.server.era}"
    cookies = ["Set-Cookie: session=crumb; Path=/", "Set-Cookie: crumb=2; Domain=127.0.0.1", "Set-Cookie: =;;crumb"]
    player.upstream.play(key, Script(lambda: [answer(200, success(key), *cookies)], applied=True))
    await player.write(key)
    await player.expect_healthy(key)

    assert b"crumb" not in player.upstream.by_key[f"healthy after {key}"].head


async def test_the_token_is_in_the_authorization_header_alone(player: Player) -> None:
    key = f"token, {player.server.era}"
    await player.write(key)
    request = player.upstream.by_key[key]

    assert request.head.count(TOKEN.encode()) == 1
    assert f"\r\nAuthorization: Bearer {TOKEN}\r\n".encode() in request.head
    assert json.loads(request.body) == player.arguments(key)


async def test_little_is_read_and_held_of_an_answer_without_end(player: Player) -> None:
    key = f"endless, {player.server.era}"
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    player.upstream.play(key, Script(lambda: chain([head], repeat(b" " * 9999)), applied=True))
    await player.expect_error(key, "bad_response")

    assert player.upstream.sent[key] < 2**24, "1 MiB was read, the rest lay in socket buffers"
    # All the floods and bombs above went through this process too.
    assert player.server.peak_memory() < 150 * 2**20
