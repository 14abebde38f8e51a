"""The operating system's words for an error, on either system."""

import errno
import os

import pytest

from wemasy_mcp.system_error import reason_of

BOUND = " (while attempting to bind on address ('127.0.0.1', 80))"


class RefusedOnWindows(OSError):
    winerror = 1225


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EACCES, "Connect call failed ('127.0.0.1', 9)"), os.strerror(errno.EACCES)),
        (OSError(errno.EPERM, os.strerror(errno.EPERM) + BOUND), os.strerror(errno.EPERM)),
        (
            OSError(10048, "Only one usage of each address." + BOUND),
            "Only one usage of each address",
        ),
        (
            RefusedOnWindows(errno.EINVAL, "The remote computer refused."),
            "The remote computer refused",
        ),
        (RefusedOnWindows(errno.EINVAL, ""), None),
        (OSError("Multiple exceptions: …"), None),
    ],
)
def test_the_system_is_quoted_without_the_address(error: OSError, reason: str | None) -> None:
    assert reason_of(error) == reason
