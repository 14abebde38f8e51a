"""The program as its users start it: its command, and an environment with nothing in it but what a test puts there."""

import os
import re
import sys
from collections.abc import Mapping

PROGRAM = (sys.executable, "-m", "wemasy_mcp")

TOKEN = "91|Qm7tVx2LkP9sZr4NdW8cYb3HfJ6gTe1A"
"""What no text, log line or header but `Authorization` may hold. Of the form that Laravel issues."""

_AMBIENT = re.compile(r"(?i)(WEMASY_.*|SSL_CERT_.*|.*_PROXY)")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `settings`, and without what would steer the program otherwise."""
    kept = {name: value for name, value in os.environ.items() if not _AMBIENT.fullmatch(name)}
    return {**kept, **settings}
