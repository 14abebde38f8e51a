"""How the running program can be started again: hosts start servers with a bare PATH, so by absolute path."""

import shutil
import sys
from itertools import pairwise
from pathlib import Path

SCRIPT = "wemasy-mcp"

_RUNNERS = (
    # uvx and pipx run keep what they install only for a while: the runner itself is what lasts.
    (("uv", "archive-v0"), "uvx", (SCRIPT,)),
    (("pipx", ".cache"), "pipx", ("run", SCRIPT)),
    ((".cache", "pipx"), "pipx", ("run", SCRIPT)),
)
"""Adjacent parts of the path of a passing environment, the runner that made it, and its arguments."""


def find_launcher() -> tuple[str, tuple[str, ...]]:
    """Return the command and arguments that start this program where it runs now."""
    parts = Path(sys.prefix).parts
    for marks, runner, arguments in _RUNNERS:
        if marks in pairwise(parts) and (path := shutil.which(runner)):
            return str(Path(path).absolute()), arguments
    # On Windows the script is wemasy-mcp.exe, and argv may lack the suffix.
    script = Path(sys.argv[0]).absolute()
    for candidate in (script, script.with_suffix(".exe")):
        if candidate.stem == SCRIPT and candidate.is_file():
            return str(candidate), ()
    return sys.executable, ("-m", "wemasy_mcp")
