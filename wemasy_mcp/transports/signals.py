"""The signals that stop a server, the same for every transport and system."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if name in signal.Signals.__members__
)
"""Ctrl-C; a plain kill; a closing terminal; on Windows Ctrl-Break, which a closing console sends."""


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` in the running event loop for each stop signal. A hang-up that `nohup` ignores stays ignored."""
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        # The event loop waits in the kernel; this also wakes it.
        loop.call_soon_threadsafe(stop)

    hang_up = getattr(signal, "SIGHUP", None)
    handled = [it for it in STOP_SIGNALS if it is not hang_up or signal.getsignal(it) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, handle) for number in handled}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
