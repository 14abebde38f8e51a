"""A client that discovers, is answered, and falls back to the handshake all the same: nothing binds it over HTTP."""

from typing import Any

import anyio
import httpx2
import pytest

from api_document import TOOLS
from support.held_api import Upstream
from support.processes import SECONDS
from support.raw_http import running
from wemasy_mcp.transports.http.uvicorn_server import Patience

CLIENT = {"name": "test", "version": "1"}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}
DISCOVER = {"id": 1, "method": "server/discover", "params": {"_meta": META}}
SHAKE = {
    "id": 2,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT},
}


@pytest.mark.parametrize("discoveries", [1, 2])
async def test_a_handshake_is_taken_after_a_discovery_on_the_same_connection(
    discoveries: int, upstream: Upstream
) -> None:
    modern = {"MCP-Protocol-Version": "2026-07-28", "MCP-Method": "server/discover"}
    with anyio.fail_after(SECONDS):
        async with running(upstream, Patience()) as host, httpx2.AsyncClient(headers={"Host": "test"}) as http:

            async def ask(message: dict[str, Any], **headers: str) -> httpx2.Response:
                return await http.post(f"http://{host}/mcp", json={"jsonrpc": "2.0", **message}, headers=headers)

            for _ in range(discoveries):
                discovered = (await ask(DISCOVER, **modern)).json()
            shaken = await ask(SHAKE)
            session = {name: value for name, value in shaken.headers.items() if name == "mcp-session-id"}
            session["mcp-protocol-version"] = "2025-11-25"
            noted = await ask({"method": "notifications/initialized"}, **session)
            listed = (await ask({"id": 3, "method": "tools/list"}, **session)).json()

    assert "2026-07-28" in discovered["result"]["supportedVersions"]
    assert shaken.json()["result"]["protocolVersion"] == "2025-11-25"
    assert noted.status_code == 202
    assert [tool["name"] for tool in listed["result"]["tools"]] == TOOLS
