"""What model endpoints speak: OpenAI's Chat Completions or Anthropic's Messages, neither of them streamed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

MAX_TOKENS = 4096
"""Of one reply. Only Anthropic's dialect has to say a number."""

Message = dict[str, Any]
Dialect = Literal["openai", "anthropic"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as a model is told of it."""

    name: str
    description: str
    input_schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a model asks for. `arguments` is text where that text is not JSON."""

    id: str
    tool: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said: a text, calls, or both; and the message itself, as the endpoint wants it back."""

    text: str
    calls: Sequence[Call]
    message: Message


@dataclass(frozen=True, slots=True)
class Output:
    """What a model is shown of one call."""

    call: Call
    text: str
    is_error: bool


class Speaks(Protocol):
    """A dialect: how a conversation is asked for, and how the reply is read."""

    path: str

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers that carry the key."""
        ...

    def body(self, model: str, system: str, messages: Sequence[Message], tools: Sequence[Tool]) -> dict[str, Any]:
        """Return what is posted."""
        ...

    def reply(self, answer: dict[str, Any]) -> Reply:
        """Read what came back.

        Raises:
            LookupError, TypeError, AttributeError: It is not of this dialect.
        """
        ...

    def results(self, outputs: Sequence[Output]) -> list[Message]:
        """Return the messages that hand the results of a reply's calls over."""
        ...


class Anthropic:
    """Messages: https://docs.anthropic.com/en/api/messages."""

    path = "/v1/messages"

    def headers(self, key: str) -> dict[str, str]:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def body(self, model: str, system: str, messages: Sequence[Message], tools: Sequence[Tool]) -> dict[str, Any]:
        offered = [{"name": t.name, "description": t.description, "input_schema": t.input_schema} for t in tools]
        asked = {"model": model, "max_tokens": MAX_TOKENS, "system": system}
        return {**asked, "messages": list(messages), "tools": offered}

    def reply(self, answer: dict[str, Any]) -> Reply:
        blocks = answer["content"]
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        calls = [Call(it["id"], it["name"], it["input"]) for it in blocks if it["type"] == "tool_use"]
        return Reply(text, calls, {"role": "assistant", "content": blocks})

    def results(self, outputs: Sequence[Output]) -> list[Message]:
        content = [
            {"type": "tool_result", "tool_use_id": it.call.id, "content": it.text, "is_error": it.is_error}
            for it in outputs
        ]
        return [{"role": "user", "content": content}]


class OpenAI:
    """Chat Completions: https://platform.openai.com/docs/api-reference/chat."""

    path = "/chat/completions"

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}

    def body(self, model: str, system: str, messages: Sequence[Message], tools: Sequence[Tool]) -> dict[str, Any]:
        offered = [
            {
                "type": "function",
                "function": {"name": t.name, "description": t.description, "parameters": t.input_schema},
            }
            for t in tools
        ]
        return {"model": model, "messages": [{"role": "system", "content": system}, *messages], "tools": offered}

    def reply(self, answer: dict[str, Any]) -> Reply:
        message = answer["choices"][0]["message"]
        calls = [
            Call(it["id"], it["function"]["name"], _parsed(it["function"]["arguments"]))
            for it in message.get("tool_calls") or ()
        ]
        # Some endpoints refuse to be sent the nulls that they sent.
        said = {name: value for name, value in message.items() if value is not None or name == "content"}
        return Reply(message.get("content") or "", calls, said)

    def results(self, outputs: Sequence[Output]) -> list[Message]:
        return [{"role": "tool", "tool_call_id": it.call.id, "content": it.text} for it in outputs]


DIALECTS: dict[Dialect, Speaks] = {"openai": OpenAI(), "anthropic": Anthropic()}


def _parsed(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments
