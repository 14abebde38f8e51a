"""What the misbehaving API says to one request, byte by byte."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Ending = Literal["close", "reset", "hold", "serve", "drop_next"]
"""After the answer: close (FIN), reset (RST), wait for the caller to leave, serve the next request on the connection,
or read the next one and close without a word, as a server does whose idle time has just passed."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is played to one request, after it was read whole."""

    pieces: Callable[[], Iterable[bytes]]
    applied: bool
    ending: Ending = "close"
    pause: float = 0
    """Seconds between pieces."""
    until: asyncio.Event | None = None
    """What the answer waits for."""


def answer(
    status: int,
    body: object = b"",
    *headers: str,
    length: int | str | None = None,
    content_type: str = "application/json",
) -> bytes:
    """Return an HTTP/1.1 answer; `body` is taken as it is when it is bytes, and `length` replaces the true one."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Played",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(content) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + content


def success(request_key: str, *, record_id: int = 7) -> dict[str, object]:
    """Return the body of a success, with the documented members of either operation."""
    data = {"id": record_id, "kind": "fact", "key": request_key, "name": request_key, "model_name": None}
    return {"success": True, "message": "Done.", "data": data}
