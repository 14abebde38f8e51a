"""Imports without garbage collection: what is imported outlives it, and scanning it costs a tenth of the start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting_imports() -> Iterator[None]:
    """Import without collecting garbage, and exempt what was imported from later collections, also at exit."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
