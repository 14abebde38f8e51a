"""How many files, and so connections, the process may have open."""

import sys

USUAL = 1024


def may_open(wanted: int) -> int:
    """Raise the limit towards `wanted` as far as the operating system lets a process raise it, and return it.

    The usual soft limit is for programs that wait with `select`, which takes no more; this one does not.
    """
    if sys.platform == "win32":
        return USUAL
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
    except (OSError, ValueError):
        # macOS takes less than it says, and a sandbox may forbid the call.
        return soft
    return possible
