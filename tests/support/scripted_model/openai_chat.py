"""OpenAI's Chat Completions API: `POST /v1/chat/completions`."""

import json
import re
from collections.abc import Iterator
from typing import Any

from support.scripted_model.conversation import Conversation, NumberedTurn, Result, in_pieces, joined
from support.scripted_model.dialect import Dialect, Event, asks_in_body

_USAGE = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}


def _read(body: dict[str, Any], path: re.Match[str]) -> Conversation:
    def said_by(*roles: str) -> str:
        return "\n".join(joined(message["content"]) for message in body["messages"] if message["role"] in roles)

    return Conversation(
        model=body["model"],
        asked=said_by("user"),
        system=said_by("system", "developer"),
        tools={tool["function"]["name"]: tool["function"] for tool in body.get("tools", ())},
        results=tuple(
            Result(message["tool_call_id"], joined(message["content"]))
            for message in body["messages"]
            if message["role"] == "tool"
        ),
    )


def _write(numbered: NumberedTurn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": numbered.turn.text or None, "refusal": None}
    if calls := [_call(call_id, call.tool, json.dumps(call.arguments)) for call_id, call in numbered.calls()]:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _reason(numbered)}
    return _envelope(numbered, "chat.completion") | {"choices": [choice], "usage": _USAGE}


def _stream(numbered: NumberedTurn) -> Iterator[Event]:
    yield _chunk(numbered, {"role": "assistant", "content": ""})
    for piece in in_pieces(numbered.turn.text):
        yield _chunk(numbered, {"content": piece})
    for index, (call_id, call) in enumerate(numbered.calls()):
        yield _chunk(numbered, {"tool_calls": [{"index": index} | _call(call_id, call.tool, "")]})
        for piece in in_pieces(json.dumps(call.arguments, ensure_ascii=False)):
            yield _chunk(numbered, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield _chunk(numbered, {}, _reason(numbered))
    yield None, _envelope(numbered, "chat.completion.chunk") | {"choices": [], "usage": _USAGE}
    yield None, "[DONE]"


def _chunk(numbered: NumberedTurn, delta: dict[str, Any], finish_reason: str | None = None) -> Event:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return None, _envelope(numbered, "chat.completion.chunk") | {"choices": [choice]}


def _call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _reason(numbered: NumberedTurn) -> str:
    return "tool_calls" if numbered.turn.calls else "stop"


def _envelope(numbered: NumberedTurn, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{numbered.number}", "object": kind, "created": 1_790_000_000, "model": numbered.model}


OPENAI_CHAT = Dialect(re.compile(r"/chat/completions$"), _read, asks_in_body, _write, _stream)
