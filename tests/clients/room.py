"""The folder of environments, kept within its limit, and shared with other runs on the same machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MAX_BYTES = 3 * 2**30
"""What all environments may take together; a run that needs more at a time keeps what it holds."""

_READY = "ready"
"""The file in an environment that says that it is whole, and how many bytes it has."""

_held: list[IO[str]] = []


def is_ready(environment: Path) -> bool:
    """Return whether an environment is whole."""
    return (environment / _READY).exists()


def mark_ready(environment: Path) -> None:
    """Say that an environment is whole."""
    size = sum(file.lstat().st_blocks * 512 for file in environment.rglob("*"))
    (environment / _READY).write_text(str(size))


def hold(environment: Path) -> None:
    """Keep every other run from removing an environment for as long as this process lives."""
    import fcntl

    ready = (environment / _READY).open()
    fcntl.flock(ready, fcntl.LOCK_SH)
    # The time of the last use.
    (environment / _READY).touch()
    _held.append(ready)


def make_room(folder: Path, max_bytes: int = MAX_BYTES) -> None:
    """Remove environments that nobody holds, the longest unused first, until the others fit."""
    with alone(folder / "room.lock"):
        sizes = {ready.parent: int(ready.read_text()) for ready in sorted(folder.glob(f"*/{_READY}"), key=_last_use)}
        for environment in list(sizes):
            if sum(sizes.values()) > max_bytes and not _is_held(environment):
                shutil.rmtree(environment)
                del sizes[environment]


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Wait until no other run is in a block with the same lock."""
    import fcntl

    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _last_use(ready: Path) -> float:
    return ready.stat().st_mtime


def _is_held(environment: Path) -> bool:
    import fcntl

    with (environment / _READY).open() as ready:
        try:
            fcntl.flock(ready, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
