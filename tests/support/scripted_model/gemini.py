"""Google's Gemini API: `POST /v1beta/models/MODEL:generateContent`, and `:streamGenerateContent`."""

import json
import re
from collections.abc import Iterator
from typing import Any

from support.scripted_model.conversation import Conversation, NumberedTurn, Result, in_pieces, joined
from support.scripted_model.dialect import Dialect, Event


def _read(body: dict[str, Any], path: re.Match[str]) -> Conversation:
    said = [part for content in body["contents"] if content.get("role") != "model" for part in content["parts"]]
    responses = [part["functionResponse"] for part in said if "functionResponse" in part]
    declared = [declaration for tool in body.get("tools", ()) for declaration in tool.get("functionDeclarations", ())]
    return Conversation(
        model=path["model"],
        asked=joined(said),
        system=joined(body.get("systemInstruction", {}).get("parts")),
        tools={declaration["name"]: declaration for declaration in declared},
        results=tuple(
            Result(response.get("id", str(index)), json.dumps(response["response"], ensure_ascii=False))
            for index, response in enumerate(responses)
        ),
    )


def _write(numbered: NumberedTurn) -> dict[str, Any]:
    return _answer(numbered, [{"text": numbered.turn.text}] * bool(numbered.turn.text) + _calls(numbered), "STOP")


def _stream(numbered: NumberedTurn) -> Iterator[Event]:
    for piece in in_pieces(numbered.turn.text):
        yield None, _answer(numbered, [{"text": piece}])
    # A call comes whole.
    yield None, _answer(numbered, _calls(numbered) or [{"text": ""}], "STOP")


def _calls(numbered: NumberedTurn) -> list[dict[str, Any]]:
    return [
        {"functionCall": {"id": call_id, "name": call.tool, "args": call.arguments}}
        for call_id, call in numbered.calls()
    ]


def _answer(numbered: NumberedTurn, parts: list[dict[str, Any]], finish_reason: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
    return {
        "candidates": [candidate | ({"finishReason": finish_reason} if finish_reason else {})],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 10, "totalTokenCount": 20},
        "modelVersion": numbered.model,
        "responseId": f"response-{numbered.number}",
    }


GEMINI = Dialect(
    re.compile(r"/v1(?:alpha|beta)?/models/(?P<model>[^/:]+):(?P<method>generateContent|streamGenerateContent)$"),
    _read,
    lambda body, path: path["method"] == "streamGenerateContent",
    _write,
    _stream,
)
