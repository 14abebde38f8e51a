"""What each of the APIs is made of."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from support.scripted_model.conversation import Conversation, NumberedTurn

Event = tuple[str | None, dict[str, Any] | str]
"""Its name, where the API names its events, and its data."""


@dataclass(frozen=True)
class Dialect:
    """One API."""

    path: re.Pattern[str]
    """The path of its requests, to their end; what stands before it is the program's base URL."""
    read: Callable[[dict[str, Any], re.Match[str]], Conversation]
    """Reads a request, given its body and its path."""
    wants_stream: Callable[[dict[str, Any], re.Match[str]], bool]
    write: Callable[[NumberedTurn], dict[str, Any]]
    """Writes an answer as a whole."""
    stream: Callable[[NumberedTurn], Iterator[Event]]
    """Writes the same answer as events."""


def encode_event(event: Event) -> bytes:
    """Return the event as the lines of a `text/event-stream`."""
    name, data = event
    text = data if isinstance(data, str) else json.dumps(data)
    return f"event: {name}\ndata: {text}\n\n".encode() if name else f"data: {text}\n\n".encode()


def asks_in_body(body: dict[str, Any], path: re.Match[str]) -> bool:
    """Whether a request asks for a stream, for the APIs whose body says so."""
    return body.get("stream") is True
