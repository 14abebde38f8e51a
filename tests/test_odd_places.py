"""Each command where a newcomer may be: in a folder that shadows modules, without a home, where not all can be shown.

`test_demo.py` and `sandbox/test_command.py` have the demo and the sandbox there.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WIDTH = 60
SHADOWED = ("mcp", "anyio", "wemasy_mcp", "contextlib", "typing", "json", "asyncio", "logging", "ssl", "pydantic")
NOWHERE = "http://127.0.0.1:9/api"
FILE = "Łódź/mcp.json"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
@pytest.mark.parametrize(
    ("words", "status", "shown"),
    [
        (("config", "cursor"), 0, "{"),
        (("config", "cursor", "--write", "--file", FILE), 0, "wemasy is in "),
        (("doctor",), 2, "token"),
        (("doctor", "--host", "cursor", "--file", FILE), 1, "does not exist"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, tuple) else "",
)
def test_a_command_works_where_a_newcomer_may_be(
    words: tuple[str, ...], status: int, shown: str, encoding: str, tmp_path: Path
) -> None:
    for name in SHADOWED:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('code of the folder ran')")
    kept = {name: os.environ[name] for name in os.environ if name.startswith(("COVERAGE", "PATH", "SYSTEMROOT"))}

    ended = subprocess.run(
        [sys.executable, "-P", "-m", "wemasy_mcp", *words],
        cwd=tmp_path,
        env={**kept, "PYTHONIOENCODING": encoding, "COLUMNS": str(WIDTH), "WEMASY_BASE_URL": NOWHERE},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )

    said = (ended.stdout + ended.stderr).decode(encoding)
    assert ended.returncode == status, said
    assert shown in " ".join(said.split())
    # Paths and commands stay whole, because people copy them.
    could_be_broken = [line for line in said.splitlines() if max(map(len, line.split()), default=0) < WIDTH // 2]
    assert [line for line in could_be_broken if len(line) > WIDTH] == []
    assert (tmp_path / FILE).exists() is ("--write" in words)
