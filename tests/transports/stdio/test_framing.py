"""Lines of JSON-RPC: bytes to lines to messages, and what answers a line that holds none."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import JSONRPCNotification, JSONRPCRequest

from wemasy_mcp.core.protocol import MAX_BODY
from wemasy_mcp.json_weight import weigh
from wemasy_mcp.transports.message import Refusal
from wemasy_mcp.transports.stdio.framing import MAX_LINE, MAX_WEIGHT, LineSplitter, LongLine, read_message

PARSE_ERROR, INVALID_REQUEST = -32700, -32600

LONE_OR_DEEP = "The message cannot be read: it holds lone surrogates, or is nested too deeply."
NO_JSON = "The message cannot be read as JSON."
NO_JSONRPC = "The message is not a JSON-RPC 2.0 message."


def lines_of(splitter: LineSplitter) -> list[bytes | LongLine]:
    return list(iter(splitter.next_line, None))


@given(st.lists(st.binary(max_size=20)))
def test_however_the_bytes_come_the_lines_are_the_same(chunks: list[bytes]) -> None:
    splitter = LineSplitter()
    lines: list[bytes | LongLine] = []
    for chunk in chunks:
        splitter.feed(chunk)
        lines += lines_of(splitter)

    assert [*lines, splitter.rest()] == b"".join(chunks).split(b"\n")


def test_what_follows_the_last_line_end_is_a_line_once() -> None:
    splitter = LineSplitter()
    splitter.feed(b"a\nb")

    assert lines_of(splitter) == [b"a"]
    assert [splitter.rest(), splitter.rest()] == [b"b", b""]


def test_a_line_of_the_limit_is_a_line_and_one_byte_more_is_a_long_one() -> None:
    splitter = LineSplitter()
    splitter.feed(b"a" * MAX_LINE + b"\n" + b"b" * (MAX_LINE + 1) + b"\nc\n")

    longest, long, after = lines_of(splitter)

    assert longest == b"a" * MAX_LINE
    assert long == LongLine(b"b" * 65_536)
    assert after == b"c"


def test_a_line_without_end_is_held_in_bounded_memory() -> None:
    splitter = LineSplitter()
    for _ in range(40):
        splitter.feed(b"a" * 2**20)
        assert splitter.next_line() is None
        assert len(splitter._buffer) <= MAX_LINE
    splitter.feed(b"\nb\n")

    assert lines_of(splitter) == [LongLine(b"a" * 65_536), b"b"]


def test_a_long_line_that_never_ended_is_told_at_the_end() -> None:
    splitter = LineSplitter()
    splitter.feed(b"a" * (MAX_LINE + 1))
    assert splitter.next_line() is None

    assert splitter.rest() == LongLine(b"a" * 65_536)
    assert splitter.rest() == b""


def test_a_message_is_read_with_its_strings_as_they_are() -> None:
    line = '{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"é 👍 \\ud83d\\udc4d \\u0000"}}'.encode()

    message = read_message(line)

    assert message == JSONRPCRequest(jsonrpc="2.0", id=1, method="m", params={"a": "é 👍 👍 \x00"})


@pytest.mark.parametrize(
    "line", [b'{"jsonrpc":"2.0","method":"m"}', b'{"jsonrpc":"2.0","method":"m","params":{"id":1,"\\"id\\"":2}}']
)
def test_a_notification_is_one_even_if_it_speaks_of_ids(line: bytes) -> None:
    assert isinstance(read_message(line), JSONRPCNotification)


@pytest.mark.parametrize(
    ("line", "code", "message", "request_id"),
    [
        (b"hello", PARSE_ERROR, NO_JSON, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"m",', PARSE_ERROR, NO_JSON, 7),
        (b'{"id":"a\\"b","method":}', PARSE_ERROR, NO_JSON, 'a"b'),
        (b'{"id":1,"id":2,}', PARSE_ERROR, NO_JSON, None),
        (b'{"params":{"id":1},"id":2,}', PARSE_ERROR, NO_JSON, None),
        (b'{"id":"\\x41",}', PARSE_ERROR, NO_JSON, None),
        (b'{"id":"\\ud83d",}', PARSE_ERROR, NO_JSON, None),
        (b"[" * 100_000, PARSE_ERROR, NO_JSON, None),
        (b'{"id":5,"method":"caf\xe9"}', PARSE_ERROR, "The message is not UTF-8.", 5),
        (b'{"jsonrpc":"2.0","id":5,"method":"m","params":{"a":"\\ud83d"}}', PARSE_ERROR, LONE_OR_DEEP, 5),
        (
            b'{"jsonrpc":"2.0","id":"x","method":"m","params":{"a":' + b"[" * 300 + b"]" * 300 + b"}}",
            PARSE_ERROR,
            LONE_OR_DEEP,
            "x",
        ),
        (b'{"jsonrpc":"2.0","id":5,"method":"m","params":[1]}', INVALID_REQUEST, "The params should be an object.", 5),
        (b"5", INVALID_REQUEST, "The message is not a JSON object; batches are not accepted.", None),
        (b"[{}]", INVALID_REQUEST, "The message is not a JSON object; batches are not accepted.", None),
        (b"{}", INVALID_REQUEST, NO_JSONRPC, None),
        (b'{"jsonrpc":"1.0","id":5,"method":"m"}', INVALID_REQUEST, NO_JSONRPC, 5),
        (b'{"jsonrpc":"2.0","id":5}', INVALID_REQUEST, NO_JSONRPC, 5),
        (b'{"jsonrpc":"2.0","id":true,"method":5}', INVALID_REQUEST, NO_JSONRPC, None),
        (
            b'{"jsonrpc":"2.0","id":null,"method":"m"}',
            INVALID_REQUEST,
            "The id should be a string or an integer.",
            None,
        ),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_line_without_a_message_is_answered_with_its_id_where_that_is_beyond_doubt(
    line: bytes, code: int, message: str, request_id: str | int | None
) -> None:
    refusal = read_message(line)
    assert isinstance(refusal, Refusal)

    answer = refusal.answer
    assert (answer.error.code, answer.error.message, answer.id) == (code, message, request_id)
    assert json.loads(answer.model_dump_json())["jsonrpc"] == "2.0"


def test_a_long_line_is_refused_with_the_id_from_its_beginning() -> None:
    refusal = read_message(LongLine(b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"a":"aaa'))
    assert isinstance(refusal, Refusal)

    assert (refusal.answer.error.code, refusal.answer.id) == (INVALID_REQUEST, 9)
    assert refusal.answer.error.message == f"The message is longer than {MAX_LINE} bytes."


HEAVY = b"[" + b",".join([b"{}"] * 600_000) + b"]"


@pytest.mark.parametrize(
    ("line", "request_id"),
    [
        (b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"a":%s}}' % HEAVY, 9),
        (b'{"jsonrpc":"2.0","id":"x","method":"initialize","params":%s}' % HEAVY, "x"),
        (b'{"jsonrpc":"1.0","id":9,"params":{"_meta":%s,"a":{"id":1}}}' % HEAVY, 9),
        # As the TypeScript SDK writes a request.
        (b'{"method":"tools/call","params":{"a":%s,"id":1},"jsonrpc":"2.0","id":9}' % HEAVY, 9),
        (b'{"method":"tools/call","params":{"a":%s},"id" : "x" } \r' % HEAVY, "x"),
        (b'{"method":"tools/call","params":{"a":%s,"id":9}}' % HEAVY, None),
        (b'{"params":{"a":%s,"id":9},"method":"tools/call"}' % HEAVY, None),
        (b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"a":%s}}' % HEAVY, None),
        # The id of an answer is not one of the client's own.
        (b'{"jsonrpc":"2.0","id":9,"result":{"a":%s}}' % HEAVY, None),
        (b'{"error":{"data":%s},"jsonrpc":"2.0","id":9}' % HEAVY, None),
        (HEAVY, None),
        (b'[%s,{"id":9}' % HEAVY, None),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_line_of_too_many_values_is_answered_before_they_are_made(line: bytes, request_id: str | int | None) -> None:
    tracemalloc.start()
    refusal = read_message(line)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(refusal, Refusal)

    answer = refusal.answer
    assert (answer.error.code, answer.id) == (INVALID_REQUEST, request_id)
    assert answer.error.message == "The message holds too many values."
    assert most < 2 * len(line)


@pytest.mark.parametrize("value", ["[]", '{"":[]}', "[" * 50 + "]" * 50, '{"a":0}', "0", '""'])
def test_no_arguments_that_the_api_takes_weigh_too_much(value: str) -> None:
    values = ",".join([value] * (MAX_BODY // (len(value) + 1)))
    call = (
        '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"n","arguments":{"a":[%s]},"_meta":{"b":[{}]}}}'
    )

    assert weigh((call % values).encode(), MAX_WEIGHT) < MAX_WEIGHT


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,0 \\udnl"', max_size=60).map(str.encode))
def test_any_line_is_a_message_or_an_answer_that_can_be_written(line: bytes) -> None:
    message = read_message(line)

    if isinstance(message, Refusal):
        assert message.answer.model_dump_json().encode()
