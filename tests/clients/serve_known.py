"""Starts the server with its process id in a file: a client keeps the process that it starts to itself."""

import os
import sys
from pathlib import Path

Path(os.environ["PID_FILE"]).write_text(str(os.getpid()))
os.execv(sys.executable, (sys.executable, "-m", "wemasy_mcp"))
