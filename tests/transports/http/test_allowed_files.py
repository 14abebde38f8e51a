"""How many connections are admitted where the system allows few open files."""

import sys

import pytest

from wemasy_mcp.transports.http.uvicorn_server import MAX_CONNECTIONS, OTHER_FILES, allowed_files

pytestmark = pytest.mark.posix

ENOUGH = MAX_CONNECTIONS + OTHER_FILES

if sys.platform != "win32":
    import resource
    from resource import RLIM_INFINITY, RLIMIT_NOFILE


def test_the_soft_limit_is_raised_for_the_process() -> None:
    before = resource.getrlimit(RLIMIT_NOFILE)
    resource.setrlimit(RLIMIT_NOFILE, (256, before[1]))
    try:
        allowed = allowed_files()

        assert allowed > 256
        assert resource.getrlimit(RLIMIT_NOFILE) == (allowed, before[1])
    finally:
        resource.setrlimit(RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("limits", "set_to", "allowed"),
    [
        ((256, RLIM_INFINITY), (ENOUGH, RLIM_INFINITY), ENOUGH),
        ((256, 1024), (1024, 1024), 1024),
        ((1024, 1024), None, 1024),
        ((2**20, 2**20), None, 2**20),
        ((RLIM_INFINITY, RLIM_INFINITY), None, ENOUGH),
    ],
)
def test_it_is_raised_as_far_as_is_needed_and_allowed(
    limits: tuple[int, int], set_to: tuple[int, int] | None, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda kind, given: changes.append(given))

    assert allowed_files() == allowed
    assert changes == ([set_to] if set_to else [])


def test_a_kernel_that_allows_less_than_the_limit_says_leaves_it_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kind: int, limits: tuple[int, int]) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    assert allowed_files() == 256
