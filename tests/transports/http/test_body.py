"""Bodies are bounded, one and all together; small ones are served however many large ones are on their way."""

import gc
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest
from mcp.types import JSONRPCRequest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from support.processes import SECONDS
from wemasy_mcp.json_weight import COPIES, SMALL, weigh
from wemasy_mcp.transports.http.body import MAX_BODY, Bodies, WholeBody


def message(length: int) -> bytes:
    """A message of so many bytes."""
    return b'{"jsonrpc":"2.0","id":1,"method":"ping"}'.ljust(length)


SIGNS = weigh(message(0)) - len(message(0))


async def length(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    await PlainTextResponse(str(len(message["body"])))(scope, receive, send)


async def post(app: WholeBody, content: bytes | AsyncIterator[bytes]) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as http:
        return await http.post("http://test/", content=content, headers={"Content-Type": "application/json"})


async def test_large_messages_share_what_there_is_and_small_ones_do_not_need_it() -> None:
    complete = anyio.Event()

    async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        if len(message["body"]) > SMALL:
            await complete.wait()
        await PlainTextResponse(str(len(message["body"])))(scope, receive, send)

    app = WholeBody(slowly, Bodies((1 + COPIES) * SMALL + SIGNS))
    large: list[httpx2.Response] = []

    async def send_large() -> None:
        large.append(await post(app, message(2 * SMALL)))

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_large)
            await anyio.wait_all_tasks_blocked()
            crowded_out = await post(app, message(SMALL + 1))
            small = await post(app, message(SMALL - SIGNS))
            complete.set()
        afterwards = await post(app, message(2 * SMALL))

    assert (crowded_out.status_code, crowded_out.headers["retry-after"]) == (503, "5")
    assert [answer.text for answer in (small, *large, afterwards)] == [
        str(SMALL - SIGNS),
        str(2 * SMALL),
        str(2 * SMALL),
    ]


async def test_what_has_arrived_of_a_message_counts_too() -> None:
    app = WholeBody(length, Bodies(SMALL))

    async def slow() -> AsyncIterator[bytes]:
        yield message(2 * SMALL)
        await anyio.sleep_forever()

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(post, app, slow())
            await anyio.wait_all_tasks_blocked()
            answers = [await post(app, message(SMALL + 1)), await post(app, message(SMALL - SIGNS))]
            tasks.cancel_scope.cancel()

    assert [answer.status_code for answer in answers] == [503, 200]


@pytest.mark.parametrize("times", [1, 3])
async def test_what_was_refused_or_dropped_is_held_no_longer(times: int) -> None:
    app = WholeBody(length, Bodies((1 + COPIES) * MAX_BODY))

    async def too_long() -> AsyncIterator[bytes]:
        yield b" " * MAX_BODY
        yield b" "

    for _ in range(times):
        assert (await post(app, too_long())).status_code == 413
    assert (await post(app, message(MAX_BODY))).text == str(MAX_BODY)


@pytest.mark.parametrize(
    ("content", "request_id", "code"),
    [
        (b'{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{}}', None, -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"tools/call","params":{}}', None, -32600),
        (b'{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{}}', None, -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"tools/call","params":{}}', None, -32600),
        (b'{"jsonrpc":"2.0","id":[1],"method":"tools/call","params":{}}', None, -32600),
        (b'{"jsonrpc":"2.0","id":{"a":1},"method":"tools/call"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":%s,"method":"tools/call"}' % (b"1" * 5000 + b".5"), None, -32600),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":[1]}', 7, -32600),
        (b'{"jsonrpc":"1.0","id":7,"method":"tools/call"}', 7, -32600),
        (b'[{"jsonrpc":"2.0","id":7,"method":"tools/list"}]', None, -32600),
        (b'"tools/list"', None, -32600),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/list"', 7, -32700),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"a":"\xff"}}', 7, -32700),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"a":"\\ud83d"}}', 7, -32700),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"a":%s}}' % (b"[" * 9999 + b"]" * 9999), 7, -32700),
        (b"", None, -32700),
    ],
)
async def test_what_is_no_request_is_answered_and_not_taken(content: bytes, request_id: int | None, code: int) -> None:
    """Least of all with 202, after which its sender believes that it was taken."""
    answer = await post(WholeBody(length, Bodies()), content)

    assert answer.status_code == 400
    assert answer.json().get("id") == request_id
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}',
        b'{"jsonrpc":"2.0","id":"1","method":"tools/list","params":null}',
        b' \n{"jsonrpc":"2.0","method":"notifications/initialized"}\r\n',
    ],
)
async def test_what_is_clearly_meant_is_read_so(content: bytes) -> None:
    assert (await post(WholeBody(length, Bodies()), content)).status_code == 200


async def test_a_message_is_not_kept_parsed_while_it_is_handled() -> None:
    kept: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        kept.extend(it for it in gc.get_objects() if isinstance(it, JSONRPCRequest) and it.id == "handled now")
        await length(scope, receive, send)

    answer = await post(WholeBody(app, Bodies()), b'{"jsonrpc":"2.0","id":"handled now","method":"ping"}')

    assert (answer.status_code, kept) == (200, [])


def holding(value: str, times: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"a":[%s]}}' % ",".join([value] * times).encode()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (holding("[]", 100_000), 200),
        (holding("[]", 1_000_000), 413),
        (holding("{}", 1_000_000), 413),
        (holding("0", 2_000_000), 413),
        (holding('{"":0}', 500_000), 413),
        (holding('"[[[[,,,,::::"', 250_000), 200),
        (holding('"' + r"\"[" * 900_000 + '"', 1), 200),
        # A text without an end is looked through once.
        (holding('"' + r"\"[" * 900_000, 1), 400),
    ],
    ids=["100,000 lists", "lists", "objects", "numbers", "members", "signs in texts", "escaped", "no end"],
)
async def test_a_message_may_not_take_many_times_the_memory_of_its_text(content: bytes, status: int) -> None:
    assert (await post(WholeBody(length, Bodies()), content)).status_code == status
