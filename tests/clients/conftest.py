"""The runs that the tests here judge: each once a session, two at a time, in environments installed when needed."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest

from .catalogue import Client
from .environments import Program, install
from .page import write_record
from .runs import Case, Outcome, run
from .upstream import Upstream, serve_upstream

WORKERS = 2

Parameter = TypeVar("Parameter")


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    with serve_upstream() as served:
        yield served


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> dict[str, Program]:
    clients = (*(case.client for case in _selected(request, Case)), *_selected(request, Client))
    return install(tuple(dict.fromkeys(clients)))


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
            for case in _selected(request, Case)
        }
        yield under_way
        pool.shutdown(cancel_futures=True)
    write_record({case: future.result() for case, future in under_way.items() if _succeeded(future)})


@pytest.fixture
def outcome(case: Case, outcomes: dict[Case, Future[Outcome]]) -> Outcome:
    return outcomes[case].result()


def _selected(request: pytest.FixtureRequest, kind: type[Parameter]) -> list[Parameter]:
    """The values of this kind that the selected tests are parametrised with, each once, in their order."""
    items = (item for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec"))
    values = (value for item in items for value in item.callspec.params.values())
    return list(dict.fromkeys(value for value in values if isinstance(value, kind)))


def _succeeded(future: Future[Outcome]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
