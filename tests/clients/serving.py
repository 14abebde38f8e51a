"""Servers for the clients: started by the client over stdio, and here otherwise."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from .catalogue import HERE
from .environments import inherited_environment

START_SECONDS = 30

_ANNOUNCED = re.compile(r"http://127\.0\.0\.1:[0-9]+/(?:mcp|sse)$")


def stdio_server(settings: dict[str, str], *command: str) -> dict[str, Any]:
    """Return how a client starts a server of its own with a Python program."""
    return {"kind": "stdio", "command": sys.executable, "args": command, "env": settings}


@contextmanager
def serve(transport: str, settings: dict[str, str], log: Path) -> Iterator[dict[str, Any]]:
    """Yield how a client reaches a server with these settings, which is started here unless the client does it."""
    if transport == "stdio":
        yield stdio_server(settings, str(HERE / "serve_logged.py"), str(log))
        return
    command = (sys.executable, "-m", "wemasy_mcp", "--transport", transport, "--host", "127.0.0.1", "--port", "0")
    with log.open("w") as kept, ThreadPoolExecutor(1) as reader:
        process = subprocess.Popen(
            command, env=inherited_environment() | settings, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        pid_beside(log).write_text(str(process.pid))
        url: Future[str] = Future()
        reader.submit(_keep, process, kept, url)
        try:
            yield {"kind": transport, "url": url.result(START_SECONDS)}
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def kill(log: Path) -> None:
    """Kill the server that writes this log."""
    os.kill(int(pid_beside(log).read_text()), signal.SIGKILL)


def pid_beside(log: Path) -> Path:
    """Return where the id of the server's process is kept, as `serve_logged.py` does."""
    return log.with_suffix(".pid")


def _keep(process: subprocess.Popen[str], log: TextIO, url: Future[str]) -> None:
    """Keep what the server says on stderr, and tell the URL at which it says that it listens."""
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            log.write(line)
            if not url.done() and (announced := _ANNOUNCED.search(line)):
                url.set_result(announced[0])
    if not url.done():
        url.set_exception(AssertionError(f"the server ended with {process.wait()}: {log.name}"))
