"""Behind a proxy that shows the server under a path and strips it, clients are told addresses that they can reach."""

import anyio
import httpx2
import pytest
from mcp.server.lowlevel import Server

from support.held_api import Upstream
from support.issuer import ISSUER
from support.processes import SECONDS, endpoint_of
from support.raw_http import running
from wemasy_mcp.setting_sources import load_settings
from wemasy_mcp.transports.http.asgi import build_app
from wemasy_mcp.transports.http.auth.oauth import jwt_verifier
from wemasy_mcp.transports.http.uvicorn_server import Patience

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
FORWARDED = ("X-Forwarded-Prefix", "/tools/wemasy/")


@pytest.mark.parametrize(
    ("setting", "headers", "path", "messages"),
    [
        ("/wemasy", [], "/sse", "/wemasy/messages/"),
        ("/wemasy", [], "/wemasy/sse/", "/wemasy/messages/"),
        ("/wemasy", [FORWARDED], "/sse", "/wemasy/messages/"),
        ("X-Forwarded-Prefix", [FORWARDED], "/sse", "/tools/wemasy/messages/"),
        ("X-Forwarded-Prefix", [], "/sse", "/messages/"),
        ("X-Forwarded-Prefix", [FORWARDED, FORWARDED], "/sse", "/messages/"),
        ("X-Forwarded-Prefix", [("X-Forwarded-Prefix", "//evil.example")], "/sse", "/messages/"),
        ("X-Forwarded-Prefix", [("X-Forwarded-Prefix", "/a\t/b")], "/sse", "/messages/"),
        ("", [FORWARDED], "/sse", "/messages/"),
    ],
)
async def test_an_sse_client_posts_where_the_proxy_shows_the_server(
    setting: str, headers: list[tuple[str, str]], path: str, messages: str, upstream: Upstream
) -> None:
    """The header counts only where the operator says so: a proxy that does not set it lets any client set it."""
    with anyio.fail_after(SECONDS):
        async with (
            running(upstream, Patience(), "sse", path_prefix=setting) as host,
            httpx2.AsyncClient(base_url=f"http://{host}", headers={"Host": "test"}) as http,
            http.stream("GET", path, headers=headers) as stream,
        ):
            lines = stream.aiter_lines()
            endpoint = await endpoint_of(lines)
            given = (
                endpoint
                if endpoint.startswith("/messages")
                else endpoint.removeprefix(messages.split("/mess", maxsplit=1)[0])
            )
            taken = await http.post(given, json=PING)

    assert endpoint.partition("?")[0] == messages
    assert taken.status_code == 202


@pytest.mark.parametrize(
    ("audience", "prefix", "resource", "shown", "asked"),
    [
        (
            "api://wemasy",
            "/wemasy",
            "https://mcp.example.com/wemasy/mcp",
            "https://mcp.example.com/wemasy/.well-known/oauth-protected-resource/mcp",
            "/.well-known/oauth-protected-resource/mcp",
        ),
        (
            "https://mcp.example.com/wemasy/mcp",
            "X-Forwarded-Prefix",
            "https://mcp.example.com/wemasy/mcp",
            "https://mcp.example.com/.well-known/oauth-protected-resource/wemasy/mcp",
            "/.well-known/oauth-protected-resource/wemasy/mcp",
        ),
    ],
)
async def test_a_stranger_finds_the_issuer_through_the_proxy(
    audience: str, prefix: str, resource: str, shown: str, asked: str
) -> None:
    settings = load_settings(
        transport="streamable-http",
        allowed_hosts="mcp.example.com",
        auth_issuer=ISSUER,
        auth_audience=audience,
        auth_jwks_url=f"{ISSUER}keys",
        auth_scopes="memory.write",
        path_prefix=prefix,
    )
    app = build_app(Server("test"), settings, 0, jwt_verifier(settings), anyio.Event())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://mcp.example.com") as http:
        challenge = (await http.get("/mcp")).headers["www-authenticate"]
        metadata = (await http.get(asked)).json()

    assert challenge == f'Bearer scope="memory.write", resource_metadata="{shown}"'
    assert metadata == {
        "resource": resource,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["memory.write"],
        "bearer_methods_supported": ["header"],
    }
