"""What the misbehaving API says to one request, byte by byte."""

import asyncio
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
