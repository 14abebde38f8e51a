"""What every test may ask for."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Generator

import pytest
from hypothesis import settings
from mcp import Client, StdioServerParameters

from support.launching import launched, serving
from support.processes import ServerProcess
from support.redis_server import RedisServer
from support.sandbox_process import Sandbox
from support.server_process import ServerProcess as StdioProcess
from support.started import tools_and_outcome
from support.truth import Player
from support.wire import ERAS, Era, Recorded, client_over, connect, server_over

_STARTERS = (
    *(subprocess, StdioServerParameters, tools_and_outcome),
    *(ServerProcess, StdioProcess, Sandbox, RedisServer, Player, launched, serving),
)
"""What a test module that starts child processes names, or its fixtures do."""


if hasattr(signal, "SIGHUP"):
    # Under `nohup`, as many runners start the tests, children would inherit that it is ignored.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is advised names the program as it was called, which here is the test runner."""
    monkeypatch.setattr(sys, "argv", ["wemasy-mcp"])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Take two workers for each core with `-n auto`: most tests wait for a child process or a deadline."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of every module that starts child processes: `.ci/run --fast` leaves them out."""
    for item in items:
        if isinstance(item, pytest.Function) and any(value in _STARTERS for value in vars(item.module).values()):
            item.add_marker("process")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def no_terminal() -> None:
    """pytest-xdist and readline set a width; commands would wrap what they print in a pipe."""
    os.environ["COLUMNS"] = ""  # readline sets it behind Python's back, where only what Python has set can be deleted
    del os.environ["COLUMNS"]


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> Era:
    chosen: Era = request.param
    return chosen


@pytest.fixture
async def mcp_client(recorded: Recorded, era: Era) -> AsyncIterator[Client]:
    """A client of each era, on a server whose HTTP is recorded."""
    async with connect(server_over(client_over(recorded)), era) as client:
        yield client


@pytest.fixture
def unused_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


# Reproducible: a run fails for what was changed, and never for what was drawn.
settings.register_profile("suite", derandomize=True, database=None, deadline=None)
settings.load_profile("suite")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Replace lone surrogates that a test logged: pytest-xdist sends reports as UTF-8 and ends the run otherwise."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "replace").decode()) for name, text in report.sections]
    return report
