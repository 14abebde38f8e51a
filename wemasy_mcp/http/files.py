"""How many files, and so connections, the process may have open."""

import sys

USUAL = 1024


def may_open() -> int:
    """Raise the limit as far as the operating system lets a process raise it, and return it.

    The usual soft limit is for programs that wait with `select`, which takes no more; this one does not.
    """
    if sys.platform == "win32":
        return USUAL
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS names no hard limit, and yet takes no soft limit as high as that.
    wanted = max(soft, 10_240 if hard == resource.RLIM_INFINITY else hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
