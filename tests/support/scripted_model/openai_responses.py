"""OpenAI's Responses API: `POST /v1/responses`."""

import json
import re
from collections.abc import Iterator
from typing import Any

from support.scripted_model.conversation import Call, Conversation, NumberedTurn, Result, in_pieces, joined
from support.scripted_model.dialect import Dialect, Event, asks_in_body

_SEPARATOR = "."
"""Between the name of a namespace and that of a tool in it: a call names the two apart."""


def _read(body: dict[str, Any], path: re.Match[str]) -> Conversation:
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given

    def said_by(*roles: str) -> str:
        return "\n".join(joined(item["content"]) for item in items if item.get("role") in roles)

    return Conversation(
        model=body["model"],
        asked=said_by("user"),
        system="\n".join(filter(None, (body.get("instructions"), said_by("system", "developer")))),
        tools=dict(_tools(body.get("tools") or [])),
        results=tuple(
            Result(item["call_id"], joined(item["output"]))
            for item in items
            if item.get("type") == "function_call_output"
        ),
    )


def _tools(offered: list[dict[str, Any]], namespace: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for tool in offered:
        if tool["type"] == "namespace":
            yield from _tools(tool["tools"], tool["name"] + _SEPARATOR)
        elif tool["type"] == "function":
            yield namespace + tool["name"], tool


def _write(numbered: NumberedTurn) -> dict[str, Any]:
    usage = {"input_tokens": 10, "output_tokens": 10, "total_tokens": 20}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return _response(numbered, "completed", _output(numbered)) | {"usage": usage | details}


def _stream(numbered: NumberedTurn) -> Iterator[Event]:
    numbers = iter(range(1_000_000))

    def event(name: str, /, **data: Any) -> Event:
        return name, {"type": name, "sequence_number": next(numbers)} | data

    yield event("response.created", response=_response(numbered, "in_progress", []))
    yield event("response.in_progress", response=_response(numbered, "in_progress", []))
    for index, item in enumerate(_output(numbered)):
        place = {"output_index": index, "item_id": item["id"]}
        if item["type"] == "message":
            (part,) = item["content"]
            yield event("response.output_item.added", output_index=index, item=_begun(item, content=[]))
            place |= {"content_index": 0}
            yield event("response.content_part.added", **place, part=part | {"text": ""})
            for piece in in_pieces(part["text"]):
                yield event("response.output_text.delta", **place, delta=piece, logprobs=[])
            yield event("response.output_text.done", **place, text=part["text"], logprobs=[])
            yield event("response.content_part.done", **place, part=part)
        else:
            yield event("response.output_item.added", output_index=index, item=_begun(item, arguments=""))
            for piece in in_pieces(item["arguments"]):
                yield event("response.function_call_arguments.delta", **place, delta=piece)
            arguments = item["arguments"]
            yield event("response.function_call_arguments.done", **place, name=item["name"], arguments=arguments)
        yield event("response.output_item.done", output_index=index, item=item)
    yield event("response.completed", response=_write(numbered))


def _begun(item: dict[str, Any], **empty: Any) -> dict[str, Any]:
    return item | {"status": "in_progress"} | empty


def _output(numbered: NumberedTurn) -> list[dict[str, Any]]:
    calls = [_call(call_id, call) for call_id, call in numbered.calls()]
    if not numbered.turn.text:
        return calls
    part = {"type": "output_text", "text": numbered.turn.text, "annotations": []}
    message = {"type": "message", "id": f"msg_{numbered.number}", "role": "assistant", "status": "completed"}
    return [message | {"content": [part]}, *calls]


def _call(call_id: str, call: Call) -> dict[str, Any]:
    namespace, _, name = call.tool.rpartition(_SEPARATOR)
    item = {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "status": "completed", "name": name}
    return item | {"arguments": json.dumps(call.arguments)} | ({"namespace": namespace} if namespace else {})


def _response(numbered: NumberedTurn, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"resp_{numbered.number}",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": numbered.model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
    }


OPENAI_RESPONSES = Dialect(re.compile(r"/responses$"), _read, asks_in_body, _write, _stream)
