"""Starts the server with its stderr in a file: several clients keep a server's stderr to themselves."""

import os
import sys

log, *arguments = sys.argv[1:]
os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
os.execv(sys.executable, (sys.executable, "-m", "wemasy_mcp", *arguments))
