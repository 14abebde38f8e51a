"""Requests as odd clients send them: each is answered or refused, none is lost, and none spoils another's answer."""

import json
import re

import anyio
import pytest

from api_document import SAVE_MEMORY
from support.held_api import Upstream
from support.processes import SECONDS
from support.raw_http import HEAD, LIST, REQUEST, answer_to, post, running, send_for_ever, to_the_end
from wemasy_mcp.transports.http.uvicorn_server import Patience

LAST = REQUEST.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n"
"""As Java's HTTP client sends it with every request."""

SAVE = (
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%b","arguments":{"kind":"fact"}}}'
    % SAVE_MEMORY.tool.encode()
)
CALL = post(SAVE)

LENGTH = b"Content-Length: %d\r\n\r\n" % len(LIST)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"%x\r\n%b\r\n" % (10, LIST[:10]) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(LIST) - 10, LIST[10:])


def asking(*headers: bytes, target: bytes = b"/mcp", host: bytes = b"test") -> bytes:
    """A whole request with these headers, after which the server closes."""
    given = [b"POST %s HTTP/1.1" % target, b"Host: %s" % host, b"Connection: close", *headers]
    return b"\r\n".join([*given, b"Content-Length: %d" % len(LIST), b"", LIST])


AS_JSON = b"Content-Type: application/json"


PHP = LIST.replace(b"}", b',"params":[]}')


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf" + LIST, PHP])
async def test_what_a_client_means_clearly_is_read_as_it_is_meant(body: bytes, upstream: Upstream) -> None:
    assert await answers_to(upstream, post(body).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)) == [200]


@pytest.mark.parametrize(
    "request_",
    [
        asking(AS_JSON, target=b"/mcp/"),
        asking(AS_JSON, target=b"/mcp?x=1"),
        asking(AS_JSON, target=b"http://test/mcp", host=b"elsewhere"),
        asking(AS_JSON, target=b"HTTPS://TEST:443/mcp/", host=b"elsewhere"),
        asking(AS_JSON, host=b"test:443"),
        asking(AS_JSON, host=b"TEST:80"),
        asking(AS_JSON, host=b"test."),
        asking(AS_JSON, host=b"test:"),
        asking(AS_JSON, b"Origin: https://page.example:443"),
        asking(b"Content-Type: Application/JSON; Charset=UTF-8", b"Accept: Application/Json"),
        asking(AS_JSON, b"Accept: */*"),
        asking(AS_JSON, b"Accept: text/html, application/*;q=0.5"),
        asking(AS_JSON, b"Accept: text/html", b"Accept: application/json"),
        asking(AS_JSON, b"Accept: TEXT/event-stream, application/json;q=0"),
        asking(AS_JSON, b"Accept:"),
    ],
)
async def test_what_means_the_same_is_served_the_same(request_: bytes, upstream: Upstream) -> None:
    assert await answers_to(upstream, request_) == [200]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (asking(AS_JSON, target=b"http://elsewhere/mcp"), 421),
        (asking(AS_JSON, target=b"http://user@test/mcp"), 421),
        (asking(AS_JSON, target=b"http://test"), 404),
        (asking(AS_JSON, host=b"test:8443"), 421),
        (asking(AS_JSON, host=b"[test]"), 421),
        (asking(AS_JSON, b"Origin: https://page.example", b"Origin: https://page.example"), 403),
        (asking(AS_JSON, b"Origin: https://page.example, https://page.example"), 403),
        (asking(AS_JSON, b"Origin: https://page.example:80"), 403),
        (asking(AS_JSON, b"Transfer-Encoding: chunked"), 400),
        (asking(AS_JSON, b"Accept: text/html"), 406),
        (asking(AS_JSON, b"Accept: application/json;q=0, text/event-stream; q=0.0"), 406),
        (asking(b"Content-Type: text/plain"), 415),
        (asking(AS_JSON, b"Content-Type: text/plain"), 415),
        (asking(), 415),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
    ],
)
async def test_what_is_refused_is_told_why_in_json(request_: bytes, status: int, upstream: Upstream) -> None:
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=0.3), allowed_origins="https://page.example") as host:
            received = await answer_to(host, request_)

    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close" in head.lower()
    assert set(json.loads(body)) == {"error", "error_description"}


@pytest.mark.parametrize("path", [b"/mcp", b"/healthz", b"/nothing"])
async def test_a_body_that_nobody_reads_ends_the_connection(path: bytes, upstream: Upstream) -> None:
    """An endless one would keep the server busy with throwing it away."""
    head = b"GET %s HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" % path
    chunk = b"10000\r\n%b\r\n" % (b" " * 0x10000)
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience()) as host:
            name, _, port = host.partition(":")
            async with await anyio.connect_tcp(name, int(port)) as connection:
                await connection.send(head)
                answer = await connection.receive()
                with pytest.raises(anyio.BrokenResourceError):
                    await send_for_ever(connection, chunk)

    assert answer.startswith(b"HTTP/1.1 ")


async def test_a_client_that_does_not_read_its_answers_is_dropped(upstream: Upstream) -> None:
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=0.2)) as host:
            name, _, port = host.partition(":")
            async with await anyio.connect_tcp(name, int(port)) as connection:
                with pytest.raises(anyio.BrokenResourceError):
                    await send_for_ever(connection, REQUEST * 100)


async def answers_to(upstream: Upstream, *parts: bytes) -> list[int]:
    """The status of each answer."""
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience(request=0.3), allowed_origins="https://page.example") as host:
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


@pytest.mark.parametrize(
    "wrong", [b"\x00\r\n\r\n", REQUEST[:40] + b"\x00" * 70_000], ids=["no HTTP", "a head without end"]
)
async def test_what_is_wrong_behind_a_call_is_told_after_the_call_s_own_answer(
    wrong: bytes, upstream: Upstream
) -> None:
    statuses = await answers_to(upstream, CALL + wrong)

    assert statuses[0] == 200
    assert statuses[1:] in ([], [400])
    assert len(upstream.bodies) == 1


async def test_a_call_is_answered_whatever_time_the_next_request_takes(upstream: Upstream) -> None:
    upstream.hold()

    async def release_late() -> None:
        await anyio.to_thread.run_sync(upstream.wait_for_request)
        await anyio.sleep(0.6)
        upstream.release()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(release_late)
        assert await answers_to(upstream, CALL + b"POST /mcp HT") == [200]


async def test_what_stands_behind_the_body_is_no_header(upstream: Upstream) -> None:
    head = HEAD.replace(b"Content-Type: application/json\r\n", b"") % b"test"
    trailers = b"Content-Type: application/json\r\n\r\n"

    statuses = await answers_to(upstream, head + CHUNKED + CHUNKS[:-2] + trailers, LAST)

    assert 400 <= statuses[0] < 500
