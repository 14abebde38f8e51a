"""How many connections the server may have open."""

import resource
import sys

import pytest

from wemasy_mcp.http.files import USUAL, may_open

Limits = tuple[int, int]

UNLIMITED = resource.RLIM_INFINITY
WANTED = 4000


@pytest.mark.parametrize(
    ("limits", "found", "after"),
    [
        ((256, 1024), 1024, (1024, 1024)),
        ((1024, 524_288), WANTED, (WANTED, 524_288)),
        ((1024, UNLIMITED), WANTED, (WANTED, UNLIMITED)),
        ((8192, 8192), WANTED, (8192, 8192)),
        ((UNLIMITED, UNLIMITED), WANTED, (UNLIMITED, UNLIMITED)),
    ],
)
def test_the_limit_is_raised_as_far_as_it_is_needed_and_goes(
    limits: Limits, found: int, after: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda which: known[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: known.append(limits))

    assert may_open(WANTED) == found
    assert known[-1] == after


@pytest.mark.parametrize("error", [PermissionError, ValueError])
def test_a_limit_that_may_not_be_raised_is_kept(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(which: int, limits: Limits) -> None:
        raise error

    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    assert may_open(WANTED) == 256


def test_the_operating_system_takes_the_limit() -> None:
    found = may_open(WANTED)

    assert found <= resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_windows_has_no_such_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")

    assert may_open(WANTED) == USUAL
