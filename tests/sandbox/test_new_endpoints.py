"""Endpoints that do not exist yet: a new one need not touch the sandbox."""

from typing import Any

from pydantic import MISSING

from sandbox.conftest import client_of
from wemasy_mcp.endpoints.base import Arguments, Creates, Data, Endpoint, Updates
from wemasy_mcp.sandbox import build_sandbox


class PlaceOrder(Arguments):
    """Arguments of other types than those of today."""

    weight: float | MISSING = MISSING
    gift: bool | MISSING = MISSING
    tags: list[Any] | MISSING = MISSING
    note: str | MISSING = MISSING


class MoveOrder(Arguments):
    """Names a record of another collection."""

    order_number: int
    note: str


class Order(Data):
    """A stored order."""

    id: int
    note: str | None


def _endpoint(path: str, arguments: type[Arguments], effect: Creates | Updates, example: dict[str, Any]) -> Endpoint:
    return Endpoint(
        tool=path,
        title=path,
        description="",
        path=path,
        arguments=arguments,
        data=Order,
        done="ordered",
        destructive=False,
        idempotent=False,
        effect=effect,
        examples=(example,),
    )


PLACE = _endpoint("place", PlaceOrder, Creates("orders"), {})
MOVE = _endpoint(
    "move",
    MoveOrder,
    Updates("orders", "order_number", ({"id": 7, "note": "seeded"},), "Moved."),
    {"order_number": 7, "note": "a"},
)


async def test_a_new_endpoint_is_served_from_its_description_alone() -> None:
    app = build_sandbox(endpoints=(PLACE, MOVE))
    async with client_of(app) as client:
        placed = await client.post("/api/place", json={"weight": 2, "gift": True, "tags": ["a"], "note": "b"})
        moved = await client.post("/api/move", json={"order_number": 8, "note": "c"})
        refused = await client.post("/api/move", json={"order_number": 9, "note": "c"})
        state = (await client.get("/_sandbox/state")).json()

    assert placed.json() == {"success": True, "data": {"id": 8, "note": "b"}}
    assert moved.json() == {"success": True, "message": "Moved.", "data": {"id": 8, "note": "c"}}
    assert refused.json()["message"] == "The selected order number is invalid."
    assert state["collections"][0]["columns"] == ["id", "weight", "gift", "tags", "note"]
    assert app.state.store.newest("orders", 9) == [
        {"id": 8, "weight": 2, "gift": True, "tags": ["a"], "note": "c"},
        {"id": 7, "note": "seeded"},
    ]


async def test_types_that_no_endpoint_has_today_have_their_rules() -> None:
    async with client_of(build_sandbox(endpoints=(PLACE,))) as client:
        answer = await client.post("/api/place", json={"weight": "2", "gift": 1, "tags": "a", "note": None})

    assert answer.json()["errors"] == {
        "weight": ["The weight field must be a number."],
        "gift": ["The gift field must be true or false."],
        "tags": ["The tags field must be an array."],
        "note": ["The note field must be a string."],
    }
