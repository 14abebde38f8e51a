"""Ctrl-C on Windows, where it goes to every process of a console: the tests have a console of their own."""

import signal


def open_console() -> None:
    """Leave the console that this process was started at for a new one, and stay when Ctrl-C is pressed there."""
    import win32console  # type: ignore[import-untyped]

    win32console.FreeConsole()
    win32console.AllocConsole()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def press_ctrl_c() -> None:
    """Press it: every server that was started from here stops."""
    import win32console

    win32console.GenerateConsoleCtrlEvent(win32console.CTRL_C_EVENT, 0)
