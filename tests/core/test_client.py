"""What goes over the wire, and what each way in which it can break says about the write."""

import gzip
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import anyio
import anyio.abc
import httpx2
import pytest
from pydantic import SecretStr

from api_document import BASE_URL, OPERATIONS, REQUEST_HEADERS, SAMPLE_ERRORS, SAVE_MEMORY, Operation
from support.fake_api import FakeApi, Request, answer_never
from support.listener import Connection, accepting
from support.program import TOKEN
from support.wire import ENDPOINT, SAVE, Recorded, client_over
from wemasy_mcp.core.client import Attempt, WemasyClient
from wemasy_mcp.core.cooldown import Cooldown
from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.core.protocol import MAX_BODY, Reply
from wemasy_mcp.upstream.connections import MAX_CONNECTIONS

FACT = b'{"kind":"fact"}'


async def call(
    client: WemasyClient,
    tool: str = SAVE,
    body: bytes = FACT,
    *,
    token: str = TOKEN,
    attempt: Attempt | None = None,
) -> Reply:
    with anyio.fail_after(10):
        return await client.call(
            ENDPOINT[tool], body, token=SecretStr(token), user_agent="agent/1", attempt=attempt or Attempt()
        )


async def failing(client: WemasyClient, *, token: str = TOKEN) -> WemasyError:
    with pytest.raises(WemasyError) as raised:
        await call(client, token=token)
    return raised.value


@asynccontextmanager
async def client_at(base_url: str, **options: Any) -> AsyncIterator[WemasyClient]:
    client = WemasyClient(base_url, **{"timeout_seconds": 5, **options})
    try:
        yield client
    finally:
        await client.aclose()


class Stream(httpx2.AsyncByteStream):
    """A body that comes in pieces, and then does what is left to do."""

    def __init__(self, *pieces: bytes, then: Callable[[], Any] | None = None) -> None:
        self._pieces = pieces
        self._then = then

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._then is not None:
            await self._then()


def streaming(
    status: int, stream: Stream, *, timeout_seconds: float = 0.01, headers: dict[str, str] | None = None
) -> WemasyClient:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, stream=stream, headers=headers)

    return WemasyClient(BASE_URL, timeout_seconds=timeout_seconds, transport=httpx2.MockTransport(answer))


async def break_off() -> None:
    raise httpx2.ReadError("")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool)
async def test_a_call_is_one_documented_request(recorded: Recorded, operation: Operation) -> None:
    body = json.dumps(operation.sample_request).encode()

    reply = await call(client_over(recorded), operation.tool, body)

    (request,) = recorded.requests
    assert request.method == operation.method
    assert str(request.url) == operation.url
    assert request.content == body
    assert reply.data == operation.sample_answer["data"]


async def test_a_request_has_the_documented_headers_and_none_that_tells_more(recorded: Recorded) -> None:
    await call(client_over(recorded))

    (request,) = recorded.requests
    headers = dict(request.headers)
    assert UUID(headers.pop("x-request-id"))
    assert headers == {
        **{name: value.format(token=TOKEN) for name, value in REQUEST_HEADERS.items()},
        "host": "api.wemasy.nl",
        # An answer that is not packed cannot be a bomb, and is read even where a proxy mislabels it.
        "accept-encoding": "identity",
        "user-agent": "agent/1",
        "content-length": str(len(FACT)),
    }


async def test_the_bytes_reach_a_real_socket_as_they_were_given() -> None:
    body = '{"kind":"fact","value":"é 👍 \\u0000"}'.encode()

    async with FakeApi() as upstream, client_at(upstream.url) as client:
        reply = await call(client, body=body)

    (request,) = upstream.requests
    assert request.head.startswith(f"POST /api/{SAVE_MEMORY.path} HTTP/1.1\r\n".encode())
    assert request.body == body
    assert reply.data == SAVE_MEMORY.sample_answer["data"]


@pytest.mark.parametrize(("seconds", "says_so"), [(0, True), (60, False)])
async def test_the_last_request_on_a_connection_says_so(seconds: int, says_so: bool) -> None:
    async with (
        FakeApi() as upstream,
        client_at(upstream.url, keepalive_seconds=seconds) as client,
    ):
        await call(client)

    (request,) = upstream.requests
    assert (b"\r\nConnection: close\r\n" in request.head) == says_so


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(recorded: Recorded, status: int) -> None:
    recorded.answer(status, headers={"Location": "https://elsewhere.example/"})

    error = await failing(client_over(recorded))

    assert (error.code, error.status) == ("bad_response", status)
    assert len(recorded.requests) == 1


@pytest.mark.parametrize("status", [401, 422, 429, 500, 503])
async def test_nothing_is_ever_sent_twice(recorded: Recorded, status: int) -> None:
    recorded.answer(status)

    await failing(client_over(recorded))

    assert len(recorded.requests) == 1


async def test_a_cookie_of_one_answer_does_not_go_out_with_the_next_request(recorded: Recorded) -> None:
    client = client_over(recorded)
    recorded.answer(200, SAVE_MEMORY.sample_answer, {"Set-Cookie": "session=another user's; Path=/"})

    await call(client)
    await call(client)

    assert len(recorded.requests) == 2
    assert "cookie" not in recorded.requests[1].headers


NOT_APPLIED = ("unreachable", "not_applied")
TIMED_OUT = ("timed_out", "unknown")
LOST = ("connection_lost", "unknown")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (httpx2.ConnectError, NOT_APPLIED),
        (httpx2.ConnectTimeout, NOT_APPLIED),
        (httpx2.PoolTimeout, NOT_APPLIED),
        (httpx2.ProxyError, NOT_APPLIED),
        (httpx2.ReadTimeout, TIMED_OUT),
        (httpx2.WriteTimeout, TIMED_OUT),
        (httpx2.ReadError, LOST),
        (httpx2.WriteError, LOST),
        (httpx2.CloseError, LOST),
        (httpx2.RemoteProtocolError, LOST),
        (httpx2.LocalProtocolError, LOST),
        (httpx2.UnsupportedProtocol, LOST),
    ],
)
async def test_every_fault_of_the_transport_says_whether_the_write_may_have_happened(
    recorded: Recorded, fault: type[Exception], expected: tuple[str, str]
) -> None:
    recorded.fail(fault, f"the header was Authorization: Bearer {TOKEN}")

    error = await failing(client_over(recorded))

    assert (error.code, error.outcome) == expected
    assert "header" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


async def test_a_defect_after_the_request_was_sent_is_not_taken_for_a_wrong_setting(recorded: Recorded) -> None:
    recorded.fail(ValueError)

    with pytest.raises(ValueError, match="never shown"):
        await call(client_over(recorded))


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (
            ssl.SSLCertVerificationError(1, "self-signed"),
            "Wemasy's TLS certificate could not be verified; `wemasy-mcp doctor` says more.",
        ),
        (
            ssl.SSLError(1, "wrong version"),
            "The TLS handshake with Wemasy failed; `wemasy-mcp doctor` says more.",
        ),
        (socket.gaierror(-2, "no name"), "The host name of WEMASY_BASE_URL, or of a proxy, could not be resolved."),
        (httpx2.ProxyError("407"), "The proxy did not let the request through."),
        (OSError(111, "refused"), "Could not connect to Wemasy, or to the proxy in front of it."),
        (None, "Could not connect to Wemasy, or to the proxy in front of it."),
    ],
)
async def test_why_nothing_could_be_reached_is_said_in_own_words(cause: Exception | None, message: str) -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("never shown") from cause

    error = await failing(WemasyClient(BASE_URL, timeout_seconds=5, transport=httpx2.MockTransport(broken)))

    assert (error.code, error.message) == ("unreachable", message)


async def test_a_connection_that_takes_too_long_is_told_as_that(recorded: Recorded) -> None:
    recorded.fail(httpx2.ConnectTimeout)

    assert (
        await failing(client_over(recorded))
    ).message == "Could not connect in time to Wemasy, or to the proxy in front of it."


async def test_a_port_where_nobody_listens_is_unreachable(unused_port: int) -> None:
    attempt = Attempt()

    async with client_at(f"http://127.0.0.1:{unused_port}/api") as client:
        with pytest.raises(WemasyError) as raised:
            await call(client, attempt=attempt)

    assert (raised.value.code, attempt.sent) == ("unreachable", False)


async def test_a_server_that_speaks_no_tls_is_unreachable() -> None:
    async def answer_in_plain(stream: Connection) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with accepting(answer_in_plain) as port, client_at(f"https://localhost:{port}/api") as client:
        error = await failing(client)

    assert (error.code, error.message) == (
        "unreachable",
        "The TLS handshake with Wemasy failed; `wemasy-mcp doctor` says more.",
    )


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"success":true}',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"success":true}\r\n',
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
async def test_a_connection_that_breaks_before_a_whole_answer_proves_nothing(answer: bytes) -> None:
    async def break_early(request: Request, stream: Connection) -> None:
        await stream.send(answer)
        await stream.aclose()

    attempt = Attempt()

    async with FakeApi(break_early) as upstream, client_at(upstream.url) as client:
        with pytest.raises(WemasyError) as raised:
            await call(client, attempt=attempt)

    assert (raised.value.code, raised.value.outcome) == LOST
    assert attempt.sent
    assert len(upstream.requests) == 1


async def test_a_refusal_is_one_even_if_its_body_breaks_off() -> None:
    async def break_early(request: Request, stream: Connection) -> None:
        await stream.send(b'HTTP/1.1 422 Unprocessable\r\nContent-Length: 500\r\n\r\n{"message":')
        await stream.aclose()

    async with FakeApi(break_early) as upstream, client_at(upstream.url) as client:
        error = await failing(client)

    assert (error.code, error.outcome) == ("validation_failed", "not_applied")


async def test_the_transport_tells_that_the_request_was_sent_and_the_answer_read_whole() -> None:
    attempt = Attempt()

    async with FakeApi() as upstream, client_at(upstream.url) as client:
        await call(client, attempt=attempt)

    assert attempt.sent
    assert attempt.is_complete


@pytest.mark.parametrize("closing", [anyio.sleep_forever, break_off])
async def test_a_whole_answer_counts_even_if_the_connection_does_not_close(closing: Callable[[], Any]) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        async def tell_and_close() -> None:
            await request.extensions["trace"]("http11.receive_response_body.complete", {})
            await closing()

        whole = json.dumps(SAVE_MEMORY.sample_answer).encode()
        return httpx2.Response(200, stream=Stream(whole, then=tell_and_close))

    client = WemasyClient(BASE_URL, timeout_seconds=0.01, transport=httpx2.MockTransport(answer))

    assert (await call(client)).data == SAVE_MEMORY.sample_answer["data"]


@pytest.mark.parametrize(("status", "code"), [(200, "connection_lost"), (422, "validation_failed")])
async def test_a_body_that_breaks_off_matters_only_where_the_status_alone_proves_nothing(
    status: int, code: str
) -> None:
    assert (await failing(streaming(status, Stream(b'{"message"', then=break_off)))).code == code


@pytest.mark.parametrize(("status", "code"), [(200, "timed_out"), (422, "validation_failed"), (500, "server_failed")])
async def test_a_body_that_never_ends_is_cut_off_at_the_deadline(status: int, code: str) -> None:
    assert (await failing(streaming(status, Stream(b"{", then=anyio.sleep_forever)))).code == code


async def test_a_trickled_body_does_not_put_the_deadline_off() -> None:
    async def trickle() -> None:
        async with anyio.create_task_group():
            while True:
                await anyio.lowlevel.checkpoint()

    error = await failing(streaming(200, Stream(*[b" "] * 100, then=trickle)))

    assert (error.code, error.message) == ("timed_out", "Wemasy did not answer within 0.01 seconds.")


async def test_no_answer_within_the_deadline_leaves_the_write_unknown() -> None:
    async with FakeApi(answer_never) as upstream, client_at(upstream.url, timeout_seconds=0.5) as client:
        error = await failing(client)

    assert (error.code, error.outcome) == TIMED_OUT
    assert len(upstream.requests) == 1


async def test_a_proxy_that_never_answers_makes_it_unreachable_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FakeApi(answer_never) as proxy, client_at(BASE_URL, timeout_seconds=0.05) as client:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        error = await failing(client)

    assert (error.code, error.message) == ("unreachable", "Wemasy could not be reached within 0.05 seconds.")


@pytest.mark.parametrize(
    ("status", "code"), [(200, "bad_response"), (422, "validation_failed"), (500, "server_failed")]
)
async def test_a_body_over_one_mebibyte_is_not_read_on(status: int, code: str) -> None:
    async def no_more() -> None:
        raise AssertionError("read on")

    attempt = Attempt()
    whole = Stream(*[b" " * 65_536] * (MAX_BODY // 65_536), b"  ", then=no_more)

    with pytest.raises(WemasyError) as raised:
        await call(streaming(status, whole, timeout_seconds=5), attempt=attempt)

    assert raised.value.code == code
    assert not attempt.body


@pytest.mark.parametrize(("status", "code"), [(200, "bad_response"), (422, "validation_failed")])
@pytest.mark.parametrize("body", [b"not packed at all", gzip.compress(b" " * 5_000_000)], ids=["garbage", "bomb"])
async def test_a_body_that_cannot_be_unpacked_or_is_a_bomb_is_no_body(status: int, code: str, body: bytes) -> None:
    client = streaming(status, Stream(body), timeout_seconds=5, headers={"Content-Encoding": "gzip"})

    assert (await failing(client)).code == code


async def test_an_answer_that_is_packed_all_the_same_is_read(recorded: Recorded) -> None:
    recorded.answer(200, gzip.compress(json.dumps(SAVE_MEMORY.sample_answer).encode()), {"Content-Encoding": "gzip"})

    assert (await call(client_over(recorded))).data == SAVE_MEMORY.sample_answer["data"]


async def test_where_no_connection_is_kept_every_write_has_its_own() -> None:
    async with FakeApi() as upstream, client_at(upstream.url, keepalive_seconds=0) as client:
        await call(client)
        await call(client)

    assert (upstream.connections, len(upstream.requests)) == (2, 2)


async def test_a_call_that_found_no_free_connection_was_not_sent() -> None:
    attempt = Attempt()

    async with (
        FakeApi(answer_never) as upstream,
        client_at(upstream.url, timeout_seconds=20) as client,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(MAX_CONNECTIONS):
            tasks.start_soon(failing, client)
        with anyio.fail_after(10):
            while len(upstream.requests) < MAX_CONNECTIONS:
                await anyio.lowlevel.checkpoint()
        tasks.start_soon(_expect_not_sent, client, attempt)
        await anyio.wait_all_tasks_blocked()
        client.stop()

    assert not attempt.sent
    assert len(upstream.requests) == MAX_CONNECTIONS


async def _expect_not_sent(client: WemasyClient, attempt: Attempt) -> None:
    with pytest.raises(WemasyError) as raised:
        await call(client, attempt=attempt)
    assert (raised.value.code, raised.value.message) == (
        "unreachable",
        "The server was stopped before the call was sent.",
    )


async def test_calls_under_way_when_the_server_stops_are_told_the_truth() -> None:
    told: list[WemasyError] = []

    async def hold(client: WemasyClient) -> None:
        told.append(await failing(client))

    async with FakeApi(answer_never) as upstream, client_at(upstream.url) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hold, client)
            await upstream.arrived.wait()
            client.stop()
        told.append(await failing(client))

    assert [(error.code, error.outcome) for error in told] == [("shutting_down", "unknown"), NOT_APPLIED]
    assert len(upstream.requests) == 1


async def test_calls_inside_a_wait_that_was_asked_for_are_not_sent(recorded: Recorded) -> None:
    now = 1000.0
    client = WemasyClient(
        BASE_URL, timeout_seconds=5, cooldown=Cooldown(clock=lambda: now), transport=recorded.transport()
    )
    recorded.answer(429, *SAMPLE_ERRORS[429])
    first = await failing(client)
    now += 17.5

    inside = await failing(client)

    assert (first.message, first.retry_after_seconds) == ("Too Many Attempts.", 60)
    assert (inside.code, inside.retry_after_seconds) == ("rate_limited", 43)
    assert len(recorded.requests) == 1

    another = await failing(client, token="8|another-account")
    assert another.message == "Too Many Attempts."
    assert len(recorded.requests) == 2

    now += 43
    after = await failing(client)
    assert after.message == "Too Many Attempts."
    assert len(recorded.requests) == 3


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "0"}])
async def test_a_429_without_a_usable_wait_keeps_nothing_back(recorded: Recorded, headers: dict[str, str]) -> None:
    client = client_over(recorded)
    recorded.answer(429, b"", headers)

    await failing(client)
    await failing(client)

    assert len(recorded.requests) == 2


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("HTTPS_PROXY", "nonsense://127.0.0.1:1", "HTTPS_PROXY names a proxy of an unknown kind"),
        ("SSL_CERT_FILE", "/nowhere/certificates.pem", "SSL_CERT_FILE or SSL_CERT_DIR"),
    ],
)
async def test_an_environment_that_no_client_can_be_made_in_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)

    error = await failing(WemasyClient(BASE_URL, timeout_seconds=5))

    assert (error.code, error.outcome) == ("not_configured", "not_applied")
    assert named in error.message
    assert value not in error.message


async def test_a_proxy_of_the_environment_never_sees_loopback_traffic(
    monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{unused_port}")

    async with FakeApi() as upstream, client_at(upstream.url) as client:
        assert await call(client)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "The proxy did not let the"),
        (b"HTTP/1.1 200 Connection established\r\n\r\n", "The TLS handshake with Wemasy failed"),
    ],
)
async def test_a_proxy_s_connect_is_not_the_request(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, message: str
) -> None:
    async def refuse(request: Request, stream: Connection) -> None:
        await stream.send(answer)
        await stream.receive()
        await stream.send(b"no TLS")
        await stream.aclose()

    async with FakeApi(refuse) as proxy, client_at(BASE_URL) as client:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        error = await failing(client)

    assert (error.code, error.outcome) == NOT_APPLIED
    assert error.message.startswith(message)
    assert proxy.requests[0].head.startswith(b"CONNECT api.wemasy.nl:443 ")
    assert TOKEN.encode() not in proxy.requests[0].head


async def test_a_client_that_was_never_used_closes_too(recorded: Recorded) -> None:
    await client_over(recorded).aclose()

    assert recorded.requests == []
