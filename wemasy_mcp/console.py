"""The terminal or pipe that a command prints to: its width, its colours, and the characters of its encoding."""

import codecs
import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

BOLD, DIM, RED, GREEN = "1", "2", "31", "32"

_PLAIN = {"✓": "+", "✗": "x", "–": "-", "→": ">", "…": "..."}
_REPLACE = "wemasy_mcp.replace"


def guard_streams() -> None:
    """Make stdout and stderr replace characters that they cannot encode, as in a pipe on Windows, and never raise."""
    codecs.register_error(_REPLACE, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_REPLACE)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a person may be typing or reading there. On Windows the null device claims to be a terminal."""
    if stream is None or not stream.isatty():
        return False
    return sys.platform != "win32" or type(getattr(stream.buffer, "raw", None)).__name__ == "_WindowsConsoleIO"


def command_line(words: Sequence[str]) -> str:
    """Return `words` as they are typed in a POSIX shell or, on Windows, at the command prompt."""
    import shlex
    import subprocess

    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def paint(text: str, style: str) -> str:
    """Return `text`, in `style` if stdout is a terminal that wants colours (https://no-color.org)."""
    wants_colours = is_terminal(sys.stdout) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[{style}m{text}\x1b[0m" if wants_colours and _takes_escapes() else text


def wrap(text: str, first: str = "", rest: str = "") -> str:
    """Return `text` wrapped between words to the width of the terminal; in a pipe, unwrapped.

    Longer words stay whole, because people copy paths and commands.

    Args:
        text: One or more lines, without colours.
        first: Prefix of the first line.
        rest: Prefix of all other lines.
    """
    import shutil
    import textwrap

    width = shutil.get_terminal_size((0, 0)).columns or sys.maxsize
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )
    lines = []
    for number, line in enumerate(text.split("\n")):
        wrapper.initial_indent = rest if number else first
        lines += wrapper.wrap(line) or [wrapper.initial_indent.rstrip()]
    return "\n".join(lines)


def own_command() -> str:
    """Return the command that started this program, in a form that can be typed again."""
    import shutil
    from pathlib import Path

    program = sys.argv[0]
    if Path(program).name == "__main__.py":
        return command_line([sys.executable, "-P", "-m", "wemasy_mcp"])
    name = Path(program).stem
    return name if shutil.which(name) == program else command_line([program])


def _takes_escapes() -> bool:
    """Return whether the terminal reads escape sequences. A console of Windows shows them until it is told."""
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        enable_virtual_terminal_processing = 4
        console, mode = msvcrt.get_osfhandle(sys.stdout.fileno()), ctypes.c_ulong()
        if not ctypes.windll.kernel32.GetConsoleMode(console, ctypes.byref(mode)):
            return False
        return bool(ctypes.windll.kernel32.SetConsoleMode(console, mode.value | enable_virtual_terminal_processing))
    else:  # noqa: RET505 - mypy skips it for Windows only this way
        return True


def _replace(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - these streams only encode
    return "".join(_PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end
