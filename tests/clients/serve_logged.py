"""Starts the server with its stderr in a file: several clients keep a server's stderr to themselves.

Beside it is the id of the process, for whoever wants to kill it.
"""

import os
import sys
from pathlib import Path

log, *arguments = sys.argv[1:]
Path(log).with_suffix(".pid").write_text(str(os.getpid()))
os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
os.execv(sys.executable, (sys.executable, "-m", "wemasy_mcp", *arguments))
