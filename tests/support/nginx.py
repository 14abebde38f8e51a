"""A real nginx on loopback, with the configuration that is shipped: only addresses and folders are the test's own."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from support.dockerfile import ROOT
from support.processes import SECONDS

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")


def configuration(folder: Path, port: int, replicas: Sequence[int]) -> str:
    """The shipped configuration, for replicas on these ports."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    # Addresses need not be looked up, which the nginx of Debian cannot do.
    options = re.findall(r"server mcp-\d:8000 resolve(.*);", text)[0]
    servers = "\n".join(f"server 127.0.0.1:{replica}{options};" for replica in replicas)
    text = re.sub(r"server mcp-1:8000.*;\s*server mcp-2:8000.*;", servers, text)
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/tmp/", f"{folder}/")
    return text.replace("/dev/stdout", f"{folder}/access.log")


@contextmanager
def nginx_in_front(replicas: Sequence[int], folder: Path) -> Iterator[str]:
    """Yield where clients find the replicas."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = folder / "nginx.conf"
    file.write_text(configuration(folder, port, replicas))
    # It makes its folders as the user it starts as, and its workers are somebody else.
    folder.chmod(0o755)
    with subprocess.Popen(["nginx", "-c", file, "-g", "daemon off;"]) as process:
        try:
            _wait_until_it_listens(process, port)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            process.wait(SECONDS)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        try:
            httpx2.get(f"http://127.0.0.1:{port}/", timeout=SECONDS)
        except httpx2.ConnectError:
            continue
        return
    raise AssertionError("nginx ended")
