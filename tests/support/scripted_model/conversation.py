"""What a request says and an answer is, whatever the API."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """One call that the model asks for."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Result:
    """What the model is shown of a call."""

    call_id: str
    text: str
    is_error: bool | None = None
    """As the API marks it; None where the API has no mark."""


@dataclass(frozen=True)
class Conversation:
    """What a request shows the model."""

    model: str
    asked: str = ""
    """What the user has said, all of it, in lines."""
    system: str = ""
    """What the program has told the model of its task, in lines."""
    tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The tools that are offered, as they are offered, by name."""
    results: tuple[Result, ...] = ()
    """Those of all calls so far, in their order."""


@dataclass(frozen=True)
class Turn:
    """What the model says next: a text, calls, or both."""

    text: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class NumberedTurn:
    """A turn, and what makes its ids unlike those of every other one."""

    turn: Turn
    number: int
    model: str

    def calls(self) -> Iterator[tuple[str, Call]]:
        """Yield each call with its id."""
        for index, call in enumerate(self.turn.calls):
            yield f"call_{self.number}_{index}", call


Player = Callable[[Conversation], Turn]
"""Chooses the next turn."""


def joined(content: Any) -> str:
    """Return the text of a content that is a text, or a list of parts of which some have one."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def in_pieces(text: str) -> Iterator[str]:
    """Yield the text in pieces that end anywhere, as a stream has them."""
    for start in range(0, len(text), 17):
        yield text[start : start + 17]
