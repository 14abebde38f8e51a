"""The real server as a child process: with the SDK's own client in both eras, and with raw lines where that hides."""

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from api_document import OPERATIONS, SAMPLE_ERRORS, SAVE_MEMORY, TOOLS, Operation
from support.answers import answer
from support.fake_api import FakeApi, Request
from support.launching import launched, run, serving
from support.listener import Connection
from support.program import TOKEN, environment
from support.results import check
from support.server_process import ERAS as VERSIONS
from support.server_process import Era as Version
from support.wire import SAVE, UPDATE, Era

FACT = {"kind": "fact", "value": "null"}
WHERE = (
    "It is set in the environment of this server (in most hosts the `env` of its entry), "
    "or in the file named with --env-file."
)


@asynccontextmanager
async def client_of(era: Era, variables: Mapping[str, str], *arguments: str) -> AsyncIterator[Client]:
    """Start the server as an MCP host does, and connect to it."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "wemasy_mcp", *arguments], env=environment(variables)
    )
    with anyio.fail_after(30):
        async with Client(server, mode={"2026": "auto", "2025": "legacy"}[era]) as client:
            yield client


@pytest.fixture
async def upstream() -> AsyncIterator[FakeApi]:
    async with FakeApi() as upstream:
        yield upstream


@pytest.fixture
def configured(upstream: FakeApi) -> dict[str, str]:
    return {"WEMASY_API_TOKEN": TOKEN, "WEMASY_BASE_URL": upstream.url}


async def test_a_client_lists_every_tool_and_calls_it(era: Era, configured: dict[str, str], upstream: FakeApi) -> None:
    async with client_of(era, configured) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        shown = {
            operation.tool: check(await client.call_tool(operation.tool, operation.sample_request), operation.tool)
            for operation in OPERATIONS
        }

    assert names == TOOLS
    for operation, request in zip(OPERATIONS, upstream.requests, strict=True):
        assert shown[operation.tool] == operation.sample_answer | {"rate_limit": {"limit": 60, "remaining": 57}}
        assert json.loads(request.body) == operation.sample_request
        assert request.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("value", ["null", "[1]", '{"a":1}', "", "é 👩\u200d👧 \u0000 \u2028", "\\ud83d", '"'])
async def test_a_text_reaches_the_api_byte_for_byte(value: str, configured: dict[str, str], upstream: FakeApi) -> None:
    async with client_of("2026", configured) as client:
        await client.call_tool(SAVE, {"kind": "fact", "key": None, "value": value})

    (request,) = upstream.requests
    assert request.body == (
        b'{"kind":"fact","key":null,"value":' + json.dumps(value, ensure_ascii=False).encode() + b"}"
    )


async def test_an_answer_with_half_an_emoji_does_not_end_the_server(
    era: Era, configured: dict[str, str], upstream: FakeApi
) -> None:
    async def answer_half(request: Request, stream: Connection) -> None:
        await stream.send(answer(422, {"message": "half \ud83d", "errors": {"key\ude00": ["\ud83d!"]}}))

    upstream.respond = answer_half
    async with client_of(era, configured) as client:
        shown = [check(await client.call_tool(SAVE, FACT), SAVE) for _ in range(2)]

    assert [it["error"]["message"] for it in shown] == ["half", "half"]
    assert shown[0]["error"]["field_errors"] == {"key": ["!"]}


@pytest.mark.parametrize("status", sorted(SAMPLE_ERRORS))
async def test_every_documented_error_reaches_the_client_as_a_result(
    status: int, configured: dict[str, str], upstream: FakeApi
) -> None:
    async def refuse(request: Request, stream: Connection) -> None:
        body, headers = SAMPLE_ERRORS[status]
        await stream.send(answer(status, body, *(f"{name}: {value}" for name, value in headers.items())))

    upstream.respond = refuse
    async with client_of("2025", configured) as client:
        shown = check(await client.call_tool(UPDATE, {"connection_id": 5, "name": "n"}), UPDATE)

    assert (shown["error"]["status"], shown["error"]["message"]) == (status, SAMPLE_ERRORS[status][0]["message"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool)
async def test_the_sandbox_needs_no_token_and_no_network(era: Era, operation: Operation) -> None:
    async with client_of(era, {}, "--sandbox") as client:
        shown = check(await client.call_tool(operation.tool, operation.sample_request), operation.tool)
        instructions = client.instructions

    assert (shown["success"], shown["sandbox"]) == (True, True)
    assert instructions is not None
    assert instructions.startswith("This is the embedded sandbox")


async def test_the_sandbox_keeps_what_is_written_where_it_was_told_to(tmp_path: Path) -> None:
    variables = {"WEMASY_SANDBOX": "yes", "WEMASY_SANDBOX_DB": str(tmp_path / "kept.db")}
    ids = []
    for _ in range(2):
        async with client_of("2026", variables) as client:
            ids.append(check(await client.call_tool(SAVE, FACT), SAVE)["data"]["id"])

    assert ids[1] == ids[0] + 1


@pytest.mark.parametrize(
    ("variables", "arguments", "problem"),
    [
        ({}, (), "WEMASY_API_TOKEN is not set; put your Wemasy API token there."),
        (
            {"WEMASY_API_TOKEN": "YOUR_API_TOKEN"},
            (),
            "WEMASY_API_TOKEN still holds a placeholder instead of a token: it was never filled in.",
        ),
        (
            {"WEMASY_API_TOKEN": TOKEN, "WEMASY_TIMEOUT_SECONDS": "0"},
            (),
            "WEMASY_TIMEOUT_SECONDS should be greater than 0",
        ),
        (
            {"WEMASY_API_TOKEN": TOKEN, "WEMASY_TOOLS": "save"},
            ("--transport", "stdio"),
            f"WEMASY_TOOLS names unknown tools. Known: {', '.join(TOOLS)}.",
        ),
        (
            {"WEMASY_SANDBOX_DB": "/dev/null/none.db"},
            ("--sandbox",),
            (
                f"WEMASY_SANDBOX_DB cannot be used: The sandbox database {Path('/dev/null/none.db')} cannot be opened: "
                "unable to open database file"
            ),
        ),
    ],
)
async def test_without_usable_settings_every_call_says_which_one_and_where_it_is_set(
    variables: dict[str, str], arguments: tuple[str, ...], problem: str
) -> None:
    async with client_of("2025", variables, *arguments) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        error = check(await client.call_tool(SAVE, FACT), SAVE)["error"]

    assert names == TOOLS
    assert (error["code"], error["outcome"], error["retryable"]) == ("not_configured", "not_applied", False)
    assert error["message"] == f"{problem.rstrip('.')}. {WHERE}"


async def test_settings_may_stand_in_a_file(upstream: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "wemasy.env"
    file.write_text(
        f"WEMASY_API_TOKEN='Bearer {TOKEN}'\nWEMASY_BASE_URL={upstream.url}/\n"
        f"WEMASY_TOOLS={SAVE}\nWEMASY_NULL_ARGUMENTS=drop\n"
    )

    async with client_of("2026", {}, "--env-file", str(file)) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        await client.call_tool(SAVE, {"kind": "fact", "key": None})

    assert names == [SAVE]
    assert [request.body for request in upstream.requests] == [b'{"kind":"fact"}']


async def test_what_other_code_prints_or_reads_never_touches_the_wire(configured: dict[str, str]) -> None:
    careless = """
import logging, os, subprocess, sys
from wemasy_mcp.__main__ import main

class Careless(logging.Handler):
    def emit(self, record):
        print("printed", flush=True)
        os.write(1, b"written\\n")
        subprocess.run([sys.executable, "-c", "print('a child writes')"], check=True)
        assert sys.stdin.read() == ""

logging.getLogger("wemasy_mcp").addHandler(Careless())
sys.argv = ["wemasy-mcp"]
sys.exit(main())
"""
    async with serving(configured, command=(sys.executable, "-c", careless)) as server:
        first = await server.call(SAVE, FACT)
        second = await server.call(SAVE, FACT)

    # Leaving `serving`, every line of stdout was parsed as JSON-RPC.
    assert first["structuredContent"]["success"] == second["structuredContent"]["success"] is True
    lines = bytes(server.stderr).splitlines()
    assert all(lines.count(stray) == 2 for stray in (b"printed", b"written", b"a child writes"))


@pytest.mark.parametrize(
    "params",
    [
        {"protocolVersion": "2025-11-25", "capabilities": [], "clientInfo": {"name": "php"}},
        {"protocolVersion": "2025-03-26", "capabilities": {"experimental": {"x": True}}},
    ],
)
async def test_what_a_client_means_clearly_is_read_as_it_is_meant(
    params: dict[str, object], configured: dict[str, str]
) -> None:
    async with launched(configured) as server:
        messages: list[dict[str, object]] = [
            {"id": "shake", "method": "initialize", "params": params},
            {"method": "notifications/initialized", "params": []},
            {"id": "list", "method": "tools/list", "params": []},
        ]
        await server.write(b"".join(b"\xef\xbb\xbf" + server.line({"jsonrpc": "2.0", **it}) for it in messages))
        shaken, listed = await server.answer("shake"), await server.answer("list")
        server.leave()
        assert await server.exit_status() == 0

    # The version of batches is not accepted, because no batch is.
    assert shaken["result"]["protocolVersion"] in {"2025-11-25", "2024-11-05"}
    assert shaken["result"]["protocolVersion"] != "2025-03-26"
    assert len(listed["result"]["tools"]) == len(TOOLS)


async def test_an_id_in_flight_is_refused_and_only_one_request_is_sent(
    configured: dict[str, str], upstream: FakeApi
) -> None:
    async with serving(configured) as server:
        lines = [server.tool_call(SAVE, FACT | {"key": str(number)}, 7) for number in range(2)]
        await server.write(b"".join(lines))
        refused, answered = await server.answer(None), await server.answer(7)

    assert refused["error"]["code"] == -32600
    assert answered["result"]["structuredContent"]["success"]
    assert len(upstream.requests) == 1


HANDSHAKE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "late", "version": "1"},
}
SHAKE = {"jsonrpc": "2.0", "id": "initialize", "method": "initialize", "params": HANDSHAKE}


@pytest.mark.parametrize("is_answered", [True, False])
async def test_a_client_that_fell_back_from_a_discovery_can_still_shake_hands(
    is_answered: bool, configured: dict[str, str]
) -> None:
    """Seeing the discovery first, the SDK locks the connection to the 2026 era and refuses the handshake."""
    async with launched(configured, era="2026-07-28") as server:
        discover = [server.line(server.message("server/discover", {}, number)) for number in range(2)]
        bare = {"jsonrpc": "2.0", "id": "bare", "method": "tools/list"}
        await server.write(b"".join(discover) + server.line(bare))
        if is_answered:
            await server.answer(1)
        called = {"name": SAVE, "arguments": FACT}
        messages = [SHAKE, {**bare, "id": "tools"}, {**bare, "id": "call", "method": "tools/call", "params": called}]
        await server.write(b"".join(map(server.line, messages)))
        server.leave()
        assert await server.exit_status() == 0
        answers = [await server.answer(request_id) for request_id in (0, 1, "initialize", "tools", "call")]

    assert all("2026-07-28" in answer["result"]["supportedVersions"] for answer in answers[:2])
    assert answers[2]["result"]["protocolVersion"] == "2025-11-25"
    assert len(answers[3]["result"]["tools"]) == len(TOOLS)
    assert answers[4]["result"]["structuredContent"]["success"]


async def test_a_client_that_went_on_after_its_discovery_has_chosen(configured: dict[str, str]) -> None:
    async with serving(configured, era="2026-07-28") as server:
        await server.request("server/discover")
        await server.request("tools/list")
        await server.write(server.line(SHAKE))

        assert (await server.answer("initialize"))["error"]["code"] == -32022


async def test_a_discovery_with_no_handshake_behind_it_is_answered(configured: dict[str, str]) -> None:
    async with serving(configured, era="2026-07-28") as server:
        answer = await server.request("server/discover")

    assert "2026-07-28" in answer["result"]["supportedVersions"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_request_before_the_end_of_input_is_answered(
    version: Version, configured: dict[str, str], upstream: FakeApi
) -> None:
    async with serving(configured, era=version) as server:
        lines = [server.tool_call(SAVE, FACT | {"key": str(number)}, number) for number in range(5)]
        await server.write(b"".join(lines).rstrip(b"\n"))
        server.leave()
        assert await server.exit_status() == 0

        answers = [await server.answer(number) for number in range(5)]

    assert all(answer["result"]["structuredContent"]["success"] for answer in answers)
    assert len(upstream.requests) == 5


async def test_the_log_is_one_json_line_a_call_without_values(configured: dict[str, str]) -> None:
    command = (sys.executable, "-m", "wemasy_mcp", "--log-format", "json")
    async with serving(configured, command=command) as server:
        await server.call(SAVE, {"kind": "fact", "value": "a value that no log holds"})
        await server.call(SAVE, {"kind": "a value that no log holds"})

    first, second = (json.loads(line) for line in server.stderr.splitlines())
    assert "a value that no log holds" not in server.stderr.decode()
    assert (first["outcome"], first["code"], first["status"]) == ("applied", "ok", 200)
    assert (second["outcome"], second["code"], second["status"]) == ("not_applied", "invalid_arguments", None)


async def test_nothing_is_written_but_what_was_asked_for() -> None:
    ended = await run({}, b"")

    assert (ended.status, ended.messages, ended.stderr) == (0, [], b"")


@pytest.mark.posix
async def test_a_person_at_a_terminal_is_told_what_this_is() -> None:
    terminal, of_the_server = os.openpty()
    async with await anyio.open_process(
        [sys.executable, "-m", "wemasy_mcp", "--sandbox"], stdin=of_the_server, env=environment({})
    ) as process:
        os.close(of_the_server)
        os.write(terminal, b"\x04")
        assert process.stderr is not None
        with anyio.fail_after(30):
            told = b"".join([chunk async for chunk in process.stderr])
            assert await process.wait() == 0
    os.close(terminal)

    assert b"wemasy-mcp demo" in told
    assert b"Ctrl-D" in told


def test_the_sample_of_the_document_has_no_message_for_a_memory() -> None:
    assert "message" not in SAVE_MEMORY.sample_answer
