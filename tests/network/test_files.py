"""How many connections the server may have open."""

import resource
import sys

import pytest

from wemasy_mcp.http.files import USUAL, may_open

Limits = tuple[int, int]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[Limits]:
    """The limits that are set, after those that the test begins with."""
    known: list[Limits] = [request.param]
    monkeypatch.setattr(resource, "getrlimit", lambda which: known[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: known.append(limits))
    return known


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ((256, 1024), 1024),
        ((1024, 524_288), 524_288),
        ((4096, 4096), 4096),
        ((256, resource.RLIM_INFINITY), 10_240),
        ((20_000, resource.RLIM_INFINITY), 20_000),
    ],
    indirect=["limits"],
)
def test_the_limit_is_raised_as_far_as_it_goes(limits: list[Limits], found: int) -> None:
    hard = limits[0][1]

    assert may_open() == found
    assert limits[-1] == (found, hard)


def test_the_operating_system_takes_the_limit() -> None:
    assert may_open() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_windows_has_no_such_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")

    assert may_open() == USUAL
