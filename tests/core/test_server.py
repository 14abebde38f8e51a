"""The server over the SDK's client of both eras: what it says of itself, what it logs, what it never tells."""

import gc
import logging
import re
import weakref
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import Implementation
from pydantic import SecretStr

import wemasy_mcp
from api_document import SAVE_MEMORY
from support.fake_api import FakeApi, answer_never
from support.program import TOKEN
from support.wire import SAVE, UPDATE, Era, Recorded, client_over, connect, server_over
from wemasy_mcp.core.client import Attempt, WemasyClient
from wemasy_mcp.core.errors import NotConfigured
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.core.request_context import Context
from wemasy_mcp.core.server import Options, build_server, user_agent
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint

SECRET_VALUE = "a value that no log line holds"
FACT = {"kind": "fact", "value": SECRET_VALUE}


async def test_the_server_says_who_it_is_and_offers_tools_only(mcp_client: Client) -> None:
    info = mcp_client.server_info
    assert info is not None

    assert (info.name, info.title, info.version) == ("wemasy-mcp", "Wemasy AI Assistant", wemasy_mcp.__version__)
    assert info.website_url == "https://wemasy.nl"
    capabilities = mcp_client.server_capabilities.model_dump(exclude_none=True)
    assert set(capabilities) == {"tools"}


async def test_the_instructions_name_every_tool_and_what_to_do_about_the_truth(mcp_client: Client) -> None:
    instructions = mcp_client.instructions
    assert instructions is not None

    for word in (SAVE, UPDATE, "tell the user", "`not_applied`", "`unknown`", "`rate_limited`", "`error.retryable`"):
        assert word in instructions
    assert "sandbox" not in instructions


async def test_the_sandbox_says_so_in_its_instructions(recorded: Recorded, era: Era) -> None:
    async with connect(server_over(client_over(recorded), options=Options(sandbox=True)), era) as client:
        instructions = client.instructions
    assert instructions is not None

    assert instructions.startswith("This is the embedded sandbox, not the user's account")


async def test_an_unknown_tool_is_a_protocol_error_and_nothing_is_sent(recorded: Recorded, mcp_client: Client) -> None:
    with pytest.raises(MCPError) as raised:
        await mcp_client.call_tool("wemasy\u202e_forget\x07", {})

    assert (raised.value.code, raised.value.message) == (-32602, "Unknown tool: wemasy_forget")
    assert recorded.requests == []


async def test_only_the_tools_that_are_offered_can_be_called(recorded: Recorded, era: Era) -> None:
    (save,) = (endpoint for endpoint in ENDPOINTS if endpoint.tool == SAVE)
    server = build_server(client_over(recorded), [save], lambda ctx: SecretStr(TOKEN))

    async with connect(server, era) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [SAVE]
        with pytest.raises(MCPError):
            await client.call_tool(UPDATE, {"connection_id": 5, "name": "n"})


async def test_a_call_without_arguments_is_answered_with_what_is_missing(mcp_client: Client) -> None:
    result = await mcp_client.call_tool(SAVE)

    assert result.structured_content is not None
    assert result.structured_content["error"]["field_errors"] == {"kind": ["This argument is required."]}


async def test_an_internal_error_never_shows_its_text(
    recorded: Recorded, mcp_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """To clients of the 2025 era, what leaves the handler as an exception is sent with its text."""
    recorded.fail(RuntimeError, f"Bearer {TOKEN} could not save {SECRET_VALUE}")

    result = await mcp_client.call_tool(SAVE, FACT)

    shown = result.model_dump_json()
    assert result.is_error
    assert '"code":"internal_error"' in shown
    assert TOKEN not in shown
    assert SECRET_VALUE not in shown
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage().partition(" ms=")[0] for record in errors] == [
        "internal error",
        f"tool={SAVE} outcome=unknown code=internal_error status=-",
    ]
    assert errors[0].exc_info is not None


@pytest.mark.parametrize(
    ("status", "arguments", "line"),
    [
        (200, FACT, "outcome=applied code=ok status=200"),
        (422, FACT, "outcome=not_applied code=validation_failed status=422"),
        (500, FACT, "outcome=unknown code=server_failed status=500"),
        (200, {"kind": SECRET_VALUE}, "outcome=not_applied code=invalid_arguments status=-"),
    ],
)
async def test_a_call_is_one_line_without_values(
    recorded: Recorded,
    mcp_client: Client,
    caplog: pytest.LogCaptureFixture,
    status: int,
    arguments: dict[str, Any],
    line: str,
) -> None:
    caplog.set_level(logging.INFO, logger="wemasy_mcp")
    recorded.answer(status, SAVE_MEMORY.sample_answer if status == 200 else {"message": SECRET_VALUE})

    await mcp_client.call_tool(SAVE, arguments)

    (record,) = (record for record in caplog.records if record.name.startswith("wemasy_mcp"))
    text, _, rest = record.getMessage().partition(" ms=")
    assert text == f"tool={SAVE} {line}"
    assert re.fullmatch(r"\d+ client=mcp/\d[\d.]*( record=12)?( request_id=[0-9a-f-]{36})?", rest)
    assert ("request_id" in rest) == (arguments == FACT)
    assert SECRET_VALUE not in str(vars(record))
    assert TOKEN not in str(vars(record))


async def test_what_was_sent_bears_an_id_for_wemasy_for_the_log_and_for_the_model(
    recorded: Recorded, mcp_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="wemasy_mcp")
    recorded.answer(500)

    results = [await mcp_client.call_tool(SAVE, FACT) for _ in range(2)]

    sent = [request.headers["X-Request-Id"] for request in recorded.requests]
    shown = [(result.structured_content or {})["error"]["request_id"] for result in results]
    logged = [vars(record)["members"]["request_id"] for record in caplog.records if "members" in vars(record)]
    assert sent == shown == logged
    assert len(set(sent)) == 2


async def test_what_was_not_sent_has_no_id(mcp_client: Client) -> None:
    result = await mcp_client.call_tool(SAVE, {})

    assert "request_id" not in (result.structured_content or {})["error"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("claude-ai", "client=claude-ai/1"),
        ("Visual Studio Code", 'client="Visual Studio Code/1"'),
        ("x outcome=applied", 'client="x outcome=applied/1"'),
        ('"', r'client="\"/1"'),
        ("a\r\n\u202eb", r'client="a\r\nb/1"'),
        ("x" * 10_000, f"client={'x' * 199}…"),
    ],
)
async def test_a_clients_name_cannot_pass_for_more_of_the_line(
    recorded: Recorded, era: Era, caplog: pytest.LogCaptureFixture, name: str, shown: str
) -> None:
    caplog.set_level(logging.INFO, logger="wemasy_mcp")

    client_info = Implementation(name=name, version="1")
    async with connect(server_over(client_over(recorded)), era, client_info=client_info) as client:
        await client.call_tool(SAVE, {})

    assert caplog.messages[-1].partition(" ms=")[2].partition(" ")[2] == shown


async def test_a_call_that_its_client_cancels_is_logged_with_what_is_known(
    era: Era, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="wemasy_mcp")

    async with FakeApi(answer_never) as upstream:
        api = WemasyClient(upstream.url, timeout_seconds=20)
        with anyio.fail_after(10):
            async with connect(server_over(api), era) as client, anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, SAVE, FACT)
                await upstream.arrived.wait()
                tasks.cancel_scope.cancel()
        await api.aclose()

    (record,) = (record for record in caplog.records if record.name.startswith("wemasy_mcp"))
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"tool={SAVE} outcome=unknown code=cancelled status=- ms=")


async def test_nothing_that_outlives_a_call_keeps_its_message(recorded: Recorded, era: Era) -> None:
    attempts: list[Attempt] = []
    contexts: list[weakref.ref[Context]] = []

    class Keeping(WemasyClient):
        async def call(self, *args: Any, attempt: Attempt, **options: Any) -> Reply:
            attempts.append(attempt)
            return await super().call(*args, attempt=attempt, **options)

    def token_of(ctx: Context) -> SecretStr:
        contexts.append(weakref.ref(ctx))
        return SecretStr(TOKEN)

    api = Keeping("https://api.example/api", timeout_seconds=5, transport=recorded.transport())
    async with connect(build_server(api, ENDPOINTS, token_of), era) as client:
        await client.call_tool(SAVE, FACT)
    gc.collect()

    assert len(attempts) == 1
    assert [context() for context in contexts] == [None]


async def test_the_arguments_are_held_once_while_the_request_is_under_way(recorded: Recorded, era: Era) -> None:
    kept: list[object] = []

    class Looking(WemasyClient):
        async def call(self, endpoint: Endpoint, body: bytes, **options: Any) -> Reply:
            kept.extend(it for it in gc.get_objects() if isinstance(it, endpoint.arguments))
            return await super().call(endpoint, body, **options)

    api = Looking("https://api.example/api", timeout_seconds=5, transport=recorded.transport())
    gc.collect()
    async with connect(server_over(api), era) as client:
        await client.call_tool(SAVE, FACT)

    assert recorded.bodies
    assert kept == []


async def test_a_token_that_is_not_there_when_it_is_needed_is_told(recorded: Recorded, era: Era) -> None:
    def no_token(ctx: Context) -> SecretStr:
        raise NotConfigured("X-Wemasy-Token is missing.")

    async with connect(build_server(client_over(recorded), ENDPOINTS, no_token), era) as client:
        result = await client.call_tool(SAVE, FACT)

    assert result.structured_content is not None
    assert result.structured_content["error"]["message"] == "X-Wemasy-Token is missing."
    assert recorded.requests == []


async def test_nulls_are_dropped_where_the_operator_said_so(recorded: Recorded, era: Era) -> None:
    server = server_over(client_over(recorded), options=Options(drop_nulls=True))
    async with connect(server, era) as client:
        await client.call_tool(SAVE, {"kind": "fact", "key": None, "value": "null"})

    assert recorded.bodies == [b'{"kind":"fact","value":"null"}']


@pytest.mark.parametrize(
    ("name", "version", "shown"),
    [
        ("claude-ai", "0.1.0", "(claude-ai/0.1.0)"),
        ("Visual Studio Code", "1.99 (insider)", "(Visual-Studio-Code/1.99-insider)"),
        ("x" * 100, "1" * 100, f"({'x' * 40}/{'1' * 40})"),
        ("日本語", "", "(unknown/0)"),
        ("a\r\nX-Injected: 1", "(/)", "(a-X-Injected-1/0)"),
        ("", "1", "(unknown/1)"),
    ],
)
async def test_the_api_is_told_which_client_calls_in_short_visible_ascii(
    recorded: Recorded, era: Era, name: str, version: str, shown: str
) -> None:
    server = server_over(client_over(recorded))
    async with connect(server, era, client_info=Implementation(name=name, version=version)) as client:
        await client.call_tool(SAVE, FACT)

    assert recorded.requests[0].headers["User-Agent"] == f"wemasy-mcp/{wemasy_mcp.__version__} {shown}"


def test_a_client_that_does_not_say_who_it_is_is_left_out() -> None:
    assert user_agent(None) == f"wemasy-mcp/{wemasy_mcp.__version__}"


async def test_two_calls_at_once_get_their_own_answers(mcp_client: Client, recorded: Recorded) -> None:
    kinds: list[Any] = []

    async def call(tool: str, arguments: dict[str, Any]) -> None:
        result = await mcp_client.call_tool(tool, arguments)
        assert result.structured_content is not None
        kinds.append((tool, result.structured_content["data"]["id"]))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call, SAVE, FACT)
        tasks.start_soon(call, UPDATE, {"connection_id": 5, "name": "n"})

    assert sorted(kinds) == [(SAVE, 12), (UPDATE, 5)]
    assert len(recorded.requests) == 2


async def test_a_client_that_leaves_in_the_middle_does_not_stop_the_next_one(recorded: Recorded, era: Era) -> None:
    server = server_over(client_over(recorded))
    recorded.fail(httpx2.ReadTimeout)
    async with connect(server, era) as first:
        await first.call_tool(SAVE, FACT)

    async with connect(server, era) as second:
        result = await second.call_tool(SAVE, FACT)

    assert result.structured_content is not None
    assert result.structured_content["error"]["code"] == "timed_out"
