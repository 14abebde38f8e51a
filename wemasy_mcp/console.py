"""What a command prints on: the width of the terminal, its colours, and the characters that its encoding has."""

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
    """Have stdout and stderr replace what their encoding cannot carry, as in a pipe on Windows, and never raise."""
    codecs.register_error(_REPLACE, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_REPLACE)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody may type there, or look. On Windows the null device says of itself that it is a terminal."""
    if stream is None or not stream.isatty():
        return False
    return sys.platform != "win32" or type(getattr(stream.buffer, "raw", None)).__name__ == "_WindowsConsoleIO"


def command_line(words: Sequence[str]) -> str:
    """Return `words` as they are typed: in a POSIX shell, on Windows at the command prompt."""
    import shlex
    import subprocess

    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def paint(text: str, style: str) -> str:
    """Return `text` in `style` where stdout is a terminal that wants colours (https://no-color.org)."""
    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[{style}m{text}\x1b[0m" if is_coloured else text


def wrap(text: str, first: str = "", rest: str = "") -> str:
    """Return `text` with no line longer than the terminal is wide, broken between words; in a pipe, unbroken.

    Words that are longer stay whole, because paths and commands are copied.

    Args:
        text: One or more lines, without colours.
        first: Stands before the first line.
        rest: Stands before all others.
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
    """Return how this program was called, as it can be typed again."""
    import shutil
    from pathlib import Path

    program = sys.argv[0]
    if Path(program).name == "__main__.py":
        return command_line([sys.executable, "-P", "-m", "wemasy_mcp"])
    name = Path(program).stem
    return name if shutil.which(name) == program else command_line([program])


def _replace(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - these streams only encode
    return "".join(_PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end
