"""`wemasy-mcp doctor` as a real process, against a real `wemasy-mcp sandbox` and against nothing."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from support.program import PROGRAM, environment
from wemasy_mcp.sandbox import FORBIDDEN_TOKEN, REJECTED_TOKEN, SANDBOX_TOKEN


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with subprocess.Popen([*PROGRAM, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True) as sandbox:
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
            "✓ API       it accepts the token: 422 for the empty request, and nothing was written",
            0,
        ),
        (REJECTED_TOKEN, "✗ API       401: the token is not accepted", 1),
        (FORBIDDEN_TOKEN, "✗ API       403: the token is valid but lacks the permission", 1),
    ],
)
def test_each_ready_made_token_is_told_apart(base_url: str, token: str, line: str, exit_status: int) -> None:
    child = doctor(token, base_url)

    assert line in child.stdout.splitlines()
    assert child.returncode == exit_status


def test_an_api_that_nobody_serves_is_named_with_its_port(unused_port: int) -> None:
    child = doctor(SANDBOX_TOKEN, f"http://127.0.0.1:{unused_port}/api")

    (failed,) = (line for line in child.stdout.splitlines() if line.startswith("✗ "))
    # The system's own words follow.
    assert re.fullmatch(rf"✗ TCP +127\.0\.0\.1 port {unused_port}: \w.*refused.*", failed)
    assert child.returncode == 1


def doctor(token: str, base_url: str) -> subprocess.CompletedProcess[str]:
    """Run it with this token, which it never shows."""
    child = subprocess.run(
        [*PROGRAM, "doctor"],
        env=environment({"WEMASY_API_TOKEN": token, "WEMASY_BASE_URL": base_url, "PYTHONIOENCODING": "utf-8"}),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert token not in child.stdout + child.stderr
    return child
