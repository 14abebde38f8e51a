"""The operating system's own words for what went wrong."""

import os

_WINSOCK = 10_000


def reason_of(error: OSError) -> str | None:
    """Return the system's words for `error`, without an address; None if it has none."""
    if not error.errno:
        return None
    if getattr(error, "winerror", None) is not None or error.errno >= _WINSOCK:
        # A Windows error number, which `os.strerror` does not know. `socket.create_server` appends the address.
        return (error.strerror or "").partition(" (while attempting")[0].rstrip(". ") or None
    return os.strerror(error.errno)
