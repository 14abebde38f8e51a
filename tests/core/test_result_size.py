"""What a call costs a model's context: the text block of its result, in bytes."""

from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from api_document import OPERATIONS, RATE_LIMIT_HEADERS, SAMPLE_ERRORS, SAVE_MEMORY, Operation
from support.wire import Recorded

MAX_SUCCESS_BYTES, MAX_ERROR_BYTES = 300, 700


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.tool)
async def test_the_documented_success_is_short(operation: Operation, recorded: Recorded, mcp_client: Client) -> None:
    recorded.answer(200, operation.sample_answer, RATE_LIMIT_HEADERS)

    result = await mcp_client.call_tool(operation.tool, operation.sample_request)

    assert not result.is_error
    assert size(result) <= MAX_SUCCESS_BYTES


@pytest.mark.parametrize("status", SAMPLE_ERRORS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.tool)
async def test_each_documented_error_is_short(
    operation: Operation, status: int, recorded: Recorded, mcp_client: Client
) -> None:
    recorded.answer(status, *SAMPLE_ERRORS[status])

    result = await mcp_client.call_tool(operation.tool, operation.sample_request)

    assert result.is_error
    assert size(result) <= MAX_ERROR_BYTES


@pytest.mark.parametrize("arguments", [{}, {"kind": "rumour", "key": True, "colour": 1}])
async def test_a_refusal_of_arguments_is_short(arguments: dict[str, Any], mcp_client: Client) -> None:
    result = await mcp_client.call_tool(SAVE_MEMORY.tool, arguments)

    assert result.is_error
    assert size(result) <= MAX_ERROR_BYTES


def size(result: CallToolResult) -> int:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return len(block.text.encode())
