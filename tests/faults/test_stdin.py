"""Every line that a client writes is answered, however broken, and the connection goes on."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from api_document import SAVE_MEMORY, TOOLS
from support.launching import run, serving
from support.scripted_api import Upstream
from support.server_process import ERAS, Era, ServerProcess
from support.truth import SAVE, Player, read_schemas

pytestmark = pytest.mark.anyio

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
MEBIBYTE = 2**20


@pytest.fixture(scope="module", params=ERAS)
async def talker(request: pytest.FixtureRequest, upstream: Upstream, folder: Path) -> AsyncGenerator[Player]:
    """A client of its own in each era, because what it writes is nothing to share."""
    era: Era = request.param
    async with serving({"WEMASY_BASE_URL": upstream.url}, era=era, folder=folder) as server:
        yield Player(server, upstream, await read_schemas(server))


def call(request_id: str, key: bytes = b"a", rest: bytes = b"") -> bytes:
    """A tool call as raw bytes, with an id that stands before its params."""
    arguments = b'{"kind": "fact", "key": "%b"%b}' % (key, rest)
    params = b'{"name": "%b", "arguments": %b}' % (SAVE_MEMORY.tool.encode(), arguments)
    return b'{"jsonrpc": "2.0", "id": "%b", "method": "tools/call", "params": %b}' % (request_id.encode(), params)


BROKEN_LINES: list[tuple[str, bytes, int, bool]] = [
    ("no JSON", b"hello", PARSE_ERROR, False),
    ("HTTP", b"POST / HTTP/1.1", PARSE_ERROR, False),
    ("half a message", call("{id}")[:-2], PARSE_ERROR, True),
    ("two messages on a line", call("{id}") + call("{id}"), PARSE_ERROR, True),
    ("single quotes", call("{id}").replace(b'"kind"', b"'kind'"), PARSE_ERROR, True),
    ("a trailing comma", call("{id}", rest=b","), PARSE_ERROR, True),
    ("a control character in a string", call("{id}", b"a\x01b"), PARSE_ERROR, True),
    ("bad UTF-8", call("{id}", b"caf\xe9"), PARSE_ERROR, True),
    ("UTF-8 cut short", call("{id}", b"\xf0\x9f\x98"), PARSE_ERROR, True),
    ("a surrogate in UTF-8", call("{id}", b"\xed\xa0\xbd"), PARSE_ERROR, True),
    ("overlong UTF-8", call("{id}", b"\xc0\x80"), PARSE_ERROR, True),
    ("UTF-16", "\ufeff{}".encode("utf-16-le"), PARSE_ERROR, False),
    ("a lone surrogate", call("{id}", rb"\ud83d"), PARSE_ERROR, True),
    ("a lone surrogate in a name", call("{id}", rest=rb', "\ud83d": 1'), PARSE_ERROR, True),
    ("a reversed surrogate pair", call("{id}", rb"\ude00\ud83d"), PARSE_ERROR, True),
    ("an odd escape", call("{id}", rb"\x41"), PARSE_ERROR, True),
    ("300 levels", call("{id}", rest=b', "metadata": ' + b"[" * 300 + b"]" * 300), PARSE_ERROR, True),
    ("100,000 levels", call("{id}", rest=b', "metadata": ' + b"[" * 100_000 + b"]" * 100_000), PARSE_ERROR, True),
    ("100,000 levels, open", b"[" * 100_000, PARSE_ERROR, False),
    ("an integer of 5,000 digits", call("{id}", rest=b', "metadata": [' + b"9" * 5000 + b"]"), PARSE_ERROR, True),
    ("a NUL", b"\0", PARSE_ERROR, False),
    ("null", b"null", INVALID_REQUEST, False),
    ("a number", b"5", INVALID_REQUEST, False),
    ("text", b'"tools/call"', INVALID_REQUEST, False),
    ("an empty object", b"{}", INVALID_REQUEST, False),
    ("an empty batch", b"[]", INVALID_REQUEST, False),
    ("a batch", b"[" + call("{id}") + b"]", INVALID_REQUEST, False),
    ("no version", b'{"id": "{id}", "method": "ping"}', INVALID_REQUEST, True),
    ("version 1.0", b'{"jsonrpc": "1.0", "id": "{id}", "method": "ping"}', INVALID_REQUEST, True),
    ("no method", b'{"jsonrpc": "2.0", "id": "{id}"}', INVALID_REQUEST, True),
    ("a method that is no text", b'{"jsonrpc": "2.0", "id": "{id}", "method": 5}', INVALID_REQUEST, True),
    ("params a list", b'{"jsonrpc": "2.0", "id": "{id}", "method": "ping", "params": [1]}', INVALID_REQUEST, True),
    ("params text", b'{"jsonrpc": "2.0", "id": "{id}", "method": "ping", "params": "a"}', INVALID_REQUEST, True),
    ("id null", b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', INVALID_REQUEST, False),
    ("id true", b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', INVALID_REQUEST, False),
    ("id a fraction", b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', INVALID_REQUEST, False),
    ("id a list", b'{"jsonrpc": "2.0", "id": [1], "method": "ping"}', INVALID_REQUEST, False),
    ("id an object", b'{"jsonrpc": "2.0", "id": {"a": 1}, "method": "ping"}', INVALID_REQUEST, False),
    ("id a lone surrogate", rb'{"jsonrpc": "2.0", "id": "\ud83d", "method": "ping"}', PARSE_ERROR, False),
    ("17 MiB", call("{id}", b"a" * 17 * MEBIBYTE), INVALID_REQUEST, True),
    ("17 MiB of an unknown message", b" " * 17 * MEBIBYTE + call("{id}"), INVALID_REQUEST, False),
]


def nulls(player: Player) -> list[dict[str, Any]]:
    """The errors that name no request, so far."""
    return [message for line in player.server.stdout if "id" in (message := json.loads(line)) and message["id"] is None]


@pytest.mark.parametrize(
    ("line", "code", "names_id"), [case[1:] for case in BROKEN_LINES], ids=[case[0] for case in BROKEN_LINES]
)
async def test_a_line_that_cannot_be_read_is_answered(line: bytes, code: int, names_id: bool, talker: Player) -> None:
    request_id = f"broken {len(talker.server.stdout)}"
    before = len(nulls(talker))
    await talker.server.write(line.replace(b"{id}", request_id.encode()) + b"\n")
    await talker.expect_healthy(f"{request_id}, {talker.server.era}")

    # Lines are answered in turn, so the answer stands before that of the healthy call.
    answer = await talker.server.answer(request_id) if names_id else nulls(talker)[before]
    assert answer["error"]["code"] == code
    assert len(nulls(talker)) == before + (not names_id)
    assert talker.upstream.received["a"] == 0


@pytest.mark.parametrize("line", [b"", b" ", b"\t\r", b"\r"])
async def test_a_blank_line_is_no_message(line: bytes, talker: Player) -> None:
    before = len(talker.server.stdout)
    await talker.server.write(line + b"\n")
    await talker.server.request("tools/list")

    assert len(talker.server.stdout) == before + 1


@pytest.mark.parametrize("request_id", [0, -1, 2**53, "", "5", "an id with 'quotes', \u00e9 and \U0001f600"])
async def test_an_odd_id_comes_back_as_it_was(request_id: str | int, talker: Player) -> None:
    await talker.server.write(talker.server.line(talker.server.message("tools/list", {}, request_id)))

    answer = await talker.server.answer(request_id)
    assert answer["id"] == request_id
    assert type(answer["id"]) is type(request_id)
    assert len(answer["result"]["tools"]) == len(TOOLS)


@pytest.mark.parametrize("name", ["", "save_memory", f"{SAVE_MEMORY.tool} ", "x" * 10_000, "\u202e\0", "../etc"])
async def test_an_unknown_tool_is_a_protocol_error(name: str, talker: Player) -> None:
    answer = await talker.server.request("tools/call", {"name": name, "arguments": {}})

    assert answer["error"]["code"] == INVALID_PARAMS
    assert len(answer["error"]["message"]) < 300
    assert talker.server.era in ERAS


@pytest.mark.parametrize("params", [{}, {"name": 5}, {"name": None}])
async def test_params_of_another_form_are_a_protocol_error(params: dict[str, Any], talker: Player) -> None:
    answer = await talker.server.request("tools/call", params)

    assert answer["error"]["code"] == INVALID_PARAMS


@pytest.mark.parametrize("arguments", [[1], 5, "{"])
async def test_arguments_of_another_form_are_refused_where_the_model_sees_it(arguments: object, talker: Player) -> None:
    answer = await talker.server.request("tools/call", {"name": SAVE, "arguments": arguments})

    assert answer["result"]["structuredContent"]["error"]["code"] == "invalid_arguments"


async def test_arguments_as_json_text_are_what_the_text_holds(talker: Player) -> None:
    key = f"from text {talker.server.era}"

    answer = await talker.server.request(
        "tools/call", {"name": SAVE, "arguments": json.dumps({"kind": "fact", "key": key})}
    )

    assert answer["result"]["structuredContent"]["success"] is True
    assert talker.upstream.applied[key] == 1


async def test_an_unknown_method_is_a_protocol_error(talker: Player) -> None:
    assert (await talker.server.request("tools/explode"))["error"]["code"] == METHOD_NOT_FOUND


@pytest.mark.parametrize("arguments", [None, {}])
async def test_a_call_without_arguments_is_refused_before_it_is_sent(arguments: object, talker: Player) -> None:
    params = {"name": SAVE} if arguments is None else {"name": SAVE, "arguments": arguments}
    answer = await talker.server.request("tools/call", params)

    error = talker.read(answer["result"], "no arguments")["error"]
    assert error["code"] == "invalid_arguments"
    assert list(error["field_errors"]) == ["kind"]


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999"])
async def test_a_number_that_is_none_is_refused_before_it_is_sent(number: bytes, talker: Player) -> None:
    request_id = f"{number.decode()}, {talker.server.era}"
    arguments = {**talker.arguments(request_id), "metadata": {"a": "NUMBER"}}
    await talker.server.write(talker.server.tool_call(SAVE, arguments, request_id).replace(b'"NUMBER"', number))
    answer = await talker.server.answer(request_id)

    error = talker.read(answer["result"], request_id)["error"]
    assert error["code"] == "invalid_arguments"
    assert list(error["field_errors"]) == ["metadata"]
    assert talker.upstream.received[request_id] == 0


async def test_arguments_over_1_mib_are_refused_before_they_are_sent(talker: Player) -> None:
    result = await talker.server.call(SAVE, {**talker.arguments("large"), "value": "v" * 2 * MEBIBYTE})

    error = talker.read(result, "large")["error"]
    assert error["code"] == "invalid_arguments"
    assert list(error["field_errors"]) == ["value"]
    assert talker.upstream.received["large"] == 0


async def test_a_line_that_never_ends_is_held_in_bounded_memory(talker: Player) -> None:
    for _ in range(120):
        await talker.server.write(b"a" * MEBIBYTE)
    await talker.server.write(b"\n")
    await talker.expect_healthy(f"120 MiB, {talker.server.era}")

    assert talker.server.peak_memory() < 150 * MEBIBYTE


async def test_a_message_that_comes_byte_by_byte_is_read(talker: Player) -> None:
    line = talker.server.tool_call(SAVE, talker.arguments(f"slowly, {talker.server.era}"), "slowly")
    for byte in line:
        await talker.server.write(bytes([byte]))

    answer = await talker.server.answer("slowly")
    assert answer["result"]["structuredContent"]["success"]


async def test_answers_from_the_client_to_nothing_are_ignored(talker: Player) -> None:
    await talker.server.write(b'{"jsonrpc": "2.0", "id": 99, "result": {}}\n')
    await talker.server.write(b'{"jsonrpc": "2.0", "id": null, "error": {"code": 1, "message": "what?"}}\n')
    await talker.server.write(b'{"jsonrpc": "2.0", "method": "notifications/unheard_of"}\n')
    await talker.server.write(
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "?"}}\n'
    )
    await talker.expect_healthy(f"ignored, {talker.server.era}")

    assert not talker.server.answered(99)


async def test_a_server_that_was_told_nothing_but_nonsense_still_opens(upstream: Upstream, folder: Path) -> None:
    hello = ServerProcess.line(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "a", "version": "1"},
            },
        }
    )
    ended = await run({"WEMASY_BASE_URL": upstream.url}, b"nonsense\n\n[]\n" + hello, folder)

    assert [message.get("id") for message in ended.messages] == [None, None, 1]
    assert "serverInfo" in ended.messages[-1]["result"]
