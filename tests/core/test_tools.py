"""What a client sees for every way in which a call can end, through the SDK's own client of both eras."""

from typing import Any

import httpx2
import jsonschema
import pytest
from mcp import Client

from api_document import RATE_LIMIT_HEADERS, SAMPLE_ERRORS, SAVE_MEMORY, TOOLS, UPDATE_CONNECTION
from support.program import TOKEN
from support.results import check, output_schema, seen
from support.wire import ENDPOINT, SAVE, UPDATE, Era, Recorded, client_over, connect, server_over
from wemasy_mcp.core.errors import ERRORS, RejectedUnclearly, WemasyError
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.core.server import Options
from wemasy_mcp.core.tools import error_result, success_result

FACT = {"kind": "fact", "key": "company_primary_color", "value": "#3B82F6"}
CONNECTION = {"connection_id": 5, "name": "Key v2"}

SAVED_UNKNOWN = (
    "It may or may not have been saved. Do not send it again: it could be stored twice. "
    "Tell the user that the outcome is unknown."
)
UPDATED_UNKNOWN = "It may or may not have been updated. Repeating the same call is harmless: you may repeat it."
NOBODY_KNOWS = "It may or may not have been saved. Do not send it again; tell the user that the outcome is unknown."

UNKNOWN_FOR_SAVE = {"outcome": "unknown", "retryable": False, "hint": SAVED_UNKNOWN}
LIMIT_57 = {"limit": 60, "remaining": 57}


async def test_a_saved_memory(mcp_client: Client) -> None:
    result = await mcp_client.call_tool(SAVE, FACT)

    assert check(result, SAVE) == {
        "success": True,
        "data": {"id": 12, "kind": "fact", "key": "company_primary_color"},
        "rate_limit": LIMIT_57,
    }


async def test_an_updated_connection(mcp_client: Client) -> None:
    result = await mcp_client.call_tool(UPDATE, CONNECTION)

    assert check(result, UPDATE) == {
        "success": True,
        "message": "Connection updated successfully.",
        "data": {"id": 5, "name": "My OpenAI Production Key v2", "model_name": "gpt-4o-mini"},
        "rate_limit": LIMIT_57,
    }


async def test_the_api_s_own_nulls_are_kept(recorded: Recorded, mcp_client: Client) -> None:
    recorded.answer(200, {"success": True, "data": {"id": 5, "name": "n", "model_name": None}})

    result = await mcp_client.call_tool(UPDATE, CONNECTION)

    assert check(result, UPDATE) == {"success": True, "data": {"id": 5, "name": "n", "model_name": None}}


async def test_a_repair_is_told_beside_the_success(recorded: Recorded, mcp_client: Client) -> None:
    recorded.answer(200, {"success": True, "data": {"id": 5, "name": 7, "model_name": None}})

    result = await mcp_client.call_tool(UPDATE, {"connection_id": "5", "name": "n"})

    assert check(result, UPDATE) == {
        "success": True,
        "data": {"id": 5, "model_name": None},
        "notes": [
            'connection_id "5" was read as 5.',
            "data.name did not match the documentation and is left out.",
        ],
    }


@pytest.mark.parametrize(
    ("status", "error", "rate_limit"),
    [
        (
            401,
            {
                "code": "unauthenticated",
                "message": "Unauthenticated.",
                "status": 401,
                "outcome": "not_applied",
                "retryable": False,
                "hint": "Nothing was saved. The user, not you, must put a valid token in WEMASY_API_TOKEN "
                "and restart the server.",
            },
            LIMIT_57,
        ),
        (
            403,
            {
                "code": "forbidden",
                "message": "This action is unauthorized.",
                "status": 403,
                "outcome": "not_applied",
                "retryable": False,
                "hint": "Nothing was saved. The token lacks the permission for this; the user must grant it in Wemasy.",
            },
            LIMIT_57,
        ),
        (
            422,
            {
                "code": "validation_failed",
                "message": "The name field is required.",
                "status": 422,
                "outcome": "not_applied",
                "retryable": False,
                "hint": "Nothing was saved. Correct the fields named in field_errors and call again.",
                "field_errors": {"name": ["The name field is required."]},
            },
            None,
        ),
        (
            429,
            {
                "code": "rate_limited",
                "message": "Too Many Attempts.",
                "status": 429,
                "outcome": "not_applied",
                "retryable": True,
                "retry_after_seconds": 60,
                "hint": "Nothing was saved. Send the same call again after 60 seconds.",
            },
            {"limit": 60, "remaining": 0},
        ),
    ],
)
async def test_a_documented_error(
    recorded: Recorded, mcp_client: Client, status: int, error: dict[str, Any], rate_limit: dict[str, int] | None
) -> None:
    recorded.answer(status, *SAMPLE_ERRORS[status])

    shown = check(await mcp_client.call_tool(SAVE, FACT), SAVE)

    assert shown == {"success": False, "error": error} | ({} if rate_limit is None else {"rate_limit": rate_limit})


@pytest.mark.parametrize(
    ("status", "body", "headers", "error"),
    [
        (
            404,
            {"message": "Not Found"},
            {},
            {
                "code": "rejected",
                "message": "Not Found",
                "outcome": "not_applied",
                "retryable": False,
                "hint": "Nothing was saved. Sending the same call again will not help.",
            },
        ),
        (
            409,
            {},
            {},
            {
                "code": "rejected",
                "message": "Wemasy refused the request.",
                "outcome": "unknown",
                "retryable": False,
                "hint": NOBODY_KNOWS,
            },
        ),
        (
            200,
            {"success": False, "message": "Memory is full."},
            {},
            {
                "code": "rejected",
                "message": "Memory is full.",
                "outcome": "not_applied",
                "retryable": False,
                "hint": "Nothing was saved. Sending the same call again will not help.",
            },
        ),
        (
            500,
            b"<html>Whoops</html>",
            {},
            {"code": "server_failed", "message": "Wemasy had an internal error."} | UNKNOWN_FOR_SAVE,
        ),
        (
            503,
            b"",
            {"Retry-After": "30"},
            {"code": "server_failed", "message": "Wemasy had an internal error.", "retry_after_seconds": 30}
            | UNKNOWN_FOR_SAVE,
        ),
        *(
            (
                status,
                b"<html>Log in</html>",
                {},
                {
                    "code": "bad_response",
                    "message": "The answer does not match Wemasy's documentation; WEMASY_BASE_URL may point elsewhere.",
                }
                | UNKNOWN_FOR_SAVE,
            )
            for status in (200, 302)
        ),
    ],
)
async def test_an_undocumented_answer(
    recorded: Recorded, mcp_client: Client, status: int, body: Any, headers: dict[str, str], error: dict[str, Any]
) -> None:
    recorded.answer(status, body, headers)

    shown = check(await mcp_client.call_tool(SAVE, FACT), SAVE)

    assert shown == {"success": False, "error": error | {"status": status}}


@pytest.mark.parametrize(
    ("fault", "save", "update"),
    [
        (
            httpx2.ConnectError,
            {
                "code": "unreachable",
                "message": "Could not connect to Wemasy, or to the proxy in front of it.",
                "outcome": "not_applied",
                "retryable": True,
                "hint": "Nothing was saved. Wemasy could not be reached; you may send the same call again.",
            },
            {"hint": "Nothing was updated. Wemasy could not be reached; you may send the same call again."},
        ),
        (
            httpx2.ReadTimeout,
            {"code": "timed_out", "message": "Wemasy did not answer in time."} | UNKNOWN_FOR_SAVE,
            {"retryable": True, "hint": UPDATED_UNKNOWN},
        ),
        (
            httpx2.RemoteProtocolError,
            {"code": "connection_lost", "message": "The connection broke before the answer was complete."}
            | UNKNOWN_FOR_SAVE,
            {"retryable": True, "hint": UPDATED_UNKNOWN},
        ),
        (
            RuntimeError,
            {
                "code": "internal_error",
                "message": "The server had an internal error; its log has the details.",
                "outcome": "unknown",
                "retryable": False,
                "hint": NOBODY_KNOWS,
            },
            {"hint": NOBODY_KNOWS.replace("saved", "updated")},
        ),
    ],
)
async def test_a_failure_on_the_way(
    recorded: Recorded, mcp_client: Client, fault: type[Exception], save: dict[str, Any], update: dict[str, Any]
) -> None:
    recorded.fail(fault, f"Authorization: Bearer {TOKEN}")

    of_save = check(await mcp_client.call_tool(SAVE, FACT), SAVE)
    of_update = check(await mcp_client.call_tool(UPDATE, CONNECTION), UPDATE)

    assert of_save == {"success": False, "error": save}
    assert of_update == {"success": False, "error": save | update}


async def test_arguments_refused_here(recorded: Recorded, mcp_client: Client) -> None:
    result = await mcp_client.call_tool(SAVE, {"kind": "note", "text": "x"})

    assert check(result, SAVE) == {
        "success": False,
        "error": {
            "code": "invalid_arguments",
            "message": "Not valid: kind, text.",
            "outcome": "not_applied",
            "retryable": False,
            "hint": "Nothing was saved. Correct the arguments named in field_errors and call again.",
            "field_errors": {
                "kind": ["Input should be 'fact' or 'vector'."],
                "text": ["Unknown argument. Known: kind, key, value, embedding, metadata."],
            },
        },
    }
    assert recorded.requests == []


async def test_a_call_inside_a_wait_is_answered_without_being_sent(recorded: Recorded, mcp_client: Client) -> None:
    recorded.answer(429, *SAMPLE_ERRORS[429])
    await mcp_client.call_tool(SAVE, FACT)

    shown = check(await mcp_client.call_tool(UPDATE, CONNECTION), UPDATE)

    seconds = shown["error"]["retry_after_seconds"]
    assert 0 < seconds <= 60
    assert shown == {
        "success": False,
        "error": {
            "code": "rate_limited",
            "message": "Wemasy asked to wait; the call was not sent.",
            "outcome": "not_applied",
            "retryable": True,
            "retry_after_seconds": seconds,
            "hint": f"Nothing was updated. Send the same call again after {seconds} seconds.",
        },
    }
    assert len(recorded.requests) == 1


async def test_in_the_sandbox_every_result_says_so(recorded: Recorded, era: Era) -> None:
    server = server_over(client_over(recorded), options=Options(sandbox=True))
    async with connect(server, era) as client:
        success = await client.call_tool(SAVE, FACT)
        error = await client.call_tool(SAVE, {})
        recorded.fail(RuntimeError)
        defect = await client.call_tool(SAVE, FACT)

    assert [check(result, SAVE)["sandbox"] for result in (success, error, defect)] == [True, True, True]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("error", [*ERRORS, RejectedUnclearly], ids=lambda error: error.__name__)
def test_an_error_fits_the_one_schema_that_clients_check_successes_with(error: type[WemasyError], tool: str) -> None:
    """The TypeScript client 1.x checks errors with it too, and throws: the model would never see the error."""
    check(error_result(error(status=400, retry_after_seconds=1, field_errors={"a": ["b"]}), ENDPOINT[tool]), tool)


@pytest.mark.parametrize("character", ["x", '"', "\n", "é", "👍", "\\"])
@pytest.mark.parametrize("fields", [20, 60, 70])
async def test_the_longest_error_is_cut_to_fit(
    recorded: Recorded, mcp_client: Client, character: str, fields: int
) -> None:
    errors = {f"{number}{character * 200}": [character * 501] * 6 for number in range(fields)}
    recorded.answer(422, {"message": character * 5000, "errors": errors}, RATE_LIMIT_HEADERS)

    shown = check(await mcp_client.call_tool(SAVE, FACT | {"key": 5}), SAVE)

    assert shown["error"]["code"] == "validation_failed"
    assert shown["rate_limit"] == LIMIT_57
    first, *_, last = shown["notes"]
    assert (first, last) == ('key 5 was sent as the text "5".', "Long texts were shortened.")
    told = sum(int(note.split()[0]) for note in shown["notes"] if note.endswith("more field errors were left out."))
    assert sum(map(len, shown["error"]["field_errors"].values())) + told == fields * 6


async def test_an_error_whose_texts_alone_are_too_long_keeps_every_field(
    recorded: Recorded, mcp_client: Client
) -> None:
    recorded.answer(422, {"message": "No.", "errors": {f"field {number}": ["👍" * 500] for number in range(6)}})

    shown = check(await mcp_client.call_tool(SAVE, FACT), SAVE)

    assert list(shown["error"]["field_errors"]) == [f"field {number}" for number in range(6)]
    assert shown["notes"] == ["Long texts were shortened."]


@pytest.mark.parametrize("character", ["x", '"', "\n", "👍"])
async def test_the_longest_success_is_cut_to_fit(recorded: Recorded, mcp_client: Client, character: str) -> None:
    long = character * 5000
    recorded.answer(200, {"success": True, "message": long, "data": {"id": 5, "name": long, "model_name": long}})

    shown = check(await mcp_client.call_tool(UPDATE, CONNECTION), UPDATE)

    assert shown["success"] is True
    assert shown["data"]["id"] == 5
    assert shown["data"]["name"].endswith("…")
    assert "data.name is shown sanitized or shortened." in shown["notes"]


async def test_a_result_holds_no_half_of_an_emoji(recorded: Recorded, mcp_client: Client) -> None:
    """One lone surrogate in what is written stops the SDK's stdio transport, and the server with it."""
    recorded.answer(422, {"message": "a\ud83d", "errors": {"b\ud83d": ["c\ud83d"]}})

    error = check(await mcp_client.call_tool(SAVE, FACT), SAVE)["error"]

    assert (error["message"], error["field_errors"]) == ("a", {"b": ["c"]})

    recorded.answer(200, SAVE_MEMORY.sample_answer | {"data": {"id": 1, "kind": "fact", "key": "d\ude00"}})
    success = check(await mcp_client.call_tool(SAVE, FACT | {"\ud83d": 1}), SAVE)
    assert success["error"]["code"] == "invalid_arguments"
    success = check(await mcp_client.call_tool(SAVE, FACT), SAVE)
    assert success["data"]["key"] == "d"


def test_a_reply_that_no_result_can_hold_is_still_a_success() -> None:
    reply = Reply(message=None, data={1: "no JSON name"}, rate_limit=None, notes=())

    assert seen(success_result(reply, [])) == {
        "success": True,
        "notes": ["The answer did not match the documentation; its details are left out."],
    }


def test_the_documents_samples_are_what_the_schema_describes() -> None:
    for operation in (SAVE_MEMORY, UPDATE_CONNECTION):
        jsonschema.validate(operation.sample_answer, output_schema(operation.tool))
