"""Child processes: started with bytecode, watched through the kernel's own counters, ended by closing their input."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

EXIT_SECONDS = 5.0


class BenchError(Exception):
    """Something that is measured did not do what was asked of it."""


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment, without what keeps Python from using bytecode and buffers."""
    unwanted = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPATH"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | dict(extra or {})


class Process:
    """A child whose input is a pipe; what it says on stderr is kept in a file, and its output too if it is not read."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, *, output_is_read: bool = True
    ) -> None:
        self.log = log
        with log.open("ab") as stderr:
            self.started = time.perf_counter()
            self._child = subprocess.Popen(  # noqa: S603 - the commands are this benchmark's own
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if output_is_read else stderr,
                stderr=stderr,
                bufsize=0,
                env=child_environment(environment),
                start_new_session=True,
            )

    @property
    def input(self) -> IO[bytes]:
        return _pipe(self._child.stdin)

    @property
    def output(self) -> IO[bytes]:
        return _pipe(self._child.stdout)

    @property
    def pid(self) -> int:
        return self._child.pid

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far: the utime + stime of /proc/PID/stat, but in nanoseconds, not ticks."""
        # Linux: the clock id of a process is made of its pid (man 3 clock_getcpuclockid, which Python does not offer).
        return time.clock_gettime((~self.pid << 3) | 2)

    def rss_megabytes(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise BenchError(f"process {self.pid} has ended")

    def has_ended(self) -> bool:
        return self._child.poll() is not None

    def close_and_wait(self) -> float:
        """End its input, wait, and return the seconds it took to leave.

        Raises:
            BenchError: It did not leave and had to be ended.
        """
        began = time.perf_counter()
        self.input.close()
        try:
            self._child.wait(EXIT_SECONDS)
            return time.perf_counter() - began
        except subprocess.TimeoutExpired:
            raise BenchError("did not leave at the end of its input") from None
        finally:
            self.stop()

    def stop(self) -> None:
        """End it if it is still there, and close its pipes."""
        self._child.terminate()
        try:
            self._child.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                stream.close()

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-800:]


def run_to_end(command: Sequence[str]) -> tuple[float, float]:
    """Return the wall and the CPU seconds of a whole process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=child_environment(), check=True, capture_output=True)  # noqa: S603
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise BenchError("no pipe")
    return stream
