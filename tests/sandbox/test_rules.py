"""Rules of types that no endpoint has yet, so that a new one need not touch the sandbox."""

from typing import Annotated, Any

import pytest
from pydantic import MISSING, Field
from wemasy_mcp.endpoint import Arguments, Creates, Data, Endpoint
from wemasy_mcp.sandbox.rules import fields_of, validate


class Order(Arguments):
    """Arguments of other types than those of today."""

    weight: float | MISSING = MISSING
    gift: bool | MISSING = MISSING
    tags: list[Any] | MISSING = MISSING
    note: str | MISSING = MISSING


class Constrained(Arguments):
    """An argument with a constraint that the sandbox does not know."""

    name: Annotated[str, Field(min_length=3)]


class Listed(Arguments):
    """An argument whose items are constrained."""

    names: list[str]


class Either(Arguments):
    """An argument of two types."""

    name: str | int


def _endpoint(arguments: type[Arguments]) -> Endpoint[Arguments, Data]:
    return Endpoint(
        tool="order",
        title="Order",
        description="",
        path="order",
        arguments=arguments,
        data=Data,
        done="ordered",
        destructive=False,
        idempotent=False,
        effect=Creates("orders"),
        examples=({},),
    )


def test_types_of_other_endpoints_have_their_rules() -> None:
    fields = fields_of(_endpoint(Order), {})

    assert validate(fields, {"weight": 2, "gift": True, "tags": ["a"], "note": "b"}) == {}
    assert validate(fields, {"weight": "2", "gift": 1, "tags": "a", "note": None}) == {
        "weight": ["The weight field must be a number."],
        "gift": ["The gift field must be true or false."],
        "tags": ["The tags field must be an array."],
        "note": ["The note field must be a string."],
    }


@pytest.mark.parametrize("arguments", [Constrained, Listed, Either])
def test_a_constraint_without_a_rule_is_not_passed_over(arguments: type[Arguments]) -> None:
    with pytest.raises(NotImplementedError, match="no rule for name"):
        fields_of(_endpoint(arguments), {})
