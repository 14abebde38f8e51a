"""The two tools by hand on the SDK's low-level `Server`: schemas written out, arguments not checked."""

import json
import os
import sys
from typing import Any

import anyio
import httpx2
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}]}
UPDATE = {"connection_id": {"type": "integer"}, "name": {"type": "string"}, "model_name": TEXT}
SAVE = {
    "kind": {"type": "string", "enum": ["fact", "vector"]},
    "key": TEXT,
    "value": TEXT,
    "embedding": TEXT,
    "metadata": {"type": "object"},
}
PATHS = {"update_connection": "services/ai/v1/user/connections/update", "save_memory": "services/ai/v1/memory/save"}
TOOLS = [
    types.Tool(
        name="update_connection",
        description="Rename a stored AI provider connection and optionally set its model.",
        input_schema={"type": "object", "properties": UPDATE, "required": ["connection_id", "name"]},
    ),
    types.Tool(
        name="save_memory",
        description="Save a fact or a vector in the assistant's memory.",
        input_schema={"type": "object", "properties": SAVE, "required": ["kind"]},
    ),
]
api = httpx2.AsyncClient(
    base_url=os.environ["API_BASE_URL"], headers={"Authorization": f"Bearer {os.environ['API_TOKEN']}"}
)


async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
    return types.ListToolsResult(tools=TOOLS)


async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
    response = await api.post(PATHS[params.name], json=params.arguments)
    if response.is_error:
        text = types.TextContent(type="text", text=f"HTTP {response.status_code}: {response.text}")
        return types.CallToolResult(content=[text], is_error=True)
    reply = response.json()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=json.dumps(reply))], structured_content=reply
    )


server: Server[Any] = Server("wemasy", on_list_tools=list_tools, on_call_tool=call_tool)


async def serve_stdio() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if len(sys.argv) > 1:
    import uvicorn

    app = server.streamable_http_app(stateless_http=True, json_response=True)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
else:
    anyio.run(serve_stdio)
