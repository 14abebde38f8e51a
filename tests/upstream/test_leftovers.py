"""What is left over on a kept connection never becomes the answer to the next write, however it comes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise

import anyio
import anyio.lowlevel
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from api_document import SAVE_MEMORY
from support.answers import answer
from support.certificates import Certificates, make_certificates
from support.fake_api import FakeApi, Request, Respond
from support.listener import Connection
from support.program import TOKEN
from support.proxy import Proxy
from support.wire import ENDPOINT, SAVE
from wemasy_mcp.core.client import Attempt, WemasyClient
from wemasy_mcp.core.errors import BadResponse
from wemasy_mcp.upstream.open import open_upstream

PROXIED_HOST = "proxied.invalid"
SAMPLE = SAVE_MEMORY.sample_answer
FORGED_HEAD = b"HTTP/1.1 422 X\r\nContent-Length: 0\r\n\r\n"
LEFTOVERS = {
    "a head": FORGED_HEAD,
    "a head with bare line ends": b"HTTP/1.1 422 X\nContent-Length: 0\n\n",
    "a head and a body": answer(200, SAMPLE | {"data": {"id": 99}}),
    "half a head": b"HTTP/1.1 422 X\r\nX-Half: ",
    "a line end": b"\r\n",
    "an interim answer": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "a byte": b"\x00",
}


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def sized(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def sized_with_bare_line_ends(body: bytes) -> bytes:
    return sized(body).replace(b"\r\n", b"\n")


def after_an_interim_answer(body: bytes) -> bytes:
    return b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + sized(body)


def chunked(body: bytes) -> bytes:
    return CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def chunked_with_blank_lines(body: bytes) -> bytes:
    spaced = b"\r\n\r\n" + body + b"\r\n\r\n"
    return CHUNKED + b"3\r\n%b\r\n%x\r\n%b\r\n0\r\nX-Trailer: 1\r\n\r\n" % (spaced[:3], len(spaced) - 3, spaced[3:])


FORMS = (sized, sized_with_bare_line_ends, after_an_interim_answer, chunked, chunked_with_blank_lines)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), "127.0.0.1", PROXIED_HOST)


Call = Callable[[], Awaitable[object]]
"""Makes a write and returns the id that it was given."""

Calling = Callable[[Respond], AbstractAsyncContextManager[tuple[FakeApi, Call]]]


@pytest.fixture
def proxies() -> list[Proxy]:
    """The proxies that were used."""
    return []


@pytest.fixture(params=["plain", "TLS", "a proxy"])
def calling(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    certificates: Certificates,
    proxies: list[Proxy],
) -> Calling:
    """Return what starts an API and a client of it, with this between them."""
    tls = {"plain": None, "TLS": certificates.valid, "a proxy": certificates.proxied}[request.param]

    @asynccontextmanager
    async def start(respond: Respond) -> AsyncIterator[tuple[FakeApi, Call]]:
        async with FakeApi(respond, tls) as upstream, Proxy(upstream.port) as proxy:
            monkeypatch.setenv("SSL_CERT_FILE", str(certificates.trusted))
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            if request.param == "a proxy":
                proxies.append(proxy)
            base_url = f"https://{PROXIED_HOST}/api" if request.param == "a proxy" else upstream.url
            client = WemasyClient(base_url, timeout_seconds=5, keepalive_seconds=30)

            async def call() -> object:
                reply = await client.call(
                    ENDPOINT[SAVE], b'{"kind":"fact"}', token=SecretStr(TOKEN), user_agent="agent/1", attempt=Attempt()
                )
                return reply.data and reply.data["id"]

            try:
                with anyio.fail_after(10):
                    yield upstream, call
            finally:
                await client.aclose()

    return start


def whole_answer(form: Callable[[bytes], bytes], record_id: int) -> bytes:
    return form(json.dumps(SAMPLE | {"data": {"id": record_id}}).encode())


@pytest.mark.parametrize("leftover", LEFTOVERS.values(), ids=LEFTOVERS)
@pytest.mark.parametrize("form", FORMS)
async def test_what_comes_with_an_answer_is_not_the_next_one(
    form: Callable[[bytes], bytes], leftover: bytes, calling: Calling
) -> None:
    async def respond(request: Request, stream: Connection) -> None:
        # One send is one packet, and inside TLS one record.
        await stream.send(whole_answer(form, len(upstream.requests)) + leftover)

    async with calling(respond) as (upstream, call):
        assert [await call() for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("size_of_pieces", [1, 7])
@pytest.mark.parametrize("form", FORMS)
async def test_what_comes_with_the_last_piece_of_an_answer_is_not_the_next_one(
    form: Callable[[bytes], bytes], size_of_pieces: int, calling: Calling
) -> None:
    async def respond(request: Request, stream: Connection) -> None:
        whole = whole_answer(form, len(upstream.requests))
        *pieces, last = (whole[start : start + size_of_pieces] for start in range(0, len(whole), size_of_pieces))
        for piece in (*pieces, last + FORGED_HEAD):
            await stream.send(piece)

    async with calling(respond) as (upstream, call):
        assert [await call() for _ in range(2)] == [1, 2]


async def write_thrice(calling: Calling, proxies: list[Proxy], leave: Callable[[Connection], Awaitable[None]]) -> int:
    """Make three writes; after each, leave something behind. Return how many connections they took."""
    streams: list[Connection] = []

    async def respond(_: Request, stream: Connection) -> None:
        streams.append(stream)
        await stream.send(whole_answer(sized, len(upstream.requests)))

    async with calling(respond) as (upstream, call):
        for number in (1, 2, 3):
            assert await call() == number
            # It lies in the client's kernel when the next call begins.
            passed_back = [proxy.passed_back[-1] for proxy in proxies]
            await leave(streams[-1])
            while proxies and [proxy.passed_back[-1] for proxy in proxies] == passed_back:
                await anyio.lowlevel.checkpoint()
    return upstream.connections


@pytest.mark.parametrize("leftover", LEFTOVERS.values(), ids=LEFTOVERS)
async def test_what_comes_after_an_answer_is_not_the_next_one(
    leftover: bytes, calling: Calling, proxies: list[Proxy]
) -> None:
    assert await write_thrice(calling, proxies, lambda stream: stream.send(leftover)) == 3


async def test_part_of_a_tls_record_that_came_after_an_answer_does_not_begin_the_next_one(
    calling: Calling, proxies: list[Proxy]
) -> None:
    async def send_under_tls(stream: Connection) -> None:
        with stream.socket.dup() as socket:
            # The head of a record of 256 bytes, and the first of them.
            socket.send(b"\x17\x03\x03\x01\x00" + bytes(15))

    assert await write_thrice(calling, proxies, send_under_tls) == 3


async def test_an_answer_without_a_body_ends_with_its_head(calling: Calling) -> None:
    async def respond(request: Request, stream: Connection) -> None:
        # The length that a 204 announces says nothing of what follows.
        bodiless = b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(FORGED_HEAD)
        is_first = len(upstream.requests) == 1
        await stream.send(bodiless + FORGED_HEAD if is_first else whole_answer(sized, len(upstream.requests)))

    async with calling(respond) as (upstream, call):
        with pytest.raises(BadResponse):
            await call()
        assert await call() == 2


@pytest.mark.parametrize("form", FORMS)
async def test_a_connection_with_nothing_left_on_it_is_used_again(
    form: Callable[[bytes], bytes], calling: Calling
) -> None:
    async def respond(request: Request, stream: Connection) -> None:
        await stream.send(whole_answer(form, len(upstream.requests)))

    async with calling(respond) as (upstream, call):
        assert [await call() for _ in range(3)] == [1, 2, 3]

    assert upstream.connections == 1


@given(
    form=st.sampled_from(FORMS),
    leftover=st.lists(st.sampled_from(list(LEFTOVERS.values())) | st.binary(min_size=1, max_size=9), max_size=4),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
@settings(max_examples=60)
def test_no_leftover_in_no_pieces_is_the_next_answer(
    form: Callable[[bytes], bytes], leftover: list[bytes], cuts: list[int]
) -> None:
    async def respond(request: Request, stream: Connection) -> None:
        whole = whole_answer(form, len(api.requests)) + b"".join(leftover)
        end = len(whole) - len(b"".join(leftover))
        # What comes in a later piece may come after the next request, and is like its answer to everybody.
        for start, stop in pairwise(sorted({0, len(whole), *(cut for cut in cuts if cut < end)})):
            await stream.send(whole[start:stop])

    async def call_twice() -> list[int]:
        async with api:
            opened = open_upstream(api.url, 30)
            found = []
            for _ in range(2):
                response = await opened.handle_async_request(httpx2.Request("POST", api.url, content=b"{}"))
                found.append(json.loads(await response.aread())["data"]["id"])
            await opened.aclose()
            return found

    api = FakeApi(respond)
    assert asyncio.run(asyncio.wait_for(call_twice(), 10)) == [1, 2]
    assert api.connections == (2 if leftover else 1)
