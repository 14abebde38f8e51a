"""The Dockerfile, carried out without Docker: its steps in folders of a test's own."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    name: str
    rest: str


def instructions(text: str) -> list[Instruction]:
    """Every instruction of a Dockerfile that has no continued lines."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [Instruction(*line.split(maxsplit=1)) for line in lines]


def dockerfile() -> list[Instruction]:
    return instructions((ROOT / "Dockerfile").read_text())


def only(name: str) -> str:
    """The one instruction of that name."""
    (found,) = (it.rest for it in dockerfile() if it.name == name)
    return found


def health_check() -> list[str]:
    words: list[str] = json.loads(only("HEALTHCHECK").partition("CMD ")[2])
    return words


def build(folder: Path) -> Path:
    """Carry out the build stage below `folder`; return what the image's `/opt/wemasy-mcp` becomes."""
    source, opt = folder / "src", folder / "opt"
    source.mkdir()
    opt.mkdir()
    stages = [index for index, it in enumerate(dockerfile()) if it.name == "FROM"]
    for step in dockerfile()[stages[0] + 1 : stages[1]]:
        if step.name == "COPY":
            *names, target = step.rest.split()
            for name in names:
                _copy(ROOT / name, source / target, name)
        elif step.name == "RUN":
            command = re.sub(r"(?<![\w/])/opt/", f"{shlex.quote(str(opt))}/", step.rest)
            _run(re.sub(r"^python(?= )", shlex.quote(sys.executable), command), source)
    return opt / "wemasy-mcp"


def _copy(origin: Path, target: Path, name: str) -> None:
    if origin.is_dir():
        shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(origin, target / Path(name).name)


def _run(command: str, folder: Path) -> None:
    # Without what the tests' own environment would lend.
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "VIRTUAL"))}
    done = subprocess.run(
        ["sh", "-ec", command], cwd=folder, env=alone, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
