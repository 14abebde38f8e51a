"""The runs that the tests here judge: each once a session, two at a time, in environments installed when needed."""

import os
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import TypeVar

import pytest

from .cases import Case, cases_of
from .catalogue import Client, read_catalogue
from .environments import Program, install
from .record import write_record
from .runs import Outcome, run
from .turns import RECORD, select
from .upstream import Upstream

WORKERS = 2

FAILED = pytest.StashKey[set[Client]]()
"""The clients of which a test has failed."""

Parameter = TypeVar("Parameter")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the clients that this run is not for, unless tests were asked for by name."""
    config.stash[FAILED] = set()
    if config.option.keyword or any("::" in argument for argument in config.args):
        return
    try:
        chosen = set(select(read_catalogue(), _today()))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    others = {item for item in items if (client := _client_of(item)) and client not in chosen}
    config.hook.pytest_deselected(items=list(others))
    items[:] = [item for item in items if item not in others]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember the clients of which a test has failed: no record is made of their runs."""
    report = yield
    if report.failed and (client := _client_of(item)):
        item.config.stash[FAILED].add(client)
    return report


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    with Upstream().in_thread() as served:
        yield served


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> dict[str, Program]:
    clients = (_client_of(item) for item in request.session.items)
    return install(tuple(dict.fromkeys(client for client in clients if client)))


@pytest.fixture(scope="session")
def outcomes(
    request: pytest.FixtureRequest,
    programs: dict[str, Program],
    upstream: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[Case, Future[Outcome]]]:
    with ThreadPoolExecutor(WORKERS) as pool:
        under_way = {
            case: pool.submit(run, case, programs[case.client.id], upstream, tmp_path_factory.mktemp(str(case)))
            for case in _cases(request)
        }
        yield under_way
        pool.shutdown(cancel_futures=True)
    if RECORD in os.environ:
        _write_records(under_way, request.config.stash[FAILED])


@pytest.fixture
def outcome(case: Case, outcomes: dict[Case, Future[Outcome]]) -> Outcome:
    return outcomes[case].result()


def _write_records(runs: dict[Case, Future[Outcome]], failed: set[Client]) -> None:
    """Keep what was seen of the clients all of whose cases were run, and judged good."""
    for client in dict.fromkeys(case.client for case in runs):
        if client not in failed:
            write_record(client, {case: runs[case].result() for case in cases_of((client,))}, _today())


def _cases(request: pytest.FixtureRequest) -> list[Case]:
    """The cases that the selected tests are parametrised with, each once, in their order."""
    return list(dict.fromkeys(value for item in request.session.items for value in _values(item, Case)))


def _client_of(item: pytest.Item) -> Client | None:
    """The client that a test is parametrised with."""
    cases = (case.client for case in _values(item, Case))
    return next((client for client in (*cases, *_values(item, Client))), None)


def _values(item: pytest.Item, kind: type[Parameter]) -> list[Parameter]:
    callspec = getattr(item, "callspec", None)
    return [value for value in callspec.params.values() if isinstance(value, kind)] if callspec else []


def _today() -> date:
    return datetime.now(UTC).date()
