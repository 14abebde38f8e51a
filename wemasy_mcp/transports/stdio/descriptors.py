"""The process's own stdin, stdout and stderr: opened if they are closed, and reserved for the wire."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def fill_closed_descriptors() -> None:
    """Open the null device wherever the parent process closed stdin, stdout or stderr."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # `open` takes the lowest free number, which is this one.
            os.open(os.devnull, os.O_RDWR)


@contextmanager
def private_wire() -> Iterator[tuple[int, int]]:
    """Move the wire to private descriptors, so that a stray print goes to stderr and a stray read sees end of file."""
    stdin, stdout = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    if sys.platform == "win32":
        from mcp.os.win32.utilities import rebind_std_handle_to_fd

        # Children inherit the handle, which the C library leaves unchanged.
        rebind_std_handle_to_fd(0)
        rebind_std_handle_to_fd(1)
        # Never moved back: the C library holds a descriptor's lock for as long as a thread reads it.
        yield stdin, stdout
    else:
        try:
            yield stdin, stdout
        finally:
            os.dup2(stdin, 0)
            os.dup2(stdout, 1)
            os.close(stdin)
            os.close(stdout)
