"""What clients send amiss and mean clearly, in the bytes of a message."""

import json
from typing import Any

import pytest

from wemasy_mcp.transports.normalize import normalize_message

CLIENT = {"name": "a", "version": "1"}


def message(method: str, params: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def normalized(value: object) -> Any:
    return json.loads(normalize_message(json.dumps(value).encode()))


def initialize(**params: object) -> Any:
    return normalized(message("initialize", {"protocolVersion": "2025-11-25", **params}))["params"]


@pytest.mark.parametrize(
    "data",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"n","arguments":{"params":[ ]}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}',
        b'{"id":1.0e0,"params":{"a":{"_meta":[]}}}',
        b'{"id":1.0e0,"params":{"_meta":{"progressToken":7},"a":{"_meta":5,"progressToken":null}}}',
        b'["initialize"]',
        b'"initialize"',
        b'{"initialize":5',
        b'{"params":[],"a":"\xff"}',
        b'{"params":[],"a":' + b"[" * 100_000,
        b'{"method":"initialize","params":5}',
        b"",
    ],
)
def test_what_needs_nothing_or_cannot_be_read_comes_back_byte_for_byte(data: bytes) -> None:
    assert normalize_message(data) == data
    for marks in (b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf", b" \xef\xbb\xbf"):
        assert normalize_message(marks + data) == data


def test_an_empty_list_is_the_empty_object() -> None:
    assert normalized(message("tools/list", [])) == message("tools/list", {})
    assert normalized(message("tools/list", {"_meta": [], "a": []})) == message("tools/list", {"a": []})


@pytest.mark.parametrize("token", [None, 1.5, 2e3, True, {}, []])
def test_a_progress_token_of_no_known_form_is_left_out(token: object) -> None:
    asked = message("tools/call", {"name": "n", "_meta": {"progressToken": token, "a": 1}})

    assert normalized(asked)["params"] == {"name": "n", "_meta": {"a": 1}}


@pytest.mark.parametrize("token", ["a", "", 0, -7])
def test_a_progress_token_of_a_known_form_stays(token: object) -> None:
    asked = message("tools/call", {"_meta": {"progressToken": token}, "arguments": {"_meta": []}})

    assert normalized(asked) == asked


@pytest.mark.parametrize("meta", [None, [], "", "x", 5, True, [1]])
def test_a_meta_that_is_no_object_is_left_out(meta: object) -> None:
    assert normalized(message("tools/list", {"_meta": meta, "cursor": None}))["params"] == {"cursor": None}


@pytest.mark.parametrize(
    "params",
    [
        {"capabilities": [], "clientInfo": CLIENT},
        {"capabilities": {"experimental": {"x": True}}, "clientInfo": CLIENT},
        {"clientInfo": CLIENT | {"icons": [{}] * 5, "title": 5}},
    ],
)
def test_what_is_not_read_of_a_handshake_cannot_be_wrong(params: dict[str, object]) -> None:
    assert initialize(**params) == {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}


@pytest.mark.parametrize("client", [None, [], {}, {"name": 5, "version": None}, "a"])
def test_a_client_need_not_say_who_it_is(client: object) -> None:
    assert initialize(clientInfo=client)["clientInfo"] == {"name": "unknown", "version": "0"}


@pytest.mark.parametrize(
    ("asked", "offered"), [("2025-03-26", "2024-11-05"), ("2025-06-18", "2025-06-18"), (5, ""), (None, "")]
)
def test_the_version_that_obliges_to_batches_is_not_accepted(asked: object, offered: object) -> None:
    assert initialize(protocolVersion=asked)["protocolVersion"] == offered
