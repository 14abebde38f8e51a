"""What a shell makes of a command line."""

import json
import shlex
import subprocess
import sys


def words_of(command: str) -> list[str]:
    """Return the words that a program is given when `command` is typed: on Windows, as its C library splits them."""
    if sys.platform == "win32":
        echo = subprocess.list2cmdline([sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))"])
        said = subprocess.run(f"{echo} {command}", capture_output=True, check=True, timeout=30).stdout
        return json.loads(said)  # type: ignore[no-any-return]
    return shlex.split(command)
