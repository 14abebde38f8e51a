"""What stdin may be besides a pipe, also where the system's selector is another one: macOS waits with kqueue."""

import asyncio
import errno
import os
import selectors
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from wemasy_mcp.transports.stdio.pumps import open_pump

pytestmark = pytest.mark.posix


class LikeKqueue(selectors.SelectSelector):
    """Refuses and reports as kqueue does on macOS (kqueue(2)): no end of a file, and no null device at all."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if stat.S_ISCHR(os.fstat(self._number(fileobj)).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return [ready for ready in super().select(timeout) if not self._is_at_its_end(ready[0].fd)]

    @staticmethod
    def _number(fileobj: Any) -> int:
        return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())

    @staticmethod
    def _is_at_its_end(descriptor: int) -> bool:
        found = os.fstat(descriptor)
        return stat.S_ISREG(found.st_mode) and os.lseek(descriptor, 0, os.SEEK_CUR) >= found.st_size


def run(selector: Callable[[], selectors.BaseSelector], path: str | Path) -> bytes:
    """Read everything from `path` as if it were stdin, in an event loop with this selector."""

    async def read_all() -> bytes:
        with opened(path) as stdin, open_pump(stdin, stdin) as pump:
            said = b""
            async with asyncio.timeout(10):
                while chunk := await pump.read():
                    said += chunk
        return said

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector())) as runner:
        return runner.run(read_all())


@contextmanager
def opened(path: str | Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


SELECTORS = pytest.mark.parametrize("selector", [selectors.DefaultSelector, LikeKqueue])


@SELECTORS
def test_a_file_on_stdin_is_read_to_its_end(selector: Callable[[], selectors.BaseSelector], tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"a line\n" * 20_000)

    assert run(selector, file) == b"a line\n" * 20_000


@SELECTORS
def test_the_null_device_on_stdin_is_the_end_of_input(selector: Callable[[], selectors.BaseSelector]) -> None:
    assert run(selector, os.devnull) == b""


def test_the_stand_in_for_kqueue_waits_for_ever_where_kqueue_does(tmp_path: Path) -> None:
    file = tmp_path / "empty"
    file.touch()
    with LikeKqueue() as selector, opened(file) as descriptor, opened(os.devnull) as null:
        selector.register(descriptor, selectors.EVENT_READ)

        assert selector.select(0) == []
        with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
            selector.register(null, selectors.EVENT_READ)
