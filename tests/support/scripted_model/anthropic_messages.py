"""Anthropic's Messages API: `POST /v1/messages`."""

import json
import re
from collections.abc import Iterator
from typing import Any

from support.scripted_model.conversation import Conversation, NumberedTurn, Result, in_pieces, joined
from support.scripted_model.dialect import Dialect, Event, asks_in_body

_USAGE = {"input_tokens": 10, "output_tokens": 10}


def _read(body: dict[str, Any], path: re.Match[str]) -> Conversation:
    said = [message for message in body["messages"] if message["role"] == "user"]
    blocks = [block for message in said if isinstance(message["content"], list) for block in message["content"]]
    return Conversation(
        model=body["model"],
        asked="\n".join(filter(None, (joined(message["content"]) for message in said))),
        system=joined(body.get("system")),
        tools={tool["name"]: tool for tool in body.get("tools", ())},
        results=tuple(
            Result(block["tool_use_id"], joined(block.get("content")), block.get("is_error", False))
            for block in blocks
            if block["type"] == "tool_result"
        ),
    )


def _write(numbered: NumberedTurn) -> dict[str, Any]:
    text = [{"type": "text", "text": numbered.turn.text}] if numbered.turn.text else []
    calls = [
        {"type": "tool_use", "id": call_id, "name": call.tool, "input": call.arguments}
        for call_id, call in numbered.calls()
    ]
    return {
        "id": f"msg_{numbered.number}",
        "type": "message",
        "role": "assistant",
        "model": numbered.model,
        "content": [*text, *calls],
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
        "usage": _USAGE,
    }


def _stream(numbered: NumberedTurn) -> Iterator[Event]:
    whole = _write(numbered)
    yield _event("message_start", message=whole | {"content": [], "stop_reason": None})
    for index, block in enumerate(whole["content"]):
        if block["type"] == "text":
            start, pieces = (
                block | {"text": ""},
                [{"type": "text_delta", "text": it} for it in in_pieces(block["text"])],
            )
        else:
            written = in_pieces(json.dumps(block["input"], ensure_ascii=False))
            start, pieces = block | {"input": {}}, [{"type": "input_json_delta", "partial_json": it} for it in written]
        yield _event("content_block_start", index=index, content_block=start)
        for piece in pieces:
            yield _event("content_block_delta", index=index, delta=piece)
        yield _event("content_block_stop", index=index)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": _USAGE["output_tokens"]})
    yield _event("message_stop")


def _event(name: str, /, **data: Any) -> Event:
    return name, {"type": name} | data


ANTHROPIC_MESSAGES = Dialect(re.compile(r"/v1/messages$"), _read, asks_in_body, _write, _stream)
