"""Ctrl-C and Ctrl-Break on Windows, where they go to every process of a console: the tests have one of their own."""

import signal
import sys

if sys.platform == "win32":
    EVENTS = {signal.SIGINT: signal.CTRL_C_EVENT, signal.SIGBREAK: signal.CTRL_BREAK_EVENT}
else:
    EVENTS: dict[signal.Signals, int] = {}


def open_console() -> None:
    """Leave the console that this process was started at for a new one, and stay when Ctrl-C is pressed there."""
    import win32console  # type: ignore[import-untyped]

    win32console.FreeConsole()
    win32console.AllocConsole()
    for number in EVENTS:
        signal.signal(number, signal.SIG_IGN)


def press(number: signal.Signals) -> None:
    """Press Ctrl-C or Ctrl-Break: every server that was started from here stops."""
    import win32console

    win32console.GenerateConsoleCtrlEvent(EVENTS[number], 0)
