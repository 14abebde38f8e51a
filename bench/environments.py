"""Where the measured programs live: `.cache/bench/`, one environment for each, installed by name, with bytecode."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.processes import BenchError, child_environment

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench"
PEERS = Path(__file__).resolve().parent / "peers"

PYTHON_PACKAGES: dict[str, tuple[str, ...]] = {
    # wemasy-mcp and the peers written by hand share one environment, so that their dependencies are the same.
    "sdk": ("mcp==2.3.0", "httpx2==2.16.2"),
    "fastmcp": ("fastmcp==4.1.2", "mcp==2.3.0", "httpx2==2.16.2"),
}
NODE_PACKAGES = ("@modelcontextprotocol/sdk@1.32.2", "zod@4.6.7")


def executable(environment: str, name: str) -> str:
    return str(CACHE / environment / "bin" / name)


def prepare() -> None:
    """Install what is missing, and this repository as it is now; compile all bytecode.

    Raises:
        BenchError: An installer failed.
    """
    for name, packages in PYTHON_PACKAGES.items():
        _prepare_python(name, packages)
    pip = [executable("sdk", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _run([*pip, str(ROOT)])
    # The version may be the one that is installed already while the code is not.
    _run([*pip, "--no-deps", "--force-reinstall", str(ROOT)])
    for name in PYTHON_PACKAGES:
        _run([executable(name, "python"), "-m", "compileall", "-q", str(CACHE / name / "lib")])
    if shutil.which("npm"):
        _prepare_node()


def versions() -> Iterable[tuple[str, str]]:
    """Yield name and version of what decides the figures."""
    wanted = ("mcp", "httpx2", "pydantic", "uvicorn")
    ask = f"from importlib.metadata import version; print(*map(version, {wanted}))"
    yield "Python", sys.version.split()[0]
    yield from zip(wanted, _run([executable("sdk", "python"), "-c", ask]).split(), strict=True)
    for pin in (PYTHON_PACKAGES["fastmcp"][0], NODE_PACKAGES[0]):
        name, _, version = pin.replace("==", "@").rpartition("@")
        yield name, version
    if node := shutil.which("node"):
        yield "Node", _run([node, "--version"]).strip().removeprefix("v")


def _prepare_python(name: str, packages: Sequence[str]) -> None:
    folder = CACHE / name
    stamp = folder / "installed.json"
    wanted = json.dumps([sys.version, *packages])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    _run([executable(name, "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages])
    stamp.write_text(wanted)


def _prepare_node() -> None:
    folder = CACHE / "node"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "installed.json"
    if not stamp.exists() or stamp.read_text() != json.dumps(NODE_PACKAGES):
        _run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *NODE_PACKAGES])
        stamp.write_text(json.dumps(NODE_PACKAGES))
    # Node looks for packages from the program's own folder upwards.
    shutil.copy(PEERS / "typescript.mjs", folder)


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(  # noqa: S603 - the commands are this benchmark's own
        command, env=child_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"{' '.join(command)} failed: {done.stderr[-800:]}")
    return done.stdout
