"""Starts what an entry names and says what a host would see of it."""

import anyio
from mcp import Client, StdioServerParameters

from api_document import SAVE_MEMORY

PATIENCE_SECONDS = 30


async def tools_and_outcome(server: StdioServerParameters) -> tuple[list[str], str]:
    """Return the tools that it lists, and what becomes of saving a memory: `applied`, or an error's code."""
    with anyio.fail_after(PATIENCE_SECONDS):
        async with Client(server) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            result = await client.call_tool(SAVE_MEMORY.tool, {"kind": "fact", "key": "k", "value": "v"})
    answer = result.structured_content or {}
    return listed, "applied" if answer["success"] else answer["error"]["code"]
