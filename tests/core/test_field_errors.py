"""The `errors` of a 422 in every shape it may take: no field is lost, and what is cut is counted."""

from typing import Any

import pytest

from wemasy_mcp.core.field_errors import MAX_FIELDS, MAX_NAME, MAX_TEXTS, read_field_errors, shorten
from wemasy_mcp.core.sanitize import TEXT_LIMIT

NOTHING: tuple[object, ...] = (None, {}, [], 5, True)


@pytest.mark.parametrize(
    ("errors", "read"),
    [
        ({"name": ["Required.", "Too short."]}, {"name": ["Required.", "Too short."]}),
        ({"metadata.source": ["Too long."]}, {"metadata.source": ["Too long."]}),
        ({"name": "Required."}, {"name": ["Required."]}),
        (
            {"metadata": {"source": ["Too long."], "by": {"id": "No."}}},
            {"metadata.source": ["Too long."], "metadata.by.id": ["No."]},
        ),
        ({"metadata": [{"source": "Too long."}]}, {"metadata.source": ["Too long."]}),
        ({"name": ["a", ["b", ["c"]]]}, {"name": ["a", "b", "c"]}),
        ({"name": [5, True, None, "a"]}, {"name": ["a"]}),
        ({"name": None, "kind": {}, "key": [], "value": 5}, {"name": [], "kind": [], "key": [], "value": []}),
        (["Bad.", ["Worse."]], {"errors": ["Bad.", "Worse."]}),
        ("Bad.", {"errors": ["Bad."]}),
        ({"": ["a"]}, {"": ["a"]}),
        *((nothing, {}) for nothing in NOTHING),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_every_shape_is_read_as_texts_by_field(errors: Any, read: dict[str, list[str]]) -> None:
    assert read_field_errors(errors) == (read, 0)


def test_names_and_texts_are_cleaned_and_cut() -> None:
    read, _ = read_field_errors({"na\u202eme" + "x" * 200: ["a\x00b" + "y" * 600]})

    ((name, (text,)),) = read.items()
    assert name == "name" + "x" * (MAX_NAME - 5) + "…"
    assert text == "ab" + "y" * (TEXT_LIMIT - 3) + "…"


def test_fields_whose_names_look_the_same_once_cleaned_share_their_texts() -> None:
    assert read_field_errors({"name": ["a"], "na\u200bme": ["b"]}) == ({"name": ["a", "b"]}, 0)


def test_what_is_over_the_limits_is_counted() -> None:
    errors = {f"field{number}": ["x"] * 7 for number in range(MAX_FIELDS + 2)}

    read, left_out = read_field_errors(errors)

    assert len(read) == MAX_FIELDS
    assert {len(texts) for texts in read.values()} == {MAX_TEXTS}
    assert left_out == MAX_FIELDS * 2 + 2 * 7


def test_depth_costs_neither_the_stack_nor_long_names() -> None:
    errors: Any = "deep"
    for _ in range(50_000):
        errors = {"a": errors}

    read, _ = read_field_errors(errors)

    ((name, texts),) = read.items()
    assert len(name) == MAX_NAME
    assert texts == ["deep"]


def test_shortening_keeps_the_first_fields_and_counts_the_rest() -> None:
    errors = {"aaaaaa": ["bbbbbb", "c", "d"], "e": [], "f": ["g"]}

    assert shorten(errors, 2, 4) == ({"aaa…": ["bbb…", "c"], "e": []}, 2)


def test_a_token_at_the_cut_of_an_outer_name_is_redacted_whole() -> None:
    found, _ = read_field_errors(
        {"x" * 80 + "SECRET-SECRET-SECRET-SECRET": {"inner": ["bad"]}}, "SECRET" + "-SECRET" * 3
    )

    assert "SECRET" not in str(found)
