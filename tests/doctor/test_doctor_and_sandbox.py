"""`wemasy-mcp doctor` and `wemasy-mcp sandbox` as two real processes: what the ready-made tokens are told."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from wemasy_mcp.sandbox import FORBIDDEN_TOKEN, REJECTED_TOKEN, SANDBOX_TOKEN


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    command = [sys.executable, "-m", "wemasy_mcp", "sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        try:
            yield next(found[0] for line in sandbox.stdout if (found := re.search(r"http://\S+/api", line)))
        finally:
            sandbox.terminate()


@pytest.mark.parametrize(
    ("token", "line", "exit_status"),
    [
        (
            SANDBOX_TOKEN,
            "✓ API       the host and the token are good: 422 for the empty request, and nothing was written",
            0,
        ),
        (REJECTED_TOKEN, "✗ API       401: the token is not accepted", 1),
        (FORBIDDEN_TOKEN, "✗ API       403: the token is valid but lacks the permission", 1),
    ],
)
def test_each_ready_made_token_is_told_apart(base_url: str, token: str, line: str, exit_status: int) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "wemasy_mcp", "doctor"],
        env=os.environ | {"WEMASY_API_TOKEN": token, "WEMASY_BASE_URL": base_url, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )

    assert line in child.stdout.splitlines()
    assert token not in child.stdout + child.stderr
    assert child.returncode == exit_status
