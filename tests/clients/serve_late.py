"""Starts the server only when its client has sent `initialize`, and gives it everything sent until then at once.

So late a server makes the AI SDK give up on `server/discover`, which takes it a second, and fall back.
"""

import subprocess
import sys

queued = b""
for line in sys.stdin.buffer:
    queued += line
    if b'"initialize"' in line:
        break
with subprocess.Popen((sys.executable, "-m", "wemasy_mcp"), stdin=subprocess.PIPE) as server:
    assert server.stdin is not None
    server.stdin.write(queued)
    server.stdin.flush()
    for line in sys.stdin.buffer:
        server.stdin.write(line)
        server.stdin.flush()
sys.exit(server.returncode)
