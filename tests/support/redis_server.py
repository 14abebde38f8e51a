"""A real Redis on loopback, for as long as a test needs it."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme
from redis import Redis

from support.processes import SECONDS

needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


class RedisServer:
    """Starts and stops on one port, and forgets everything when it stops."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._folder = TemporaryDirectory()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Return once it takes commands."""
        port = ["--port", "0", "--tls-port"] if "--tls-cert-file" in self._options else ["--port"]
        command = ["redis-server", *port, str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        # A replica keeps in its folder what it was sent, and a server would start with it.
        command += ["--dir", self._folder.name, *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert any("Ready to accept connections" in line for line in self._process.stdout)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=SECONDS)
            self._process = None

    def remove(self) -> None:
        self._folder.cleanup()

    def keys(self) -> list[str]:
        with Redis.from_url(self.url) as client:
            return [str(key) for key in client.scan_iter()]

    def follow(self, primary: "RedisServer") -> None:
        """Become a read-only replica, as a primary does that has lost its place."""
        with Redis.from_url(self.url) as client:
            client.replicaof("127.0.0.1", primary.port)

    def lead(self) -> None:
        """Become the primary."""
        with Redis.from_url(self.url) as client:
            client.replicaof("NO", "ONE")

    def stall(self) -> None:
        """Answer no command for a while."""
        with Redis.from_url(self.url) as client:
            client.client_pause(SECONDS * 1000)


def tls_options(authority: trustme.CA, folder: Path) -> list[str]:
    """Return what makes a server speak TLS on its port, with a certificate of `authority`."""
    own = authority.issue_cert("127.0.0.1")
    own.private_key_pem.write_to_path(folder / "key.pem")
    own.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    files = {"cert-file": "cert.pem", "key-file": "key.pem", "ca-cert-file": "ca.pem"}
    named = [word for name, file in files.items() for word in (f"--tls-{name}", str(folder / file))]
    return [*named, "--tls-auth-clients", "no"]


@contextmanager
def redis_running(*options: str) -> Iterator[RedisServer]:
    server = RedisServer(*options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.remove()
