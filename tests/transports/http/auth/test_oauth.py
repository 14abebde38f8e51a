"""OAuth 2 access tokens: who is let in, and how the others find the issuer."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import anyio
import httpx2
import pytest

from api_document import SAVE_MEMORY
from support.held_api import Upstream
from support.issuer import AUDIENCE, ISSUER, Issuer
from support.processes import SECONDS, WAYS, ServerProcess, Way, connect, serving
from support.refusals import Refusal
from wemasy_mcp.transports.http.auth.jwks import (
    FRESH_SECONDS,
    PAUSE_SECONDS,
    TRUST_SECONDS,
    JwkSet,
    KeysUnavailableError,
)

HOUR = 3600
URL = "https://issuer.example/keys"
OAUTH = {"WEMASY_AUTH_ISSUER": ISSUER, "WEMASY_AUTH_AUDIENCE": AUDIENCE}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def servers(issuer: Issuer) -> Iterator[dict[str, ServerProcess]]:
    with Upstream().in_thread() as keys:
        keys.answer = (200, issuer.public_keys(), {})
        settings = {**OAUTH, "WEMASY_AUTH_JWKS_URL": f"{keys.url}/keys"}
        with (
            serving("--transport", "streamable-http", "--sandbox", **settings) as streamable,
            serving("--transport", "sse", "--sandbox", **settings) as sse,
        ):
            yield {"streamable-http": streamable, "sse": sse}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("key", "algorithm"), [("rsa", "RS256"), ("ec", "ES256")])
async def test_a_token_of_the_issuer_is_taken(
    way: Way, key: str, algorithm: str, issuer: Issuer, servers: dict[str, ServerProcess]
) -> None:
    server = servers[way.partition(" ")[0]]
    with anyio.fail_after(SECONDS):
        async with connect(server.url, way, {"Authorization": f"Bearer {issuer.token(key, algorithm)}"}) as client:
            result = await client.call_tool(SAVE_MEMORY.tool, {"kind": "fact"})

    assert result.is_error is False


def test_one_audience_of_several_is_enough(issuer: Issuer, servers: dict[str, ServerProcess]) -> None:
    token = issuer.token(aud=["https://other.example", AUDIENCE], client_id=None)

    assert ask(servers["streamable-http"], token).status_code == 200


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -HOUR},
        {"exp": None},
        {"nbf": HOUR},
        {"iat": HOUR},
        {"exp": -61},
        {"nbf": 90},
        {"aud": "https://other.example"},
        {"aud": None},
        {"aud": f"{AUDIENCE}/"},
        {"iss": "https://evil.example/"},
        {"iss": ISSUER.rstrip("/")},
        {"iss": None},
        {"sub": 7},
        {"iat": "soon"},
        {"header": {"kid": "unknown"}, "iat": -HOUR},
        {"header": {"kid": "unknown"}, "iat": None},
        {"header": {"kid": "ec"}},
    ],
    ids=str,
)
def test_any_other_token_is_refused_and_the_issuer_named(
    changes: dict[str, Any], issuer: Issuer, servers: dict[str, ServerProcess]
) -> None:
    given: dict[str, Any] = {
        name: in_seconds(value) if name in {"exp", "nbf", "iat"} and isinstance(value, int) else value
        for name, value in changes.items()
    }
    server = servers["streamable-http"]

    answer = ask(server, issuer.token(**given))

    assert answer.status_code == 401
    assert f'resource_metadata="http://127.0.0.1:{server.port}/.well-known/' in answer.headers["www-authenticate"]


def test_a_token_that_anybody_can_make_is_refused(issuer: Issuer, servers: dict[str, ServerProcess]) -> None:
    """Unsigned, or signed with the published key as if it were a shared secret (RFC 8725, section 2.1)."""
    _, claims, _ = issuer.token().split(".")
    public = json.dumps(issuer.public_keys()["keys"][0]).encode()

    def made(algorithm: str) -> str:
        signed = f"{encoded({'alg': algorithm, 'kid': 'rsa'})}.{claims}"
        signature = base64.urlsafe_b64encode(hmac.digest(public, signed.encode(), hashlib.sha256)).decode().rstrip("=")
        return f"{signed}.{signature if algorithm != 'none' else ''}"

    tokens = [made("none"), made("HS256"), "no.token", "", issuer.token()[:-4]]
    codes = [ask(servers["streamable-http"], token).status_code for token in tokens]

    assert codes == [401] * 5


def encoded(header: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")


def ask(server: ServerProcess, token: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}".strip(), "Accept": "application/json"}
    return httpx2.post(server.url, json=LIST, headers=headers, timeout=SECONDS)


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_a_stranger_can_find_the_issuer(method: str, servers: dict[str, ServerProcess]) -> None:
    """RFC 9728: the challenge names the metadata, and the metadata names the resource and its issuer."""
    for path, server in (("mcp", servers["streamable-http"]), ("sse", servers["sse"])):
        answer = httpx2.request(method, server.url)
        challenge = answer.headers["www-authenticate"]
        metadata = httpx2.get(challenge.partition('resource_metadata="')[2].rstrip('"')).json()

        assert (answer.status_code, "error" in challenge) == (401, False)
        assert metadata["resource"] == f"http://127.0.0.1:{server.port}/{path}"
        assert metadata["authorization_servers"] == [ISSUER]
        assert "scopes_supported" not in metadata
        assert httpx2.get(f"{server.origin}/.well-known/oauth-protected-resource/").json() == metadata


def test_an_audience_that_is_a_url_of_the_server_is_the_resource() -> None:
    """The letters count: clients compare them with the URL that they were given."""
    settings = {
        **OAUTH,
        "WEMASY_AUTH_JWKS_URL": "https://issuer.example/keys",
        "WEMASY_ALLOWED_HOSTS": "mcp.example.com",
    }
    with serving("--transport", "streamable-http", "--sandbox", **settings) as server:
        answer = httpx2.get(
            f"{server.origin}/.well-known/oauth-protected-resource/mcp", headers={"Host": "mcp.example.com"}
        )

    assert answer.json()["resource"] == AUDIENCE


def test_a_token_that_cannot_be_judged_yet_is_not_called_invalid(issuer: Issuer) -> None:
    settings = {**OAUTH, "WEMASY_AUTH_JWKS_URL": "http://127.0.0.1:9/keys"}
    with serving("--transport", "streamable-http", "--sandbox", **settings) as server:
        ready = httpx2.get(f"{server.origin}/readyz")
        answer = ask(server, issuer.token())
        server.terminate()
        server.wait()

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert (ready.status_code, ready.text) == (503, "without the issuer's keys")
    assert server.log.count("the keys at WEMASY_AUTH_JWKS_URL could not be fetched: ConnectError") == 1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"WEMASY_AUTH_AUDIENCE": ""}, "WEMASY_AUTH_AUDIENCE is not set; WEMASY_AUTH_ISSUER and WEMASY_AUTH_JWKS_URL"),
        ({"WEMASY_AUTH_JWKS_URL": ""}, "WEMASY_AUTH_JWKS_URL is not set"),
        ({"WEMASY_AUTH_ISSUER": "http://issuer.example"}, "WEMASY_AUTH_ISSUER should be an https URL"),
        ({"WEMASY_AUTH_JWKS_URL": "https://[half"}, "WEMASY_AUTH_JWKS_URL should be an https URL"),
        ({"WEMASY_AUTH_JWKS_URL": "/keys"}, "WEMASY_AUTH_JWKS_URL should be an https URL"),
        (
            dict.fromkeys(("WEMASY_AUTH_ISSUER", "WEMASY_AUTH_AUDIENCE", "WEMASY_AUTH_JWKS_URL"), "")
            | {"WEMASY_AUTH_SCOPES": "memory.write"},
            "WEMASY_AUTH_SCOPES needs WEMASY_AUTH_ISSUER",
        ),
        (
            {"WEMASY_SERVER_TOKEN": "a-secret-of-16-letters"},
            "WEMASY_AUTH_ISSUER cannot be combined with WEMASY_SERVER_TOKEN",
        ),
    ],
)
def test_an_issuer_that_cannot_be_used_ends_the_start(settings: dict[str, str], named: str, refusal: Refusal) -> None:
    usable = {**OAUTH, "WEMASY_AUTH_JWKS_URL": URL}

    assert named in refusal("--transport", "sse", **{**usable, **settings})


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Published:
    """What the issuer publishes, and how often it was asked."""

    def __init__(self, document: object) -> None:
        self.document = document
        self.asked = 0

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        return self.document if isinstance(self.document, httpx2.Response) else httpx2.Response(200, json=self.document)


async def found(keys: JwkSet, key_id: str, token_age: float = 3600) -> str | None:
    """The id of the key that signed a token of that key id."""
    key = await keys.find(lambda each: each.kid == key_id, key_id, token_age)
    return key.kid if key else None


async def test_a_new_key_is_fetched_but_made_up_ones_are_no_storm(issuer: Issuer) -> None:
    published, clock = Published(issuer.public_keys(ids=("rsa",))), Clock()
    keys = JwkSet(URL, clock, published.transport())

    for _ in range(100):
        assert await found(keys, "rsa") is not None
        assert await found(keys, "made-up") is None
        assert await found(keys, "ec") is None
    assert published.asked == 1

    published.document = issuer.public_keys()
    clock.now += PAUSE_SECONDS

    assert await found(keys, "ec") is not None
    assert published.asked == 2


async def test_a_withdrawn_key_is_dropped(issuer: Issuer) -> None:
    published, clock = Published(issuer.public_keys()), Clock()
    keys = JwkSet(URL, clock, published.transport())
    assert await found(keys, "rsa") is not None

    published.document = issuer.public_keys(ids=("ec",))
    clock.now += FRESH_SECONDS

    assert await found(keys, "rsa") is None
    assert await found(keys, "ec") is not None


@pytest.mark.parametrize(
    "document",
    [
        httpx2.Response(500),
        httpx2.Response(302, headers={"Location": "http://127.0.0.1/keys"}),
        httpx2.Response(200, content=b"<html>"),
        httpx2.Response(200, content=b"\xff\xfe"),
        httpx2.Response(200, content=b" " * 5 * 2**20),
        httpx2.Response(200, content=b"[" * 100_000),
        httpx2.Response(200, content=b'{"keys": %s}' % (b"[" * 50_000 + b"]" * 50_000)),
        httpx2.Response(200, content=b'{"keys": [%s]}' % (b"1" * 10_000)),
        [],
        {"keys": None},
        {"keys": "rsa"},
        {"keys": {"kty": "RSA"}},
        {"keys": [[]]},
        {"keys": [{"kty": ["RSA"], "kid": "rsa"}]},
    ],
    ids=[
        *("500", "a redirect", "HTML", "not UTF-8", "5 MiB", "deep", "deep keys", "a long number", "a list", "null"),
        *("a text", "a key", "no keys", "lists for texts"),
    ],
)
async def test_keys_outlive_an_issuer_that_fails_for_an_hour(
    document: object, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    published, clock = Published(document), Clock()
    keys = JwkSet(URL, clock, published.transport())
    for _ in range(3):
        with pytest.raises(KeysUnavailableError):
            await found(keys, "rsa")
    assert len(caplog.messages) == 1
    assert not await keys.could_admit()

    published.document = issuer.public_keys()
    clock.now += PAUSE_SECONDS
    assert await found(keys, "rsa") is not None
    assert await keys.could_admit()
    published.document = document
    clock.now += FRESH_SECONDS
    assert await found(keys, "rsa") is not None
    assert await keys.could_admit()
    clock.now += TRUST_SECONDS - FRESH_SECONDS

    with pytest.raises(KeysUnavailableError):
        await found(keys, "rsa")
    assert not await keys.could_admit()


@pytest.mark.parametrize("keys", [[], [{"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"}]], ids=["none", "a shared secret"])
async def test_an_issuer_that_withdraws_all_keys_is_obeyed(keys: list[object], issuer: Issuer) -> None:
    published, clock = Published(issuer.public_keys()), Clock()
    known = JwkSet(URL, clock, published.transport())
    assert await found(known, "rsa") is not None

    published.document = {"keys": keys}
    clock.now += FRESH_SECONDS

    assert await found(known, "rsa") is None
    assert not await known.could_admit()


async def test_a_key_published_since_the_last_fetch_is_waited_for(issuer: Issuer) -> None:
    """Called invalid, the client would throw its token away."""
    published, clock = Published(issuer.public_keys(ids=("rsa",))), Clock()
    keys = JwkSet(URL, clock, published.transport())
    assert await found(keys, "rsa") is not None
    published.document = issuer.public_keys()
    clock.now += 10

    with pytest.raises(KeysUnavailableError) as raised:
        await found(keys, "ec", token_age=5)
    assert await found(keys, "made-up", token_age=60) is None
    clock.now += raised.value.retry_after

    assert raised.value.retry_after == PAUSE_SECONDS - 10
    assert await found(keys, "ec", token_age=5 + raised.value.retry_after) is not None
    assert published.asked == 2


async def test_an_issuer_that_does_not_answer_is_waited_for_briefly(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wemasy_mcp.transports.http.auth.jwks.FETCH_SECONDS", 0.01)

    async def never(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    with anyio.fail_after(SECONDS), pytest.raises(KeysUnavailableError):
        await found(JwkSet(URL, Clock(), httpx2.MockTransport(never)), "rsa")

    assert "no answer within" in caplog.text


async def test_nobody_waits_for_an_issuer_when_the_key_is_known(issuer: Issuer) -> None:
    clock, asked, answer = Clock(), anyio.Event(), anyio.Event()

    async def slow(request: httpx2.Request) -> httpx2.Response:
        if clock.now:
            asked.set()
            await answer.wait()
        return httpx2.Response(200, json=issuer.public_keys())

    keys = JwkSet(URL, clock, httpx2.MockTransport(slow))
    await found(keys, "rsa")
    clock.now += FRESH_SECONDS

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(found, keys, "rsa")
            await asked.wait()

            assert await found(keys, "rsa") is not None
            answer.set()
