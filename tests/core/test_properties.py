"""What holds for any valid value, through a client: texts arrive byte for byte, and omitted is not null."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client

from support.wire import ENDPOINT, SAVE, UPDATE, Recorded
from wemasy_mcp.core.protocol import parse_arguments, request_body

REUSED = settings(
    # The recorder is emptied by every example, and the client is meant to serve one call after another.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=60,
)

NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
LOOKS_LIKE_ANOTHER_TYPE = st.sampled_from(
    [
        "", " ", "null", "Null", "NULL", "None", "nil", "undefined", "NaN", "Infinity", "true", "false", "0", "-0",
        "5", "5.0", "1_0", "1e5", "0x10", "[]", "{}", "[1]", '{"a":1}', '{"a": 1}', '"quoted"', "'", "\\", "\\u0000",
        "\\ud83d", "\x00", "\r\n", "\ufeff", "\u2028", "\u202e", "e\u0301", "é", "👩\u200d👧", "ﬁ", "%00", "${HOME}",
        "{{ x }}", "<script>", "--", "; DROP TABLE",
    ]
)  # fmt: skip
TEXTS = st.text() | LOOKS_LIKE_ANOTHER_TYPE | JSON_VALUES.map(json.dumps)
SHORT_TEXTS = TEXTS.filter(lambda text: len(text) <= 255)
NUMBER_LIST_TEXTS = st.builds(
    lambda numbers, separator, indent: json.dumps(numbers, separators=separator, indent=indent),
    st.lists(NUMBERS, max_size=8),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,  ", ":")]),
    st.none() | st.just(1),
)

SAVE_ARGUMENTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["fact", "vector"])},
    optional={
        "key": st.none() | TEXTS,
        "value": st.none() | TEXTS,
        "embedding": st.none() | NUMBER_LIST_TEXTS,
        "metadata": st.none() | st.dictionaries(st.text(max_size=10), JSON_VALUES, max_size=4) | st.lists(JSON_VALUES),
    },
)
UPDATE_ARGUMENTS = st.fixed_dictionaries(
    {"connection_id": st.integers(-(2**63) + 1, 2**63 - 1), "name": SHORT_TEXTS},
    optional={"model_name": st.none() | SHORT_TEXTS},
)
VALID_CALLS = st.tuples(st.just(SAVE), SAVE_ARGUMENTS) | st.tuples(st.just(UPDATE), UPDATE_ARGUMENTS)


@REUSED
@given(call=VALID_CALLS)
async def test_what_is_valid_arrives_as_it_was_given_and_what_was_left_out_does_not(
    mcp_client: Client, recorded: Recorded, call: tuple[str, dict[str, Any]]
) -> None:
    tool, arguments = call
    recorded.requests.clear()

    result = await mcp_client.call_tool(tool, arguments)

    (body,) = recorded.bodies
    # JSON texts are compared, because 5 == 5.0 == True in Python.
    assert in_order(json.loads(body)) == in_order(arguments)
    assert result.structured_content is not None
    assert "notes" not in result.structured_content


@given(text=TEXTS)
def test_a_text_is_the_same_bytes_in_the_body(text: str) -> None:
    arguments, notes = parse_arguments(ENDPOINT[SAVE], {"kind": "fact", "value": text})

    assert request_body(arguments) == b'{"kind":"fact","value":' + json.dumps(text, ensure_ascii=False).encode() + b"}"
    assert notes == []


@given(arguments=SAVE_ARGUMENTS)
def test_nothing_becomes_null_and_null_becomes_nothing(arguments: dict[str, Any]) -> None:
    parsed, _ = parse_arguments(ENDPOINT[SAVE], arguments)

    sent = json.loads(request_body(parsed))
    assert sent.keys() == arguments.keys()
    assert {name for name, value in sent.items() if value is None} == {
        name for name, value in arguments.items() if value is None
    }


def in_order(value: object) -> str:
    return json.dumps(value, sort_keys=True)
