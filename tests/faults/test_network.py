"""Faults before a request is sent prove that nothing was written; faults after it prove nothing."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from faults.broken_answers import BROKEN_CONNECTIONS
from support.certificates import Certificates
from support.fault import Fault
from support.launching import serving
from support.scripted_api import Greeting, Upstream
from support.truth import Player, read_schemas

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def calling(upstream: Upstream, url: str, folder: Path, **settings: str) -> AsyncGenerator[Player]:
    """Run a server with its base URL and further settings, which connects anew for every call."""
    settings = {"WEMASY_BASE_URL": url, "WEMASY_TIMEOUT_SECONDS": "2", "WEMASY_KEEPALIVE_SECONDS": "0", **settings}
    async with serving(settings, folder=folder) as server:
        yield Player(server, upstream, await read_schemas(server))


@pytest.fixture(scope="module")
async def plain_player(upstream: Upstream, folder: Path) -> AsyncGenerator[Player]:
    async with calling(upstream, upstream.url, folder) as player:
        yield player


@pytest.fixture(scope="module")
async def tls_player(tls_upstream: Upstream, certificates: Certificates, folder: Path) -> AsyncGenerator[Player]:
    async with calling(tls_upstream, tls_upstream.url, folder, SSL_CERT_FILE=str(certificates.trusted)) as player:
        yield player


async def test_a_refused_connection_wrote_nothing(plain_player: Player) -> None:
    key = "refused"
    async with plain_player.upstream.refusing():
        error = await plain_player.expect_error(key, "unreachable")

    assert error["message"] == "Could not connect to Wemasy, or to the proxy in front of it."
    await plain_player.expect_healthy(key)


@pytest.mark.parametrize(
    ("greeting", "code"), [("reset", "connection_lost"), ("close", "connection_lost"), ("hang", "timed_out")]
)
async def test_a_connection_that_breaks_before_the_request_is_read_leaves_it_unknown(
    greeting: Greeting, code: str, plain_player: Player
) -> None:
    key = f"greeted with {greeting}"
    with plain_player.upstream.greeting(greeting):
        await plain_player.expect_error(key, code)

    await plain_player.expect_healthy(key)


@pytest.mark.parametrize("greeting", ["reset", "close", "hang", "plain_text"])
async def test_a_tls_handshake_that_fails_wrote_nothing(greeting: Greeting, tls_player: Player) -> None:
    with tls_player.upstream.greeting(greeting):
        await tls_player.expect_error(greeting, "unreachable")

    await tls_player.expect_healthy(greeting)


@pytest.mark.parametrize("kind", ["wrong_authority", "wrong_host", "expired"])
async def test_a_certificate_that_is_not_valid_stops_the_call_before_it_is_sent(
    kind: str, tls_player: Player, certificates: Certificates
) -> None:
    with tls_player.upstream.presenting(getattr(certificates, kind)):
        error = await tls_player.expect_error(kind, "unreachable")

    assert "certificate" in error["message"]
    await tls_player.expect_healthy(kind)


@pytest.mark.parametrize("fault", BROKEN_CONNECTIONS, ids=lambda fault: fault.name)
async def test_a_connection_that_breaks_inside_tls_is_told_like_any_other(fault: Fault, tls_player: Player) -> None:
    tls_player.upstream.play(fault.name, fault.script)
    assert fault.code is not None
    await tls_player.expect_error(fault.name, fault.code)

    assert tls_player.upstream.applied[fault.name] == fault.script.applied
    await tls_player.expect_healthy(fault.name)


async def test_plain_http_to_a_tls_port_is_not_known_to_have_failed(tls_upstream: Upstream, folder: Path) -> None:
    async with calling(tls_upstream, tls_upstream.url.replace("https", "http"), folder) as player:
        await player.expect_error("plain http", "connection_lost")


async def test_tls_to_a_plain_http_port_wrote_nothing(upstream: Upstream, folder: Path) -> None:
    async with calling(upstream, upstream.url.replace("http", "https"), folder) as player:
        await player.expect_error("tls", "unreachable")


async def test_a_host_name_that_does_not_exist_wrote_nothing(upstream: Upstream, folder: Path) -> None:
    async with calling(upstream, "https://wemasy.invalid/api", folder) as player:
        error = await player.expect_error("dns", "unreachable")

        assert error["message"] == "The host name of WEMASY_BASE_URL, or of a proxy, could not be resolved."


@pytest.mark.parametrize(
    "url",
    [
        "https://" + "a" * 64 + ".invalid/api",
        "https://wemasy..invalid/api",
        "https://[::1%25nowhere]/api",
        "https://127.0.0.1:0/api",
    ],
)
async def test_an_address_that_no_socket_takes_is_told_in_the_result(
    url: str, upstream: Upstream, folder: Path
) -> None:
    async with calling(upstream, url, folder) as player:
        structured = await player.write(url)

        assert structured["error"]["code"] in {"not_configured", "unreachable"}
        assert structured["error"]["outcome"] == "not_applied"


SLOW_RESOLVER = """\
import socket, time
socket.getaddrinfo = lambda *arguments, **options: time.sleep(60)
"""


async def test_a_resolver_that_never_answers_holds_up_neither_the_call_nor_the_exit(
    upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW_RESOLVER)
    async with calling(upstream, "https://wemasy.invalid/api", tmp_path, PYTHONPATH=str(tmp_path)) as player:
        await player.expect_error("slow dns", "unreachable")


async def test_200_network_failures_at_once_are_each_told(upstream: Upstream, tmp_path: Path) -> None:
    async with Upstream() as gone:
        url = gone.url
    async with calling(upstream, url, tmp_path) as player:
        keys = [f"gone {number}" for number in range(200)]
        for key in keys:
            await player.server.write(player.server.tool_call(player.tool, player.arguments(key), key))
        with anyio.fail_after(60):
            for key in keys:
                answer = await player.server.answer(key)
                assert player.read(answer["result"], key)["error"]["code"] == "unreachable"


@pytest.mark.parametrize("greeting", ["hang", "reset"])
async def test_200_tls_failures_at_once_are_each_told(greeting: Greeting, tls_player: Player) -> None:
    keys = [f"{greeting} {number}" for number in range(200)]
    with tls_player.upstream.greeting(greeting), anyio.fail_after(60):
        for key in keys:
            await tls_player.server.write(tls_player.server.tool_call(tls_player.tool, tls_player.arguments(key), key))
        for key in keys:
            answer = await tls_player.server.answer(key)
            assert tls_player.read(answer["result"], key)["error"]["code"] == "unreachable"
    await tls_player.expect_healthy(f"200 times {greeting}")
