"""The command that starts the running program again, by absolute path: hosts start servers with a bare PATH."""

import contextlib
import os
import shutil
import sys
from pathlib import Path

from wemasy_mcp.config.installed_source import SCRIPT, find_source
from wemasy_mcp.settings import SettingsError

_PASSING = (
    # uvx, uv run and pipx run keep what they install only for a while; the runner itself lasts.
    (("archive-v0",), "uvx", "--from"),
    (("builds-v0",), "uvx", "--from"),
    (("pipx", ".cache"), "pipx", "--spec"),
    ((".cache", "pipx"), "pipx", "--spec"),
    (("Caches", "pipx"), "pipx", "--spec"),  # macOS
    (("pipx", "Cache"), "pipx", "--spec"),  # Windows
)
"""Adjacent folders in a temporary environment's path, its runner, and that runner's flag for the package to install."""


def find_launcher() -> tuple[str, tuple[str, ...]]:
    """Return the command and arguments that start this program from its current location.

    Raises:
        SettingsError: No permanent command starts it.
    """
    parts = Path(sys.prefix).parts
    for folders, runner, flag in _PASSING:
        if folders in zip(*(parts[start:] for start in range(len(folders))), strict=False):
            # uv passes its own location to its children; uvx is beside it.
            uv = os.environ.get("UV")
            beside = str(Path(uv).parent) if uv else None
            path = shutil.which(runner) or shutil.which(runner, path=beside)
            if path is None:
                raise SettingsError(
                    "config", f"runs in an environment that {runner} will remove, and {runner} is not on the PATH."
                )
            run = ("run",) if runner == "pipx" else ()
            return _absolute(path), (*run, flag, find_source(), SCRIPT)
    # On Windows the script is wemasy-mcp.exe, and argv may lack the suffix.
    script = Path(_absolute(sys.argv[0]))
    for candidate in (script, script.with_suffix(".exe")):
        if candidate.stem == SCRIPT and candidate.is_file():
            return str(candidate), ()
    # -P: hosts start servers in project folders, whose mcp/ or anyio.py must not be imported.
    return _absolute(sys.executable), ("-P", "-m", "wemasy_mcp")


def _absolute(path: str) -> str:
    # Links stay, because they survive an upgrade; `..` goes, because it breaks when a folder in between moves.
    with contextlib.suppress(OSError):  # the current folder may be gone
        path = str(Path(path).absolute())
    return os.path.normpath(path)
