"""How a model's endpoint is asked: again where that may help, and in its own dialect."""

from collections.abc import Iterator

import httpx2
import pytest

from support.answers import answer
from support.fake_api import Connection, FakeApi, Request, answering

from .dialects import DIALECTS, Anthropic, Call, OpenAI, Output, Tool
from .endpoint import MAX_ATTEMPTS, Endpoint, ModelError

TOOLS = [Tool("save", "Saves.", {"type": "object"})]
USER = {"role": "user", "content": "Save it."}

SPOKEN = {"choices": [{"message": {"role": "assistant", "content": "Done."}}]}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "save", "arguments": '{"key": "k"}'}},
        {"id": "b", "type": "function", "function": {"name": "save", "arguments": ""}},
        {"id": "c", "type": "function", "function": {"name": "save", "arguments": '{"key": '}},
        {"id": "d", "type": "function", "function": {"name": "save", "arguments": {"key": "k"}}},
    ],
}
USED = [
    {"type": "thinking", "thinking": "…", "signature": "…"},
    {"type": "text", "text": "One moment."},
    {"type": "tool_use", "id": "a", "name": "save", "input": {"key": "k"}},
]


async def ask(api: FakeApi) -> str:
    endpoint = Endpoint(api.url, "a-key", "m", DIALECTS["openai"], {"temperature": 0}, pause_seconds=0.01)
    async with httpx2.AsyncClient(trust_env=False) as http:
        return (await endpoint.ask(http, "Be brief.", [USER], TOOLS)).text


def in_turn(*answers: bytes | None) -> Iterator[bytes | None]:
    yield from answers


@pytest.mark.parametrize(
    "first",
    [answer(429, {}, "Retry-After: 0"), answer(529, {}), answer(503, b"<html>", content_type="text/html"), None],
)
async def test_it_is_asked_again_after_what_passes(first: bytes | None) -> None:
    answers = in_turn(first, answer(200, SPOKEN))

    async def respond(request: Request, connection: Connection) -> None:
        said = next(answers)
        if said is None:
            connection.reset()
        else:
            await connection.send(said)

    async with FakeApi(respond) as api:
        assert await ask(api) == "Done."

    assert [request.path for request in api.requests] == ["/api/chat/completions"] * 2
    assert api.requests[1].fields == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, USER],
        "tools": [
            {
                "type": "function",
                "function": {"name": "save", "description": "Saves.", "parameters": {"type": "object"}},
            }
        ],
        "temperature": 0,
    }


@pytest.mark.parametrize(
    ("said", "attempts", "why"),
    [
        (answer(400, {"error": "no such model"}), 1, "answered 400: .*no such model"),
        (answer(500, {}), MAX_ATTEMPTS, "answered 500"),
        (answer(200, {"content": []}), 1, "answered in another dialect"),
        (answer(200, b"[]"), 1, "answered in another dialect"),
        (answer(200, b"<html>"), 1, "answered in another dialect"),
        (b"", MAX_ATTEMPTS, "RemoteProtocolError"),
    ],
)
async def test_it_is_given_up_with_the_reason(said: bytes, attempts: int, why: str) -> None:
    async def respond(request: Request, connection: Connection) -> None:
        await connection.send(said)
        await connection.aclose()

    async with FakeApi(respond) as api:
        with pytest.raises(ModelError, match=why):
            await ask(api)

    assert len(api.requests) == attempts


async def test_its_key_is_not_in_what_is_printed_of_it() -> None:
    async with FakeApi(answering(b"")) as api:
        assert "a-key" not in repr(Endpoint(api.url, "a-key", "m", DIALECTS["openai"]))


def test_openai_s_calls_are_read_and_answered() -> None:
    reply = OpenAI().reply({"choices": [{"message": CALLED | {"refusal": None}}]})

    assert (reply.text, reply.message) == ("", CALLED)
    assert reply.calls == [
        Call("a", "save", {"key": "k"}),
        Call("b", "save", {}),
        Call("c", "save", '{"key": '),
        Call("d", "save", {"key": "k"}),
    ]
    assert OpenAI().results([Output(reply.calls[0], "{}", is_error=True)]) == [
        {"role": "tool", "tool_call_id": "a", "content": "{}"}
    ]
    assert OpenAI().headers("k") == {"Authorization": "Bearer k"}


def test_anthropic_s_calls_are_read_and_answered_in_one_message() -> None:
    reply = Anthropic().reply({"content": USED, "stop_reason": "tool_use"})

    assert (reply.text, reply.message) == ("One moment.", {"role": "assistant", "content": USED})
    assert reply.calls == [Call("a", "save", {"key": "k"})]
    assert Anthropic().results([Output(reply.calls[0], "{}", is_error=True)]) == [
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "a", "content": "{}", "is_error": True}],
        }
    ]
    assert Anthropic().headers("k") == {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    body = Anthropic().body("m", "Be brief.", [USER], TOOLS)
    assert (body["system"], body["messages"], body["max_tokens"]) == ("Be brief.", [USER], 4096)
    assert body["tools"] == [{"name": "save", "description": "Saves.", "input_schema": {"type": "object"}}]
