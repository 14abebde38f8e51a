"""`wemasy-mcp sandbox` as a real process on a free port."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.program import PROGRAM, environment

SECONDS_TO_END = 30


@dataclass(frozen=True)
class Sandbox:
    """A process that serves."""

    process: subprocess.Popen[str]
    introduction: str

    @property
    def origin(self) -> str:
        return self.fact("Page").removesuffix("/")

    def fact(self, name: str) -> str:
        """What the introduction says about something."""
        (line,) = (line for line in self.introduction.splitlines() if line.strip().startswith(f"{name}  "))
        return line.split()[-1]

    def end(self, signal_number: int) -> tuple[int, str]:
        """Send a signal and return the exit status and what was said on stderr."""
        self.process.send_signal(signal_number)
        _, errors = self.process.communicate(timeout=SECONDS_TO_END)
        return self.process.returncode, errors


def command(*arguments: str) -> list[str]:
    return [PROGRAM[0], "-W", "error", *PROGRAM[1:], "sandbox", *arguments]


@contextmanager
def running(*arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Iterator[Sandbox]:
    process = subprocess.Popen(
        command("--port", "0", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**(environment({}) if env is None else env), "PYTHONUNBUFFERED": "1"},
    )
    try:
        lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:  # ends with the process at the latest
            lines.append(line)
            if "Ctrl+C" in line:
                break
        yield Sandbox(process, "".join(lines))
    finally:
        process.kill()
        process.communicate()
