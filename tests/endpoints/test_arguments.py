"""What arguments are taken as they are, repaired with a note, or refused with the field named."""

import dataclasses
import json
import reprlib
import tracemalloc
from typing import Any

import pytest

from support.wire import ENDPOINT, SAVE, UPDATE
from wemasy_mcp.core.errors import InvalidArguments
from wemasy_mcp.core.protocol import MAX_BODY, parse_arguments, request_body
from wemasy_mcp.endpoints.base import Arguments
from wemasy_mcp.strict_json import MAX_DEPTH

VALID: dict[str, dict[str, Any]] = {UPDATE: {"connection_id": 5, "name": "n"}, SAVE: {"kind": "fact"}}

NO_INTEGER = "Input should be a valid integer."
ROUNDED = "Input should be the exact digits as text: a client may have rounded this number."
NO_TEXT = "Input should be a valid string."
NO_UNICODE = "Input should be Unicode text without lone surrogates."
NO_NUMBER_LIST = "Input should be the JSON text of a list of finite numbers."
NO_OBJECT = "Input should be a JSON object."
NO_CONTENT = f"Input should hold only finite numbers and Unicode text, at most {MAX_DEPTH} levels deep."

NAN, INFINITY = float("nan"), float("inf")


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("tool", "name", "given", "sent", "note"),
    [
        (UPDATE, "connection_id", "5", "5", 'connection_id "5" was read as 5.'),
        (UPDATE, "connection_id", "-5", "-5", 'connection_id "-5" was read as -5.'),
        (UPDATE, "connection_id", 5.0, "5", "connection_id 5.0 was read as 5."),
        (UPDATE, "connection_id", 2.0**53 - 1, str(2**53 - 1), f"connection_id {2.0**53 - 1} was read as {2**53 - 1}."),
        (UPDATE, "connection_id", str(2**53), str(2**53), f'connection_id "{2**53}" was read as {2**53}.'),
        (SAVE, "key", 5, '"5"', 'key 5 was sent as the text "5".'),
        (SAVE, "value", -1.5, '"-1.5"', 'value -1.5 was sent as the text "-1.5".'),
        (SAVE, "value", 10**60, f'"{10**60}"', f'value 1{"0" * 39}… was sent as the text "1{"0" * 38}….'),
        (
            SAVE,
            "embedding",
            [1, -2.5, 1e-7],
            '"[1,-2.5,1e-07]"',
            "embedding was given as a list and sent as its JSON text.",
        ),
        (SAVE, "embedding", [], '"[]"', "embedding was given as a list and sent as its JSON text."),
        (
            SAVE,
            "metadata",
            ' {"a": [1, null]} ',
            '{"a":[1,null]}',
            "metadata was given as JSON text and sent as what it holds.",
        ),
        (SAVE, "metadata", "[]", "[]", "metadata was given as JSON text and sent as what it holds."),
    ],
)
def test_what_can_be_read_in_one_way_only_is_repaired_and_told(
    tool: str, name: str, given: object, sent: str, note: str
) -> None:
    arguments, notes = parse_arguments(ENDPOINT[tool], VALID[tool] | {name: given})

    assert f'"{name}":{sent}'.encode() in request_body(arguments)
    assert notes == [note]


@pytest.mark.parametrize(
    ("tool", "name", "given"),
    [
        (UPDATE, "connection_id", 0),
        (UPDATE, "connection_id", 2**63 - 1),
        (UPDATE, "connection_id", -(2**63) + 1),
        (UPDATE, "name", ""),
        (UPDATE, "name", " \t\n\u202e\u0000 "),
        (UPDATE, "model_name", None),
        (SAVE, "kind", "vector"),
        (SAVE, "key", "null"),
        (SAVE, "value", '{"a": 1}'),
        (SAVE, "value", "1e5"),
        (SAVE, "embedding", "[0.0231, -0.0412, 0.0891]"),
        (SAVE, "embedding", " [ ] "),
        (SAVE, "embedding", None),
        (SAVE, "metadata", None),
        (SAVE, "metadata", {}),
        (SAVE, "metadata", [1, {"a": None}, True]),
        (SAVE, "metadata", nested(MAX_DEPTH)),
    ],
)
def test_what_is_valid_is_sent_as_it_is_without_a_note(tool: str, name: str, given: object) -> None:
    arguments, notes = parse_arguments(ENDPOINT[tool], VALID[tool] | {name: given})

    assert json.loads(request_body(arguments)) == VALID[tool] | {name: given}
    assert notes == []


NOT_INTEGERS: tuple[object, ...] = (
    True,
    False,
    5.5,
    "1_0",
    "5.0",
    " 5",
    "05",
    "٥",
    "",
    "five",
    [],
    {},
    NAN,
    INFINITY,
    1e300,
)
NOT_TEXTS: tuple[object, ...] = (True, [], {}, NAN, -INFINITY)
NOT_NUMBER_LISTS: tuple[object, ...] = (
    "",
    "null",
    "5",
    "{}",
    "[true]",
    '["1"]',
    "[[1]]",
    "[NaN]",
    "[1e999]",
    "[1",
    "[" * 100_000,
    5,
    True,
    {},
    [True],
    ["1"],
    [NAN],
    [INFINITY],
    [None],
)
NOT_OBJECTS: tuple[object, ...] = ("", "null", "5", '"a"', "{", '{"a":1,"a":2}', 5, True)
NOT_CONTENTS: tuple[object, ...] = (
    {"a": NAN},
    {"a": [INFINITY]},
    [1, "\ud83d"],
    {"\ud83d": 1},
    '{"a": 1e999}',
    '{"a": "\\ud83d"}',
    nested(MAX_DEPTH + 1),
    json.dumps(nested(MAX_DEPTH + 1)),
)


@pytest.mark.parametrize(
    ("tool", "name", "given", "problem"),
    [
        *((UPDATE, "connection_id", given, NO_INTEGER) for given in NOT_INTEGERS),
        (UPDATE, "connection_id", 2**63, "Input should fit a 64-bit integer."),
        (UPDATE, "connection_id", "9" * 19, "Input should fit a 64-bit integer."),
        (UPDATE, "connection_id", "9" * 20, NO_INTEGER),
        # What JavaScript makes of 2**53 + 1 and of 1234567890123456789.
        *((UPDATE, "connection_id", given, ROUNDED) for given in (2**53, 2.0**53, -(2**53), 1234567890123456800)),
        (UPDATE, "connection_id", 1234567890123456768, ROUNDED),
        (UPDATE, "name", 5, NO_TEXT),
        (UPDATE, "name", "\ud83d", NO_UNICODE),
        (UPDATE, "model_name", False, NO_TEXT),
        (UPDATE, "model_name", "half an emoji: \ude00", NO_UNICODE),
        (SAVE, "kind", "Fact", "Input should be 'fact' or 'vector'."),
        *((SAVE, "key", given, NO_TEXT) for given in NOT_TEXTS),
        (SAVE, "value", "\ud83d", NO_UNICODE),
        *((SAVE, "embedding", given, NO_NUMBER_LIST) for given in NOT_NUMBER_LISTS),
        *((SAVE, "metadata", given, NO_OBJECT) for given in NOT_OBJECTS),
        *((SAVE, "metadata", given, NO_CONTENT) for given in NOT_CONTENTS),
    ],
    ids=reprlib.repr,
)
def test_everything_else_is_refused_with_the_argument_named(tool: str, name: str, given: object, problem: str) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[tool], VALID[tool] | {name: given})

    assert refusal.value.field_errors == {name: [problem]}
    assert str(refusal.value) == f"Not valid: {name}."


def test_a_repair_needs_nobody_who_takes_notes() -> None:
    arguments = ENDPOINT[UPDATE].arguments.model_validate({"connection_id": "5", "name": "n"})

    assert request_body(arguments) == b'{"connection_id":5,"name":"n"}'


def test_metadata_too_deep_for_any_json_library_is_refused_like_any_that_is_too_deep() -> None:
    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[SAVE], {"kind": "fact", "metadata": nested(100_000)})

    assert refusal.value.field_errors == {"metadata": [NO_CONTENT]}


HEAVY = "[" + ",".join(["[]"] * 300_000) + "]"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"kind": "fact", "metadata": HEAVY}, "metadata"),
        ({"kind": "vector", "embedding": HEAVY}, "embedding"),
        (f'{{"kind":"fact","metadata":{HEAVY}}}', "arguments"),
    ],
    ids=reprlib.repr,
)
def test_a_text_of_too_many_values_is_refused_before_they_are_made(given: object, name: str) -> None:
    tracemalloc.start()
    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[SAVE], given)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refusal.value.field_errors == {name: ["Input holds too many values to be read from a text."]}
    assert most < 5 * len(HEAVY)


def test_a_text_of_many_values_is_read() -> None:
    """As many as an embedding of any model has, and objects by the ten thousand."""
    numbers, objects = json.dumps([0.123456789] * 50_000), json.dumps([{"a": "b", "c": 1}] * 20_000)

    arguments, _ = parse_arguments(ENDPOINT[SAVE], {"kind": "vector", "embedding": numbers, "metadata": objects})

    assert len(json.loads(request_body(arguments))["metadata"]) == 20_000


def test_an_unknown_argument_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[SAVE], {"kind": "fact", "content": "x"})

    assert refusal.value.field_errors == {
        "content": ["Unknown argument. Known: kind, key, value, embedding, metadata."]
    }


def test_the_name_of_an_unknown_argument_is_shown_clean_and_short() -> None:
    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[SAVE], {"kind": "fact", "\u202e\x00" + "x" * 200: 1})

    assert refusal.value.field_errors is not None
    assert list(refusal.value.field_errors) == ["x" * 99 + "…"]


def test_a_name_with_a_lone_surrogate_is_refused_without_being_shown() -> None:
    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[SAVE], {"kind": "fact", "\ud83dkey": "x"})

    assert refusal.value.field_errors == {
        "arguments": ["A name holds a lone surrogate. Known: kind, key, value, embedding, metadata."]
    }


def test_every_wrong_argument_is_named_at_once() -> None:
    given = {"connection_id": True, "model_name": 5, **dict.fromkeys("abcd")}

    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[UPDATE], given)

    assert refusal.value.field_errors is not None
    assert set(refusal.value.field_errors) == {"connection_id", "name", "model_name", *"abcd"}
    assert str(refusal.value) == "Not valid: connection_id, name, model_name, a, b, …."


@pytest.mark.parametrize("given", [None, [], {}, "", " ", "null", "[]", "{}"])
def test_no_arguments_at_all_are_missing_arguments(given: object) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[SAVE], given)

    assert refusal.value.field_errors == {"kind": ["This argument is required."]}


@pytest.mark.parametrize(
    "added",
    [
        *("wait_for_previous", "waitForPreviousTools", "toolCallId", "sessionId", "action", "chatInput"),
        *("security_context", "_meta"),
    ],
)
def test_what_a_host_adds_to_every_call_is_dropped_silently(added: str) -> None:
    arguments, notes = parse_arguments(ENDPOINT[SAVE], {"kind": "fact", added: {"any": 1}})

    assert request_body(arguments) == b'{"kind":"fact"}'
    assert notes == []


@pytest.mark.parametrize("misspelt", ["meta_data", "sessionid", "toolcallid", "meta", "_Meta"])
def test_a_name_that_is_almost_one_that_a_host_adds_is_refused(misspelt: str) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[SAVE], {"kind": "fact", misspelt: 1})

    assert list(refusal.value.field_errors or {}) == [misspelt]


def test_an_endpoint_s_own_argument_of_such_a_name_is_the_endpoint_s() -> None:
    class OpenSession(Arguments):
        sessionId: str  # noqa: N815 - as a host would have it

    opened = dataclasses.replace(ENDPOINT[SAVE], arguments=OpenSession, examples=({"sessionId": "s"},))

    arguments, _ = parse_arguments(opened, {"sessionId": "mine", "toolCallId": "theirs"})

    assert request_body(arguments) == b'{"sessionId":"mine"}'


def test_nulls_are_dropped_where_the_operator_said_so() -> None:
    given = {"kind": "fact", "key": None, "value": "null", "embedding": None, "metadata": None}

    arguments, _ = parse_arguments(ENDPOINT[SAVE], given, drop_nulls=True)

    assert request_body(arguments) == b'{"kind":"fact","value":"null"}'


@pytest.mark.parametrize("character", ["x", "é", '"', "\x00"])
def test_a_body_of_one_mebibyte_is_sent_and_one_byte_more_is_refused_with_the_largest_argument_named(
    character: str,
) -> None:
    bare = len(b'{"kind":"fact","key":"k","value":""}')
    size = len(json.dumps(character, ensure_ascii=False).encode()) - 2
    count, rest = divmod(MAX_BODY - bare, size)
    longest = {"kind": "fact", "key": "k", "value": character * count + "x" * rest}
    fits, _ = parse_arguments(ENDPOINT[SAVE], longest)
    over, _ = parse_arguments(ENDPOINT[SAVE], longest | {"key": "kk"})

    assert len(request_body(fits)) == MAX_BODY
    with pytest.raises(InvalidArguments) as refusal:
        request_body(over)
    assert refusal.value.field_errors == {"value": ["All arguments together should be at most 1048576 bytes of JSON."]}


def test_the_body_is_compact_utf_8_in_the_order_of_the_document() -> None:
    given = {"value": "é 👍", "metadata": {"b": 1, "a": [1.0, 2]}, "kind": "fact", "key": None}

    arguments, _ = parse_arguments(ENDPOINT[SAVE], given)

    assert request_body(arguments) == (
        '{"kind":"fact","key":null,"value":"é 👍","metadata":{"b":1,"a":[1.0,2]}}'.encode()
    )
