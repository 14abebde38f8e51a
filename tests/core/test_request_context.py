"""Arguments of tool calls in forms that MCP does not have and hosts send all the same, in both eras."""

from typing import Any, ClassVar, Literal

import pytest
from mcp import Client
from mcp.types import CallToolResult
from pydantic import BaseModel

from support.results import check
from support.wire import SAVE, Recorded


class Call(BaseModel):
    """A tool call that the SDK's own client would not send."""

    method: Literal["tools/call"] = "tools/call"
    params: dict[str, Any]
    name_param: ClassVar[str | None] = None


async def call(client: Client, arguments: object) -> dict[str, Any]:
    request = Call(params={"name": SAVE, "arguments": arguments})
    return check(await client.session.send_request(request, CallToolResult), SAVE)  # type: ignore[arg-type]


async def test_arguments_as_the_json_text_of_an_object_are_that_object(mcp_client: Client, recorded: Recorded) -> None:
    shown = await call(mcp_client, ' {"kind": "fact", "value": "5"}\n')

    assert shown["success"] is True
    assert recorded.bodies == [b'{"kind":"fact","value":"5"}']


@pytest.mark.parametrize("arguments", [None, [], {}, "{}", "", "null", "[]"])
async def test_no_arguments_in_whatever_form_are_missing_arguments(mcp_client: Client, arguments: object) -> None:
    error = (await call(mcp_client, arguments))["error"]

    assert (error["code"], error["field_errors"]) == ("invalid_arguments", {"kind": ["This argument is required."]})


@pytest.mark.parametrize(
    "arguments",
    ['{"kind":"fact"', '{"kind":"fact","kind":"vector"}', "[" * 50_000, 5, 0, True, False, [{}], 1.5],
    ids=lambda arguments: repr(arguments)[:30],
)
async def test_arguments_that_are_not_an_object_are_refused_where_the_model_sees_it(
    mcp_client: Client, recorded: Recorded, arguments: object
) -> None:
    error = (await call(mcp_client, arguments))["error"]

    assert error["code"] == "invalid_arguments"
    assert error["message"] == "The arguments are not a JSON object."
    assert error["field_errors"] == {"arguments": ["Input should be a JSON object."]}
    assert recorded.requests == []
