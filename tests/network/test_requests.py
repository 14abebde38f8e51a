"""Requests as odd clients send them: whichever parser is installed, each is answered or refused, and none is lost."""

import re

import anyio
import pytest

from network.processes import SECONDS
from network.raw_http import HEAD, LIST, REQUEST, answer_to, running, to_the_end
from network.upstream import Upstream
from wemasy_mcp.http.server import Patience

pytestmark = pytest.mark.usefixtures("http_stack")

LAST = REQUEST.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n"
"""As Java's HTTP client sends it with every request."""

LENGTH = b"Content-Length: %d\r\n\r\n" % len(LIST)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"%x\r\n%b\r\n" % (10, LIST[:10]) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(LIST) - 10, LIST[10:])


async def answers_to(upstream: Upstream, *parts: bytes) -> list[int]:
    """The status of each answer."""
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=0.3)) as host:
            received = await answer_to(host, *parts)
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)]


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD % b"test" + OFFER + LENGTH + LIST],
        [HEAD % b"test" + OFFER + LENGTH, LIST],
        [HEAD % b"test" + OFFER + LENGTH + LIST[:5], LIST[5:]],
        [HEAD % b"test" + OFFER + CHUNKED + CHUNKS],
        [HEAD % b"test" + OFFER[:50], OFFER[50:] + CHUNKED, CHUNKS[:20], CHUNKS[20:]],
    ],
    ids=["at once", "body apart", "half a body", "chunked", "chunked in pieces"],
)
async def test_a_client_that_offers_http_2_is_answered_in_http_1(parts: list[bytes], upstream: Upstream) -> None:
    assert await answers_to(upstream, *parts, LAST) == [200, 200]


async def test_a_client_that_offers_http_2_in_its_last_request_is_answered_too(upstream: Upstream) -> None:
    offer = OFFER.replace(b"Upgrade,", b"close, Upgrade,", 1)

    assert await answers_to(upstream, HEAD % b"test" + offer + LENGTH + LIST, REQUEST) == [200]


async def test_a_body_that_an_offer_leaves_out_is_waited_for_in_vain(upstream: Upstream) -> None:
    assert await answers_to(upstream, HEAD % b"test" + OFFER + LENGTH + LIST[:-1]) == []


async def test_requests_sent_without_waiting_are_all_answered(upstream: Upstream) -> None:
    offering = HEAD % b"test" + OFFER + LENGTH + LIST

    assert await answers_to(upstream, REQUEST + offering * 500 + LAST) == [200] * 502


async def test_a_connection_to_elsewhere_is_not_made(upstream: Upstream) -> None:
    (status,) = await answers_to(
        upstream, b"CONNECT example.com:443 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    )

    assert 400 <= status < 500


async def test_line_ends_alone_do_not_keep_a_connection(upstream: Upstream) -> None:
    """h11 answers them 400, httptools drops them."""
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=0.1)) as host:
            name, _, port = host.partition(":")
            async with (
                await anyio.connect_tcp(name, int(port)) as new,
                await anyio.connect_tcp(name, int(port)) as used,
            ):
                await used.send(REQUEST)
                assert (await used.receive()).startswith(b"HTTP/1.1 200 OK")
                for connection in (new, used):
                    await connection.send(b"\r\n")
                    await to_the_end(connection)


async def test_what_is_no_http_is_refused(upstream: Upstream) -> None:
    assert await answers_to(upstream, b"\x16\x03\x01\x02\x00\x01\r\n\r\n") == [400]
