"""A real Redis on loopback, for as long as a test needs it."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from support.processes import SECONDS

needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


class RedisServer:
    """Starts and stops on one port, and forgets everything when it stops."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Return once it takes commands."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert any("Ready to accept connections" in line for line in self._process.stdout)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=SECONDS)
            self._process = None

    def keys(self) -> list[str]:
        with Redis.from_url(self.url) as client:
            return [str(key) for key in client.scan_iter()]

    def stall(self) -> None:
        """Answer no command for a while."""
        with Redis.from_url(self.url) as client:
            client.client_pause(SECONDS * 1000)


@contextmanager
def redis_running() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
