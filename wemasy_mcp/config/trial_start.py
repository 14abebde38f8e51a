"""A trial start of an entry's command before success is reported."""

import os
import subprocess
import tempfile

from wemasy_mcp.config.installed_source import SCRIPT
from wemasy_mcp.core.sanitize import sanitize

START_SECONDS = 60
"""Maximum seconds for the command to print its version: uvx may have to fetch packages first."""


def start_once(command: str, arguments: tuple[str, ...]) -> str:
    """Start the command as a host would, outside any project and without Python variables; ask only for its version.

    Returns:
        The reason that it does not start, in one line; empty if it answered.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(("WEMASY_", "PYTHON"))
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            [command, *arguments, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=START_SECONDS,
            check=False,
            cwd=tempfile.gettempdir(),
            env=environment,
        )
    except OSError as error:
        return f"{command}: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"it did not answer within {START_SECONDS} seconds"
    if done.returncode == 0 and done.stdout.startswith(SCRIPT):
        return ""
    said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
    return f"exit status {done.returncode}, {sanitize(said[-1].strip(), limit=300)}"
