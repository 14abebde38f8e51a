"""Which proxy the environment names for the API, and how it is asked for a tunnel."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import anyio
import pytest
from pydantic import SecretStr

from support.certificates import Certificates, make_certificates
from support.fake_api import FakeApi
from support.program import TOKEN
from support.proxy import Behaviour, Proxy, SocksBehaviour, SocksProxy
from support.wire import ENDPOINT, SAVE
from wemasy_mcp.core.client import Attempt, WemasyClient
from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.upstream.proxies import Proxy as FoundProxy
from wemasy_mcp.upstream.proxies import find_proxy

HOST = "api.wemasy.invalid"
"""A name that no resolver knows, so that only a proxy can reach it."""
GOOD = "http://proxy.example:3128"
FOUND = FoundProxy("http", "proxy.example", 3128, None)


@pytest.fixture(autouse=True)
def no_other_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no", "ftp"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), "127.0.0.1", HOST)


async def call(base_url: str = f"https://{HOST}/api") -> None:
    client = WemasyClient(base_url, timeout_seconds=5)
    try:
        with anyio.fail_after(10):
            await client.call(
                ENDPOINT[SAVE], b'{"kind":"fact"}', token=SecretStr(TOKEN), user_agent="agent/1", attempt=Attempt()
            )
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, None),
        ({"HTTPS_PROXY": GOOD}, FOUND),
        ({"https_proxy": GOOD}, FOUND),
        ({"ALL_PROXY": GOOD}, FOUND),
        ({"all_proxy": "proxy.example:3128"}, FOUND),
        # Both cases: the lower one wins, as everywhere.
        ({"HTTPS_PROXY": "http://other.example", "https_proxy": GOOD}, FOUND),
        ({"HTTPS_PROXY": GOOD, "ALL_PROXY": "socks5://127.0.0.1:9"}, FOUND),
        ({"HTTPS_PROXY": GOOD, "ALL_PROXY": "gopher://[::1"}, FOUND),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTPS_PROXY": " "}, None),
        ({"HTTPS_PROXY": " '' ", "ALL_PROXY": GOOD}, FOUND),
        ({"HTTPS_PROXY": f' "{GOOD}" \r\n'}, FOUND),
        ({"ALL_PROXY": "socks://127.0.0.1:7890/"}, FoundProxy("socks", "127.0.0.1", 7890, None)),
        ({"HTTP_PROXY": GOOD}, None),
        ({"FTP_PROXY": GOOD}, None),
        ({"NO_PROXY": "example.org"}, None),
        ({"HTTPS_PROXY": "http://proxy.example"}, FoundProxy("http", "proxy.example", 80, None)),
        ({"HTTPS_PROXY": "https://proxy.example"}, FoundProxy("https", "proxy.example", 443, None)),
        ({"HTTPS_PROXY": "SOCKS5h://[::1]"}, FoundProxy("socks5h", "::1", 1080, None)),
        ({"HTTPS_PROXY": "http://me:p%40ss@proxy"}, FoundProxy("http", "proxy", 80, ("me", "p@ss"))),
        ({"HTTPS_PROXY": "socks5://me@proxy"}, FoundProxy("socks5", "proxy", 1080, ("me", ""))),
    ],
)
def test_the_variable_that_applies_is_used(
    variables: Mapping[str, str], found: FoundProxy | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert find_proxy("api.wemasy.nl", 443) == found


@pytest.mark.parametrize(
    ("host", "no_proxy", "is_exempt"),
    [
        ("api.wemasy.nl", "api.wemasy.nl", True),
        ("api.wemasy.nl", "API.Wemasy.NL", True),
        ("api.wemasy.nl", "wemasy.nl", True),
        ("api.wemasy.nl", ".wemasy.nl", True),
        ("api.wemasy.nl", "*.wemasy.nl", True),
        ("api.wemasy.nl", "api.wemasy.nl:443", True),
        ("api.wemasy.nl", "api.wemasy.nl:444", False),
        ("api.wemasy.nl", "*", True),
        ("api.wemasy.nl", "localhost, *", True),
        ("api.wemasy.nl", "localhost,127.0.0.1 , api.wemasy.nl", True),
        ("api.wemasy.nl", "localhost api.wemasy.nl", True),
        ("api.wemasy.nl", "<local>;*.wemasy.nl", True),
        ("api.wemasy.nl", "localhost|*wemasy.nl", True),
        ("api.wemasy.nl", "https://api.wemasy.nl/api", True),
        ("api.wemasy.nl", "'api.wemasy.nl'", True),
        ("api.wemasy.nl", "wemasy.nl.", True),
        ("api.wemasy.nl", "https://example.org/api.wemasy.nl", False),
        ("api.wemasy.nl", "<local>", False),
        ("api.wemasy.nl", "api.*.org", False),
        ("api.wemasy.nl", "masy.nl", False),
        ("api.wemasy.nl", "example.org", False),
        ("api.wemasy.nl", "10.0.0.0/8", False),
        ("api.wemasy.nl", ",,*.[,http://[,://", False),
        ("api.wemasy.nl", "2001:db8::/99,[::1,::1/x,a b\tc,*.*.*", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("11.1.2.3", "10.0.0.0/8,::/0", False),
        ("fd00::1", "[fd00::1]", True),
        ("fd00::1", "fd00::/8", True),
    ],
)
def test_no_proxy_is_read_in_the_forms_that_people_write(
    host: str, no_proxy: str, is_exempt: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", GOOD)
    monkeypatch.setenv("NO_PROXY", no_proxy)

    assert find_proxy(host, 443) == (None if is_exempt else FOUND)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "value",
    [
        "::::",
        "http://[::1",
        "http://",
        "http://:8080",
        "ftp://secret.example:9",
        "socks4://secret.example:9",
        "http://secret.example:99999",
        "http://secret.example:0",
        "http://secret.example:port",
        "http://\x7f\u00e9",
        "http://secret example",
        "socks5://secret:" + "p" * 256 + "@proxy.example",
    ],
)
async def test_a_proxy_that_cannot_be_used_is_reported_with_its_variable_and_without_its_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(WemasyError) as raised:
        await call()

    assert (raised.value.code, raised.value.outcome) == ("not_configured", "not_applied")
    # Windows knows the names of variables in capitals only.
    assert raised.value.message.startswith(f"{variable.upper() if sys.platform == 'win32' else variable} ")
    assert "secret" not in raised.value.message


@pytest.mark.parametrize("value", ["::::", "gopher://[::1"])
async def test_a_proxy_that_does_not_apply_is_not_looked_at(
    value: str, monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, value)

    async with FakeApi(tls=certificates.valid) as api:
        await call(api.url)

    monkeypatch.setenv("NO_PROXY", ".invalid")
    with pytest.raises(WemasyError, match="could not be resolved"):
        await call()


def test_the_system_s_setting_is_named_where_no_variable_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wemasy_mcp.upstream.proxies.getproxies", lambda: {"https": "gopher://127.0.0.1"})

    with pytest.raises(ValueError, match="the system's proxy setting names a proxy of an unknown kind"):
        find_proxy("api.wemasy.nl", 443)


@asynccontextmanager
async def proxied(
    start: Callable[[int], Proxy], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Proxy, FakeApi]]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted))
    async with FakeApi(tls=certificates.proxied) as api, start(api.port) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        yield proxy, api


@pytest.mark.parametrize("behaviour", ["tunnel", "tunnel from IPv6", "tunnel from a name"])
async def test_a_socks_proxy_resolves_the_name_and_sees_nothing_else(
    behaviour: SocksBehaviour, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxied(lambda port: SocksProxy(port, behaviour), certificates, monkeypatch) as (proxy, api):
        await call()

        assert proxy.seen == HOST.encode() + (443).to_bytes(2, "big")
        assert len(api.requests) == 1


async def test_a_socks_proxy_is_given_the_password_that_it_asks_for(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxied(lambda port: SocksProxy(port, password=b"p@ss"), certificates, monkeypatch) as (proxy, api):
        with pytest.raises(WemasyError, match="The proxy did not let the request through"):
            await call()
        for password in ("wrong", "p%40ss"):
            monkeypatch.setenv("ALL_PROXY", proxy.url.replace("//", f"//me:{password}@"))
            if password == "wrong":
                with pytest.raises(WemasyError, match="The proxy did not let the request through"):
                    await call()
        await call()

        assert proxy.seen.startswith(b"me:wrongme:p@ss")
        assert len(api.requests) == 1


@pytest.mark.parametrize("behaviour", ["refuse", "cut", "babble"])
async def test_a_socks_proxy_that_opens_no_tunnel_proves_that_nothing_was_sent(
    behaviour: SocksBehaviour, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxied(lambda port: SocksProxy(port, behaviour), certificates, monkeypatch) as (_, api):
        with pytest.raises(WemasyError) as raised:
            await call()

        assert (raised.value.code, raised.value.outcome) == ("unreachable", "not_applied")
        assert api.requests == []


@pytest.mark.parametrize("behaviour", ["refuse", "babble"])
async def test_an_http_proxy_that_opens_no_tunnel_proves_that_nothing_was_sent(
    behaviour: Behaviour, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxied(Proxy, certificates, monkeypatch) as (proxy, api):
        proxy.behaviour = behaviour
        with pytest.raises(WemasyError) as raised:
            await call()

        assert (raised.value.code, raised.value.outcome) == ("unreachable", "not_applied")
        assert raised.value.message == "The proxy did not let the request through."
        assert api.requests == []


async def test_a_proxy_may_itself_be_reached_over_tls(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxied(lambda port: Proxy(port, certificates.valid), certificates, monkeypatch) as (proxy, api):
        monkeypatch.setenv("ALL_PROXY", proxy.url.replace("//", "//me:p%40ss@"))
        await call()

        assert proxy.seen.startswith(f"CONNECT {HOST}:443 ".encode())
        assert b"\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n" in proxy.seen
        assert TOKEN.encode() not in proxy.seen
        assert len(api.requests) == 1
