"""What makes the start fast: imports without garbage collection, and of the SDK only the modules that are needed."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from importlib.abc import Loader


@contextmanager
def lasting_imports() -> Iterator[None]:
    """Import without collecting garbage, and exempt what was imported from later collections, including at exit.

    Imported objects are never freed, and scanning them costs a tenth of the start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def import_alone(name: str) -> None:
    """Import a module of the SDK without running the `__init__` of the packages that it is in.

    Those import the client, `MCPServer` and more, for whoever imports from the top: a seventh of the start, and 10 MB.
    They run later if a name is used that needs them, or now if the module itself does, as it may in a later version.
    """
    top = name.partition(".")[0]
    if top not in sys.modules:
        try:
            for end, character in enumerate(name):
                if character == ".":
                    _defer_init(name[:end])
            import_module(name)
        except (ImportError, AttributeError):
            for module in [module for module in sys.modules if module.partition(".")[0] == top]:
                del sys.modules[module]
    import_module(name)


def _defer_init(package: str) -> None:
    if (spec := find_spec(package)) is None:
        raise ModuleNotFoundError(package)
    module = sys.modules[package] = module_from_spec(spec)
    module.__class__ = _Package
    parent, _, child = package.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


class _Package(ModuleType):
    """A package whose `__init__` has not run: its modules can be imported, and any other name runs it first."""

    def __getattr__(self, name: str) -> Any:
        module = f"{self.__name__}.{name}"
        if find_spec(module) is not None:
            return import_module(module)
        self.__class__ = ModuleType  # type: ignore[assignment]
        try:
            cast("Loader", self.__loader__).exec_module(self)
        except AttributeError as error:
            # Left as it is, it would be taken to mean that there is no such name, and the rest would stay unrun.
            raise ImportError(str(error)) from error
        return getattr(self, name)
