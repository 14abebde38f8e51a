import errno
import json
import os
import signal
import socket
import subprocess
import sys
from functools import partial

import anyio
import anyio.lowlevel
import httpx2
import pytest
from mcp import Client
from mcp.server.lowlevel import Server
from mcp.types import CallToolResult

from api_document import SAVE_MEMORY, TOOLS
from support.held_api import Upstream
from support.processes import SECONDS, WAYS, ServerProcess, Way, connect, serving, transport_of
from support.program import TOKEN, environment
from support.refusals import Refusal
from wemasy_mcp.setting_sources import load_settings
from wemasy_mcp.transports.http.asgi import build_app
from wemasy_mcp.transports.signals import STOP_SIGNALS

SECRET = "a-secret-of-16-letters"
SAVE = {"kind": "fact", "key": "k", "value": "null"}
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": SAVE_MEMORY.tool, "arguments": SAVE},
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_client_saves_a_memory_over_http(way: Way, upstream: Upstream) -> None:
    with anyio.fail_after(SECONDS), serving("--transport", transport_of(way), WEMASY_BASE_URL=upstream.url) as server:
        async with connect(server.url, way) as client:
            listed = await client.list_tools()
            result = await client.call_tool(SAVE_MEMORY.tool, SAVE)

    assert [tool.name for tool in listed.tools] == TOOLS
    assert result.structured_content == {"success": True, "data": {"id": 1, "kind": "fact", "key": None}}
    assert upstream.bodies == [SAVE]
    assert upstream.headers[0]["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json, text/event-stream", "application/json"),
        ("application/json", "application/json"),
        ("text/event-stream", "text/event-stream"),
    ],
)
def test_a_request_without_a_session_is_answered_in_the_form_it_accepts(
    accept: str, content_type: str, upstream: Upstream
) -> None:
    with serving("--transport", "streamable-http", WEMASY_BASE_URL=upstream.url) as server:
        answer = httpx2.post(server.url, json=CALL, headers={"Accept": accept}, timeout=SECONDS)

    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert "mcp-session-id" not in answer.headers
    message = json.loads(answer.text.partition("data: ")[2] or answer.text)
    assert message["result"]["structuredContent"]["success"] is True


async def _call_and_leave(url: str, version: str, upstream: Upstream) -> None:
    """Close the connection while the API has the call."""
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
        "Mcp-Method": "tools/call",
        "Mcp-Name": SAVE_MEMORY.tool,
    }
    meta = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "leaving", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    message = {**CALL, "params": {"name": SAVE_MEMORY.tool, "arguments": SAVE, "_meta": meta}}
    async with httpx2.AsyncClient(trust_env=False, timeout=SECONDS) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(client.post, url, json=message, headers=headers))
        await anyio.to_thread.run_sync(upstream.wait_for_request)
        tasks.cancel_scope.cancel()


async def test_a_client_of_2026_that_leaves_cancels_its_call_and_the_request_runs_on(upstream: Upstream) -> None:
    upstream.hold()
    with (
        anyio.fail_after(SECONDS),
        serving("--transport", "streamable-http", WEMASY_BASE_URL=upstream.url) as server,
    ):
        await _call_and_leave(server.url, "2026-07-28", upstream)
        # An answer on another connection: by then the server has seen the first one close.
        await anyio.to_thread.run_sync(httpx2.get, f"{server.origin}/healthz")
        upstream.release()
        while "code=" not in server.log:
            await anyio.lowlevel.checkpoint()
        async with connect(server.url, "streamable-http 2026") as client:
            repeated = await client.call_tool(SAVE_MEMORY.tool, SAVE)

    assert "outcome=applied code=cancelled" in server.log
    assert "rror" not in server.log
    assert upstream.bodies == [SAVE]
    assert repeated.structured_content is not None
    assert repeated.structured_content["data"] == {"id": 1, "kind": "fact", "key": None}
    assert "nothing was sent again" in repeated.structured_content["notes"][0]


async def test_a_client_of_2025_that_leaves_cancels_nothing(upstream: Upstream) -> None:
    upstream.hold()
    with (
        anyio.fail_after(SECONDS),
        serving("--transport", "streamable-http", WEMASY_BASE_URL=upstream.url) as server,
    ):
        await _call_and_leave(server.url, "2025-11-25", upstream)
        # An answer on another connection: by then the server has seen the first one close.
        await anyio.to_thread.run_sync(httpx2.get, f"{server.origin}/healthz")
        upstream.release()
        while "code=" not in server.log:
            await anyio.lowlevel.checkpoint()

    assert "outcome=applied code=ok" in server.log


async def test_large_calls_over_one_sse_session_are_bounded(upstream: Upstream) -> None:
    codes: list[str] = []
    upstream.hold()

    async def call(client: Client, number: int) -> None:
        result = await client.call_tool(SAVE_MEMORY.tool, {**SAVE, "key": str(number), "value": "v" * 1_000_000})
        assert result.structured_content is not None
        codes.append(result.structured_content["error"]["code"])

    with anyio.fail_after(SECONDS), serving("--transport", "sse", WEMASY_BASE_URL=upstream.url) as server:
        async with connect(server.url, "sse") as client, anyio.create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(call, client, number)
        upstream.release()

    assert codes.count("pending") == len(upstream.bodies) <= 17
    assert codes.count("unreachable") == 30 - len(upstream.bodies)


def test_only_the_published_paths_and_methods_answer() -> None:
    asked = [
        *(("GET", "/healthz"), ("HEAD", "/healthz/"), ("GET", "/readyz"), ("POST", "/healthz")),
        *(("GET", "/mcp"), ("DELETE", "/mcp"), ("HEAD", "/mcp/"), ("OPTIONS", "/mcp")),
        *(("GET", "/"), ("GET", "/sse"), ("GET", "/docs"), ("POST", "/register"), ("GET", "/mcp/x"), ("POST", "//mcp")),
    ]
    with serving("--transport", "streamable-http", "--sandbox") as server:
        answers = [httpx2.request(method, server.origin + path) for method, path in asked]

    assert [answer.status_code for answer in answers] == [200, 200, 200, *[405] * 5, *[404] * 6]
    for answer in answers[3:]:
        assert answer.request.method == "HEAD" or {"error", "error_description"} == set(answer.json())
    assert {answer.headers["allow"] for answer in answers[4:8]} == {"POST"}


async def test_a_server_that_stops_is_alive_and_not_ready() -> None:
    stopping = anyio.Event()
    app = build_app(Server("test"), load_settings(transport="sse"), 0, None, stopping)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        before = await client.get("/readyz")
        stopping.set()
        after, alive = await client.get("/readyz"), await client.get("/healthz")

    assert [(answer.status_code, answer.text) for answer in (before, after, alive)] == [
        (200, "ready"),
        (503, "stopping"),
        (200, "alive"),
    ]


def test_health_costs_no_api_request(upstream: Upstream) -> None:
    with serving("--transport", "sse", WEMASY_BASE_URL=upstream.url) as server:
        ready = httpx2.get(f"{server.origin}/readyz")

    assert (ready.text, upstream.bodies) == ("ready", [])


@pytest.mark.parametrize("transport", ["sse", "streamable-http"])
def test_the_server_does_not_start_without_a_wemasy_token(transport: str, refusal: Refusal) -> None:
    assert "WEMASY_API_TOKEN is not set" in refusal("--transport", transport, WEMASY_API_TOKEN="")


def test_a_taken_port_is_named_in_one_line(refusal: Refusal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refusal("--transport", "sse", "--port", str(port))

    assert line.strip() == (
        f"wemasy-mcp: WEMASY_PORT cannot be used: nothing can listen on 127.0.0.1:{port} "
        f"({os.strerror(errno.EADDRINUSE)}). Stop the program that uses it, or choose another port."
    )


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"WEMASY_HOST": "0.0.0.0"}, "WEMASY_SERVER_TOKEN"),
        ({"WEMASY_HOST": "::"}, "WEMASY_SERVER_TOKEN"),
        (
            {"WEMASY_HOST": "no such host", "WEMASY_SERVER_TOKEN": SECRET},
            "WEMASY_HOST is not an address",
        ),
        # An address of the documentation network: with client authentication on, only the machine itself objects.
        (
            {"WEMASY_HOST": "192.0.2.1", "WEMASY_SERVER_TOKEN": SECRET},
            "nothing can listen on 192.0.2.1:0",
        ),
        ({"WEMASY_ALLOWED_HOSTS": "http://example.com"}, "WEMASY_ALLOWED_HOSTS should hold"),
        ({"WEMASY_ALLOWED_ORIGINS": "*"}, "WEMASY_ALLOWED_ORIGINS should hold"),
        ({"WEMASY_SERVER_TOKEN": " , "}, "WEMASY_SERVER_TOKEN holds no token"),
        (
            {"WEMASY_SERVER_TOKEN": "a-fine-token-of-16,two words"},
            "WEMASY_SERVER_TOKEN cannot be used: entry 2",
        ),
        ({"WEMASY_SERVER_TOKEN_FILE": "/no/such/file"}, "WEMASY_SERVER_TOKEN_FILE names a file that cannot be read"),
        ({"WEMASY_TOOLS": "nothing"}, "WEMASY_TOOLS names unknown tools"),
    ],
)
def test_a_setting_that_cannot_be_used_ends_the_start(settings: dict[str, str], named: str, refusal: Refusal) -> None:
    line = refusal("--transport", "streamable-http", "--port", "0", **settings)

    assert named in line
    assert "two words" not in line


def test_the_ipv6_loopback_is_served_too() -> None:
    with serving("--transport", "streamable-http", "--sandbox", "--host", "::1") as server:
        answer = httpx2.post(server.url, json=CALL, headers={"Accept": "application/json"}, timeout=SECONDS)

    assert server.url.startswith("http://[::1]:")
    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["::", "[::]", "0:0:0:0:0:0:0:0"])
def test_all_addresses_are_those_of_both_families(host: str) -> None:
    with serving("--transport", "sse", "--sandbox", "--host", host, WEMASY_SERVER_TOKEN=SECRET) as server:
        answers = [httpx2.get(f"http://{own}:{server.port}/healthz") for own in ("127.0.0.1", "[::1]")]

    assert [answer.text for answer in answers] == ["alive", "alive"]


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_ends_an_idle_server_with_status_0(number: signal.Signals) -> None:
    with serving("--transport", "sse", "--sandbox") as server:
        server.process.send_signal(number)

        assert server.wait() == 0


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_under_way_is_finished_before_the_server_ends(way: Way, upstream: Upstream) -> None:
    upstream.hold()
    results: list[CallToolResult] = []

    async def call() -> None:
        async with connect(server.url, way) as client:
            # The client asks for the output schemas before it checks a result.
            await client.list_tools()
            results.append(await client.call_tool(SAVE_MEMORY.tool, SAVE))

    with anyio.fail_after(SECONDS), serving("--transport", transport_of(way), WEMASY_BASE_URL=upstream.url) as server:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await anyio.to_thread.run_sync(upstream.wait_for_request)
            server.terminate()
            await _until_refused(server)
            upstream.release()
        status = await anyio.to_thread.run_sync(server.wait)

    assert [result.is_error for result in results] == [False]
    assert (status, "ERROR" in server.log) == (0, False)


async def _until_refused(server: ServerProcess) -> None:
    """Return once the server takes no new connection."""
    while True:
        try:
            await (await anyio.connect_tcp("127.0.0.1", server.port)).aclose()
        except OSError:
            return


@pytest.mark.parametrize("transport", ["sse", "streamable-http"])
def test_standard_output_stays_empty(transport: str) -> None:
    command = [sys.executable, "-m", "wemasy_mcp", "--transport", transport, "--port", "0", "--sandbox"]
    with subprocess.Popen(
        command, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            # How it is configured is logged first.
            assert any("serving MCP at" in line for line in process.stderr)
            process.terminate()
            out, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()

    assert out == ""


def test_stdio_loads_none_of_this() -> None:
    code = "import sys, wemasy_mcp.app; print([name for name in sys.modules if 'wemasy_mcp.transports.http' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS, check=True)

    assert done.stdout.strip() == "[]"
