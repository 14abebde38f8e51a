"""A proxy carries a tunnel to a remote https API, and never sees a request; it has no part in loopback traffic."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from faults.conftest import PROXIED_HOST
from support.certificates import Certificates
from support.launching import serving
from support.program import TOKEN
from support.proxy import Behaviour, Proxy
from support.script import Script
from support.scripted_api import Upstream
from support.truth import Player, read_schemas

pytestmark = pytest.mark.anyio

VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
REMOTE = f"https://{PROXIED_HOST}/api"


@pytest.fixture(scope="module")
async def proxied_upstream(anyio_backend: str, certificates: Certificates) -> AsyncGenerator[Upstream]:
    async with Upstream(certificates.proxied) as upstream:
        yield upstream


@pytest.fixture(scope="module")
async def proxy(proxied_upstream: Upstream) -> AsyncGenerator[Proxy]:
    async with Proxy(proxied_upstream.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def proxied_player(
    proxy: Proxy, proxied_upstream: Upstream, certificates: Certificates, folder: Path
) -> AsyncGenerator[Player]:
    settings = {
        "WEMASY_BASE_URL": REMOTE,
        "WEMASY_TIMEOUT_SECONDS": "2",
        "WEMASY_KEEPALIVE_SECONDS": "0",
        "SSL_CERT_FILE": str(certificates.trusted),
        "HTTPS_PROXY": proxy.url.replace("//", "//user:pass-word@"),
    }
    async with serving(settings, folder=folder) as server:
        yield Player(server, proxied_upstream, await read_schemas(server))
        assert b"pass-word" not in b"".join(server.stdout) + server.stderr


async def test_a_proxy_sees_nothing_of_a_call_but_the_host(proxied_player: Player, proxy: Proxy) -> None:
    await proxied_player.expect_healthy("a tunnel")

    assert proxy.seen.startswith(f"CONNECT {PROXIED_HOST}:443 ".encode())
    assert TOKEN.encode() not in proxy.seen
    assert b"Bearer" not in proxy.seen


@pytest.mark.parametrize("behaviour", ["refuse", "ask who", "fail", "hang", "cut", "babble", "flood"])
async def test_a_proxy_that_opens_no_tunnel_proves_that_nothing_was_sent(
    behaviour: Behaviour, proxied_player: Player, proxy: Proxy
) -> None:
    proxy.behaviour = behaviour
    try:
        await proxied_player.expect_error(behaviour, "unreachable")
    finally:
        proxy.behaviour = "tunnel"

    assert proxied_player.upstream.received[behaviour] == 0
    await proxied_player.expect_healthy(behaviour)


async def test_a_tunnel_that_breaks_under_a_call_leaves_it_unknown(proxied_player: Player) -> None:
    proxied_player.upstream.play("broken tunnel", Script(list, applied=True, ending="reset"))

    await proxied_player.expect_error("broken tunnel", "connection_lost")
    await proxied_player.expect_healthy("broken tunnel")


async def test_a_handshake_that_fails_inside_a_tunnel_proves_that_nothing_was_sent(
    proxied_player: Player, certificates: Certificates
) -> None:
    with proxied_player.upstream.presenting(certificates.wrong_authority):
        await proxied_player.expect_error("wrong authority", "unreachable")

    await proxied_player.expect_healthy("wrong authority")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_loopback_traffic_never_meets_a_proxy(
    scheme: str, upstream: Upstream, tls_upstream: Upstream, certificates: Certificates, folder: Path
) -> None:
    target = upstream if scheme == "http" else tls_upstream
    async with Proxy(target.port) as proxy:
        settings = {"WEMASY_BASE_URL": target.url, "SSL_CERT_FILE": str(certificates.trusted)}
        settings |= dict.fromkeys(VARIABLES, proxy.url)
        async with serving(settings, folder=folder) as server:
            await Player(server, target, await read_schemas(server)).expect_healthy(f"no proxy, {scheme}")

        assert proxy.connections == 0


async def test_proxy_variables_that_cannot_be_used_do_not_disturb_loopback(upstream: Upstream, folder: Path) -> None:
    variables = {"HTTP_PROXY": "::::", "HTTPS_PROXY": "http://[::1", "ALL_PROXY": "socks5://127.0.0.1:9"}
    async with serving({"WEMASY_BASE_URL": upstream.url, **variables}, folder=folder) as server:
        await Player(server, upstream, await read_schemas(server)).expect_healthy("unusable proxies")
