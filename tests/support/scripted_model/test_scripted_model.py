import json
from typing import Any

import httpx2
import pytest

from support.scripted_model import Call, Conversation, Result, ServedModel, Turn, play, serve_model

SAVE = Call("mcp__wemasy__save", {"key": "colour", "value": "blauw, één 🎨 teken", "metadata": None})
RENAME = Call("mcp__wemasy__rename", {"connection_id": 5, "name": "a name that is longer than one piece of a stream"})
SAYS = Turn("Saving it, and renaming the connection.", (SAVE, RENAME))

SCHEMA = {"type": "object", "properties": {"key": {"type": "string"}}}
MODEL = "scripted-1"


def post(model: ServedModel, path: str, body: dict[str, Any]) -> Any:
    answer = httpx2.post(model.url + path, json=body).raise_for_status()
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def stream(model: ServedModel, path: str, body: dict[str, Any]) -> list[tuple[str | None, Any]]:
    """Return the events by name and data."""
    answer = httpx2.post(model.url + path, json=body).raise_for_status()
    assert answer.headers["Content-Type"] == "text/event-stream"
    found = []
    for block in answer.text.removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"]
        found.append((fields.get("event"), data if data == "[DONE]" else json.loads(data)))
    return found


def says(conversation: Conversation) -> Turn:
    return SAYS


# Anthropic's Messages

ANTHROPIC_REQUEST = {
    "model": MODEL,
    "max_tokens": 100,
    "system": [{"type": "text", "text": "You are an assistant."}],
    "tools": [{"name": SAVE.tool, "description": "Saves.", "input_schema": SCHEMA}],
    "messages": [
        {"role": "user", "content": "Save it."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1_0", "name": SAVE.tool, "input": {}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "call_1_0",
                    "is_error": True,
                    "content": [{"type": "text", "text": "refused"}],
                },
                {"type": "text", "text": "Go on."},
            ],
        },
    ],
}


def test_an_anthropic_answer_has_the_text_and_the_calls_as_blocks() -> None:
    with serve_model(says) as model:
        answer = post(model, "/v1/messages?beta=true", ANTHROPIC_REQUEST)

    assert answer == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [
            {"type": "text", "text": SAYS.text},
            {"type": "tool_use", "id": "call_1_0", "name": SAVE.tool, "input": SAVE.arguments},
            {"type": "tool_use", "id": "call_1_1", "name": RENAME.tool, "input": RENAME.arguments},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 10},
    }


def test_an_anthropic_stream_adds_up_to_the_answer() -> None:
    with serve_model(says) as model:
        whole = post(model, "/v1/messages", ANTHROPIC_REQUEST)
        events = stream(model, "/v1/messages", ANTHROPIC_REQUEST | {"stream": True})

    assert all(name == data["type"] for name, data in events)
    assert (events[0][0], events[-1][0]) == ("message_start", "message_stop")
    message = events[0][1]["message"]
    assert message["id"] != whole["id"]
    texts: dict[int, str] = {}
    for name, data in events:
        if name == "content_block_start":
            message["content"].append(data["content_block"])
            texts[data["index"]] = ""
        if name == "content_block_delta":
            texts[data["index"]] += data["delta"].get("text", "") + data["delta"].get("partial_json", "")
        if name == "message_delta":
            message |= data["delta"]
    for block, text in zip(message["content"], texts.values(), strict=True):
        block.update({"text": text} if block["type"] == "text" else {"input": json.loads(text)})
    assert _without(message, "id") == _without(whole, "id")


def test_an_anthropic_request_shows_what_was_said_offered_and_answered() -> None:
    with serve_model(play()) as model:
        post(model, "/v1/messages", ANTHROPIC_REQUEST)

    assert model.conversations == [
        Conversation(
            model=MODEL,
            asked="Save it.\nGo on.",
            system="You are an assistant.",
            tools={SAVE.tool: ANTHROPIC_REQUEST["tools"][0]},  # type: ignore[index]
            results=(Result("call_1_0", "refused", is_error=True),),
        )
    ]


# OpenAI's Chat Completions

CHAT_REQUEST = {
    "model": MODEL,
    "tools": [{"type": "function", "function": {"name": SAVE.tool, "parameters": SCHEMA}}],
    "messages": [
        {"role": "system", "content": "You are an assistant."},
        {"role": "user", "content": [{"type": "text", "text": "Save it."}]},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "call_1_0", "content": "refused"},
        {"role": "user", "content": "Go on."},
    ],
}


def test_a_chat_completion_has_the_text_and_the_calls_in_its_message() -> None:
    with serve_model(says) as model:
        answer = post(model, "/v1/chat/completions", CHAT_REQUEST)

    (choice,) = answer["choices"]
    assert (answer["object"], answer["model"], choice["finish_reason"]) == ("chat.completion", MODEL, "tool_calls")
    assert choice["message"]["content"] == SAYS.text
    assert [
        (call["id"], call["type"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in choice["message"]["tool_calls"]
    ] == [
        ("call_1_0", "function", SAVE.tool, SAVE.arguments),
        ("call_1_1", "function", RENAME.tool, RENAME.arguments),
    ]


def test_a_chat_stream_adds_up_to_the_answer() -> None:
    with serve_model(says) as model:
        events = stream(model, "/v1/chat/completions", CHAT_REQUEST | {"stream": True})

    *chunks, usage, done = [data for name, data in events if name is None]
    assert (done, usage["choices"], usage["usage"]["total_tokens"]) == ("[DONE]", [], 20)
    text, calls = "", {}
    for (choice,) in (chunk["choices"] for chunk in chunks):
        text += choice["delta"].get("content", "")
        for piece in choice["delta"].get("tool_calls", ()):
            if "id" in piece:
                calls[piece["index"]] = piece
            else:
                calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
    assert text == SAYS.text
    assert [(call["id"], call["function"]["name"]) for call in calls.values()] == [
        ("call_1_0", SAVE.tool),
        ("call_1_1", RENAME.tool),
    ]
    assert [json.loads(call["function"]["arguments"]) for call in calls.values()] == [SAVE.arguments, RENAME.arguments]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[-2:]] == [None, "tool_calls"]


def test_a_chat_request_shows_what_was_said_offered_and_answered() -> None:
    with serve_model(play()) as model:
        answer = post(model, "/v1/chat/completions", CHAT_REQUEST)

    assert model.conversations == [
        Conversation(
            model=MODEL,
            asked="Save it.\nGo on.",
            system="You are an assistant.",
            tools={SAVE.tool: {"name": SAVE.tool, "parameters": SCHEMA}},
            results=(Result("call_1_0", "refused"),),
        )
    ]
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Done.", "refusal": None}
    assert answer["choices"][0]["finish_reason"] == "stop"


# OpenAI's Responses

RESPONSES_REQUEST = {
    "model": MODEL,
    "instructions": "You are an assistant.",
    "tools": [
        {"type": "function", "name": "shell", "parameters": {}},
        {"type": "web_search"},
        {"type": "namespace", "name": "mcp__wemasy", "tools": [{"type": "function", "name": "save"}]},
    ],
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be short."}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Save it."}]},
        {"type": "function_call", "call_id": "call_1_0", "name": "save", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1_0", "output": "refused"},
    ],
}
IN_A_NAMESPACE = Turn(SAYS.text, (Call("mcp__wemasy.save", SAVE.arguments), RENAME))


def test_a_response_has_the_text_and_the_calls_as_items() -> None:
    with serve_model(lambda conversation: IN_A_NAMESPACE) as model:
        answer = post(model, "/v1/responses", RESPONSES_REQUEST)

    message, save, rename = answer["output"]
    assert (answer["object"], answer["status"], answer["model"]) == ("response", "completed", MODEL)
    assert message["content"] == [{"type": "output_text", "text": SAYS.text, "annotations": []}]
    assert (save["type"], save["call_id"], save["namespace"], save["name"]) == (
        "function_call",
        "call_1_0",
        "mcp__wemasy",
        "save",
    )
    assert json.loads(save["arguments"]) == SAVE.arguments
    assert (rename["call_id"], rename["name"], "namespace" in rename) == ("call_1_1", RENAME.tool, False)


def test_a_response_stream_adds_up_to_the_answer() -> None:
    with serve_model(says) as model:
        events = stream(model, "/v1/responses", RESPONSES_REQUEST | {"stream": True})

    assert all(name == data["type"] for name, data in events)
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    assert events[0][0] == "response.created"
    completed = events[-1][1]["response"]
    done = [data["item"] for name, data in events if name == "response.output_item.done"]
    assert (events[-1][0], completed["status"], completed["output"]) == ("response.completed", "completed", done)
    pieces = dict.fromkeys((item["id"] for item in done), "")
    for name, data in events:
        if name in ("response.output_text.delta", "response.function_call_arguments.delta"):
            pieces[data["item_id"]] += data["delta"]
    assert [pieces[item["id"]] for item in done] == [SAYS.text, done[1]["arguments"], done[2]["arguments"]]


def test_a_response_request_shows_what_was_said_offered_and_answered() -> None:
    with serve_model(play()) as model:
        post(model, "/v1/responses", RESPONSES_REQUEST)
        post(model, "/v1/responses", {"model": MODEL, "input": "Only a text."})

    assert model.conversations == [
        Conversation(
            model=MODEL,
            asked="Save it.",
            system="You are an assistant.\nBe short.",
            tools={
                "shell": {"type": "function", "name": "shell", "parameters": {}},
                "mcp__wemasy.save": {"type": "function", "name": "save"},
            },
            results=(Result("call_1_0", "refused"),),
        ),
        Conversation(model=MODEL, asked="Only a text."),
    ]


# Google's Gemini

GEMINI_PATH = f"/v1beta/models/{MODEL}:generateContent"
GEMINI_STREAM_PATH = f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
GEMINI_REQUEST = {
    "systemInstruction": {"role": "user", "parts": [{"text": "You are an assistant."}]},
    "tools": [{"functionDeclarations": [{"name": SAVE.tool}]}, {"googleSearch": {}}],
    "contents": [
        {"role": "user", "parts": [{"text": "Save it."}]},
        {"role": "model", "parts": [{"functionCall": {"name": SAVE.tool, "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": SAVE.tool, "response": {"output": "één"}}}]},
    ],
}


def test_a_gemini_answer_has_the_text_and_the_calls_as_parts() -> None:
    with serve_model(says) as model:
        answer = post(model, GEMINI_PATH, GEMINI_REQUEST)

    (candidate,) = answer["candidates"]
    assert candidate == {
        "index": 0,
        "finishReason": "STOP",
        "content": {
            "role": "model",
            "parts": [
                {"text": SAYS.text},
                {"functionCall": {"id": "call_1_0", "name": SAVE.tool, "args": SAVE.arguments}},
                {"functionCall": {"id": "call_1_1", "name": RENAME.tool, "args": RENAME.arguments}},
            ],
        },
    }
    assert answer["modelVersion"] == MODEL


@pytest.mark.parametrize("turn", [SAYS, Turn(SAYS.text), Turn(calls=SAYS.calls)])
def test_a_gemini_stream_adds_up_to_the_answer(turn: Turn) -> None:
    with serve_model(lambda conversation: turn) as model:
        events = stream(model, GEMINI_STREAM_PATH, GEMINI_REQUEST)

    candidates = [data["candidates"][0] for _, data in events]
    parts = [part for candidate in candidates for part in candidate["content"]["parts"]]
    assert [candidate.get("finishReason") for candidate in candidates] == [None] * (len(candidates) - 1) + ["STOP"]
    assert "".join(part.get("text", "") for part in parts) == turn.text
    assert [
        Call(part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part
    ] == list(turn.calls)


def test_a_gemini_request_shows_what_was_said_offered_and_answered() -> None:
    with serve_model(play()) as model:
        post(model, GEMINI_PATH, GEMINI_REQUEST)

    assert model.conversations == [
        Conversation(
            model=MODEL,
            asked="Save it.",
            system="You are an assistant.",
            tools={SAVE.tool: {"name": SAVE.tool}},
            results=(Result("0", '{"output": "één"}'),),
        )
    ]


# The player


def test_the_player_makes_each_call_once_the_one_before_is_answered_and_then_stops() -> None:
    choose = play(Call("save", {"key": "one"}), Call("wemasy-rename", {"name": "two"}))
    tools: dict[str, dict[str, Any]] = {SAVE.tool: {}, RENAME.tool: {}}
    answered = (Result("a", ""), Result("b", ""))

    turns = [choose(Conversation(MODEL, tools=tools, results=answered[:made])) for made in (0, 0, 1, 2)]

    assert turns == [
        *[Turn(calls=(Call(SAVE.tool, {"key": "one"}),))] * 2,
        Turn(calls=(Call(RENAME.tool, {"name": "two"}),)),
        Turn("Done."),
    ]


def test_the_player_answers_a_request_without_tools_with_a_text() -> None:
    assert play(Call("save", {}))(Conversation(MODEL)) == Turn("Done.")


@pytest.mark.parametrize(
    ("tools", "text"),
    [(["rename"], "save is not offered."), (["a_save", "b_save"], "save is a_save and b_save.")],
)
def test_the_player_says_so_when_a_tool_is_not_there_or_there_twice(tools: list[str], text: str) -> None:
    offered: dict[str, dict[str, Any]] = {name: {} for name in tools}

    assert play(Call("save", {}))(Conversation(MODEL, tools=offered)) == Turn(text)


# The server


def test_a_result_is_kept_as_it_was_shown_first() -> None:
    shortened = json.loads(json.dumps(ANTHROPIC_REQUEST).replace("refused", "[cleared]"))
    with serve_model(play()) as model:
        for request in (ANTHROPIC_REQUEST, shortened):
            post(model, "/v1/messages", request)

    assert model.results == {"call_1_0": Result("call_1_0", "refused", is_error=True)}


def test_what_it_does_not_have_is_refused_and_kept() -> None:
    with serve_model(play()) as model:
        proxied = httpx2.Client(proxy=model.url)
        with proxied, pytest.raises(httpx2.ProxyError):
            proxied.get("https://example.com/telemetry")
        answers = [
            httpx2.get(f"{model.url}/v1/models"),
            httpx2.post(f"{model.url}/v1/messages/count_tokens", json={"messages": []}),
        ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert model.unknown == ["CONNECT example.com:443", "GET /v1/models", "POST /v1/messages/count_tokens"]
    assert not model.conversations


def _without(found: dict[str, Any], *names: str) -> dict[str, Any]:
    """Without members that are new each time; ids of calls keep their place."""
    text = json.dumps({name: value for name, value in found.items() if name not in names})
    return dict(json.loads(text.replace("call_2_", "call_1_")))
