"""The two tools as one would write them by hand in an afternoon, on the SDK's `MCPServer`."""

import os
import sys
from typing import Annotated, Any, Literal

import httpx2
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

mcp = MCPServer("wemasy")
api = httpx2.AsyncClient(
    base_url=os.environ["API_BASE_URL"], headers={"Authorization": f"Bearer {os.environ['API_TOKEN']}"}
)


async def post(path: str, **body: Any) -> dict[str, Any]:
    response = await api.post(path, json={name: value for name, value in body.items() if value is not None})
    if response.is_error:
        raise ToolError(f"HTTP {response.status_code}: {response.text}")
    reply: dict[str, Any] = response.json()
    return reply


@mcp.tool()
async def update_connection(
    connection_id: int, name: Annotated[str, Field(max_length=255)], model_name: str | None = None
) -> dict[str, Any]:
    """Rename a stored AI provider connection and optionally set its model."""
    path = "services/ai/v1/user/connections/update"
    return await post(path, connection_id=connection_id, name=name, model_name=model_name)


@mcp.tool()
async def save_memory(
    kind: Literal["fact", "vector"],
    key: str | None = None,
    value: str | None = None,
    embedding: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Save a fact or a vector in the assistant's memory."""
    path = "services/ai/v1/memory/save"
    return await post(path, kind=kind, key=key, value=value, embedding=embedding, metadata=metadata)


if len(sys.argv) > 1:
    mcp.run("streamable-http", port=int(sys.argv[1]), stateless_http=True, json_response=True)
else:
    mcp.run()
