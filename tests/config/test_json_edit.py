"""Setting one member of a JSON text with comments: everything else stays, byte for byte."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wemasy_mcp.config.json_edit import append_item, find_extensions, parse, set_member
from wemasy_mcp.config.program_file import MAX_BYTES

ENTRY = {"command": "x"}
PATH = ("mcpServers", "wemasy")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "{}",
            '{\n  "mcpServers": {\n    "wemasy": {\n      "command": "x"\n    }\n  }\n}',
            id="an empty object",
        ),
        pytest.param(
            '{\n\t"theme": "dark", // mine\n\t"mcpServers": {\n\t\t"other": {"command": "y"} // keep, please\n\t}\n}\n',
            '{\n\t"theme": "dark", // mine\n\t"mcpServers": {\n\t\t"other": {"command": "y"}, // keep, please\n'
            '\t\t"wemasy": {\n\t\t\t"command": "x"\n\t\t}\n\t}\n}\n',
            id="tabs, and a comment behind the last member",
        ),
        pytest.param(
            '{\n    /* all, of them */\n    "mcpServers": {\n        "a": {},\n    },\n}',
            '{\n    /* all, of them */\n    "mcpServers": {\n        "a": {},\n        "wemasy": {\n'
            '            "command": "x"\n        }\n    },\n}',
            id="trailing commas",
        ),
        pytest.param(
            '{"a": 1, "mcpServers": {"wemasy": {"command": "old", "args": [1]}, "b": {}}}',
            '{"a": 1, "mcpServers": {"wemasy": {\n  "command": "x"\n}, "b": {}}}',
            id="an older entry on one line",
        ),
        pytest.param(
            '{\r\n  "a": "// no comment, \\" }",\r\n  "mcpServers": {\r\n  }\r\n}\r\n',
            '{\r\n  "a": "// no comment, \\" }",\r\n  "mcpServers": {\r\n    "wemasy": {\r\n      "command": "x"\r\n'
            "    }\r\n  }\r\n}\r\n",
            id="the line ends of Windows",
        ),
        pytest.param(
            '// settings\n{\n  "mcpServers": { // none yet\n  }\n}',
            '// settings\n{\n  "mcpServers": { // none yet\n    "wemasy": {\n      "command": "x"\n    }\n  }\n}',
            id="an empty object with a comment in it",
        ),
    ],
)
def test_an_entry_is_set_and_the_rest_stays_as_it_is(before: str, after: str) -> None:
    assert set_member(before, PATH, ENTRY) == after


def test_an_entry_that_is_there_already_changes_nothing() -> None:
    text = '{"mcpServers":{"wemasy":{"command":"x"}}}'

    assert set_member(text, PATH, ENTRY) == text


def test_a_container_that_is_null_is_an_empty_one() -> None:
    after = set_member('{"mcpServers": null, "a": 1} // b', PATH, ENTRY)

    assert after.endswith(', "a": 1} // b')
    assert parse(after) == {"mcpServers": {PATH[-1]: ENTRY}, "a": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Expecting value"),
        ("[]", "it is not a JSON object"),
        ('{"a": 1', "Expecting"),
        ('{"a": 1} {}', "Extra data"),
        ('{"a": 1,, "b": 2}', "Expecting"),
        ('{"a": 1 /* no end }', "Expecting"),
        ("{'a': 1}", "Expecting"),
        ('{"a": 1, "a": 2}', '"a" is given twice'),
        ('{"a": NaN}', "NaN"),
        ('{"mcpServers": []}', "mcpServers is not an object"),
        ('{"mcpServers": 0}', "mcpServers is not an object"),
    ],
)
def test_what_is_no_json_object_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        set_member(text, PATH, ENTRY)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1}', '{"a": 1,\n  "inputs": [\n    {\n      "id": "i"\n    }\n  ]\n}'),
        ('{\n  "inputs": []\n}', '{\n  "inputs": [\n    {\n      "id": "i"\n    }\n  ]\n}'),
        (
            '{\n  "inputs": [\n    {"id": "h"} // h\n  ]\n}',
            '{\n  "inputs": [\n    {"id": "h"}, // h\n    {\n      "id": "i"\n    }\n  ]\n}',
        ),
    ],
)
def test_an_item_is_added_to_a_list(before: str, after: str) -> None:
    assert append_item(before, "inputs", {"id": "i"}) == after


def test_an_item_is_not_added_to_what_is_no_list() -> None:
    with pytest.raises(ValueError, match="inputs is not a list"):
        append_item('{"inputs": {}}', "inputs", {})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": "// no /* comment, }",\n "b": [1, 2]}', {}),
        ('{\n  // one\n  "a": 1, // two\n}', {"comments": 2, "trailing commas": 3}),
        ('{"a": [\n1,\n/* here */ ]}', {"comments": 3, "trailing commas": 2}),
    ],
)
def test_what_plain_json_has_not_is_found_with_its_line(text: str, found: dict[str, int]) -> None:
    assert find_extensions(text) == found


@pytest.mark.parametrize(
    "unit",
    ["/* ", "/*", "*/", '"', '\\"', '"\\', "// ", ", ", ",\n", "{", "[,", '{"a":'],
)
def test_a_large_text_is_looked_through_once_whatever_it_is_made_of(unit: str) -> None:
    # Looked through again from every position, a quarter of that size takes a quarter of an hour.
    text = '{"a": 1 ' + unit * (MAX_BYTES // 4 // len(unit))

    with pytest.raises(ValueError, match=r"."):
        parse(text)
    find_extensions(text)


NAMES = st.sampled_from(["mcpServers", "wemasy", "a", "//", "/*", '"', "\\", "é😀", ",}", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
GAPS = st.sampled_from(["", " ", "\n", "\r\n\t", "// c, }\n", "/* , ] */", "/**/", ' // "\n '])


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A JSON object as people write it: blanks, comments and trailing commas wherever they may stand."""
    value = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    return draw(GAPS) + draw_text(draw, value) + draw(GAPS), value


def draw_text(draw: st.DrawFn, value: Any) -> str:
    if not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=draw(st.booleans()))
    items = (
        [f"{json.dumps(name)}{draw(GAPS)}:{draw(GAPS)}{draw_text(draw, item)}" for name, item in value.items()]
        if isinstance(value, dict)
        else [draw_text(draw, item) for item in value]
    )
    inner = ",".join(f"{draw(GAPS)}{item}{draw(GAPS)}" for item in items)
    trailing = f",{draw(GAPS)}" if draw(st.booleans()) and items else draw(GAPS)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}{inner}{trailing}{closing}"


def comments(text: str) -> list[str]:
    return [
        found[1] for found in re.finditer(r'"(?:[^"\\\n]|\\.)*"|(//[^\r\n]*|/\*.*?\*/)', text, re.DOTALL) if found[1]
    ]


@settings(deadline=None)
@given(texts())
def test_any_text_holds_the_entry_afterwards_and_all_that_it_held(text_and_value: tuple[str, dict[str, Any]]) -> None:
    text, value = text_and_value
    assert parse(text) == value
    servers = {} if value.get("mcpServers") is None else value["mcpServers"]
    if not isinstance(servers, dict):
        with pytest.raises(ValueError, match="mcpServers is not an object"):
            set_member(text, PATH, ENTRY)
        return

    after = set_member(text, PATH, ENTRY)

    assert parse(after) == value | {"mcpServers": servers | {"wemasy": ENTRY}}
    if "wemasy" not in servers:
        assert comments(after) == comments(text)
    assert set_member(after, PATH, ENTRY) == after
