"""How the running program can be started again: hosts start servers with a bare PATH, so by absolute path."""

import os
import shutil
import sys
from pathlib import Path

SCRIPT = "wemasy-mcp"

_PASSING = (
    # uvx and pipx run keep what they install only for a while: the runner itself is what lasts.
    (("archive-v0",), "uvx", (SCRIPT,)),
    (("pipx", ".cache"), "pipx", ("run", SCRIPT)),
    ((".cache", "pipx"), "pipx", ("run", SCRIPT)),
)
"""Adjacent folders on the path of a passing environment, the runner that made it, and its arguments."""


def find_launcher() -> tuple[str, tuple[str, ...]]:
    """Return the command and arguments that start this program where it runs now."""
    parts = Path(sys.prefix).parts
    for folders, runner, arguments in _PASSING:
        if folders in zip(*(parts[start:] for start in range(len(folders))), strict=False):
            # uv tells its children where it is; uvx lies beside it.
            uv = os.environ.get("UV")
            beside = str(Path(uv).parent) if uv else None
            if path := shutil.which(runner) or shutil.which(runner, path=beside):
                return str(Path(path).absolute()), arguments
    # On Windows the script is wemasy-mcp.exe, and argv may lack the suffix.
    script = Path(sys.argv[0]).absolute()
    for candidate in (script, script.with_suffix(".exe")):
        if candidate.stem == SCRIPT and candidate.is_file():
            return str(candidate), ()
    return sys.executable, ("-m", "wemasy_mcp")
