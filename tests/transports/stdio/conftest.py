"""Real pipes under each pump: the one of this system, and the threads of Windows, which run everywhere."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import anyio.to_thread
import pytest

from wemasy_mcp.transports.stdio.pumps import Pump, ThreadedPump, open_pump

PUMPS = ["threads"] if sys.platform == "win32" else ["polling", "threads"]


@dataclass
class Wire:
    """The server's pump, and the client's two ends."""

    pump: Pump
    to_server: int
    from_server: int

    async def read(self) -> bytes:
        return await anyio.to_thread.run_sync(os.read, self.from_server, 65_536, abandon_on_cancel=True)


@contextmanager
def wired(kind: str) -> Iterator[Wire]:
    stdin, to_server = os.pipe()
    from_server, stdout = os.pipe()
    try:
        if kind == "threads":
            yield Wire(ThreadedPump(stdin, stdout), to_server, from_server)
        else:
            with open_pump(stdin, stdout) as pump:
                yield Wire(pump, to_server, from_server)
    finally:
        # The client's ends first: a thread may still wait for them.
        for descriptor in (to_server, from_server, stdin, stdout):
            with suppress(OSError):
                os.close(descriptor)


@pytest.fixture(params=PUMPS)
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    with wired(request.param) as wire:
        yield wire
