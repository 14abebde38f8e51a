"""The start: what is imported of a package, and what is not."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from wemasy_mcp.startup import import_alone

LEAF = "outer.inner.leaf"
FILES = {
    "outer/__init__.py": "import outer.heavy\nNAME = 'top'\n",
    "outer/heavy.py": "",
    "outer/light.py": "",
    "outer/inner/__init__.py": "import outer.heavy\n",
    "outer/inner/leaf.py": "VALUE = 1\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path of imports with the package `outer`, of which nothing has been imported."""
    write(tmp_path, FILES)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for module in imported():
        del sys.modules[module]


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def imported() -> set[str]:
    return {module for module in sys.modules if module.partition(".")[0] == "outer"}


@pytest.mark.usefixtures("package")
def test_a_module_is_imported_without_what_its_packages_import() -> None:
    import_alone(LEAF)
    assert imported() == {"outer", "outer.inner", LEAF}
    assert sys.modules["outer"].inner.leaf.VALUE == 1


@pytest.mark.usefixtures("package")
def test_another_module_of_the_package_is_imported_without_them_too() -> None:
    import_alone(LEAF)
    assert sys.modules["outer"].light is sys.modules["outer.light"]
    assert "outer.heavy" not in imported()


@pytest.mark.usefixtures("package")
def test_a_name_that_the_package_itself_defines_is_there_when_it_is_used() -> None:
    import_alone(LEAF)
    assert sys.modules["outer"].NAME == "top"
    assert "outer.heavy" in imported()
    with pytest.raises(AttributeError, match="nothing"):
        _ = sys.modules["outer"].nothing


@pytest.mark.parametrize(
    "needs",
    [
        "from outer import NAME\nVALUE = 1\n",
        # The package must come first: it defines the name, and then imports this module.
        "from outer import FIRST\nVALUE = 1\n",
        "import outer\nVALUE = len(outer.FIRST)\n",
    ],
)
def test_a_module_that_needs_its_packages_gets_them(package: Path, needs: str) -> None:
    top = "FIRST = 'x'\nimport outer.inner.leaf\nVALUE = outer.inner.leaf.VALUE\nNAME = 'top'\n"
    if "NAME" in needs:
        top = FILES["outer/__init__.py"]
    write(package, {"outer/__init__.py": top, "outer/inner/leaf.py": needs})
    import_alone(LEAF)
    assert sys.modules[LEAF].VALUE == 1
    assert sys.modules["outer"].NAME == "top"


def test_a_package_that_is_imported_already_stays_as_it_is(package: Path) -> None:
    before = __import__("outer")
    import_alone(LEAF)
    assert sys.modules["outer"] is before


def test_a_missing_package_is_reported_as_such() -> None:
    with pytest.raises(ModuleNotFoundError, match="outer"):
        import_alone(LEAF)


def test_the_whole_sdk_can_still_be_imported_after_the_part_that_serves() -> None:
    program = """
import sys
from wemasy_mcp.startup import import_alone
import_alone("mcp.server.lowlevel")
assert "mcp.client" not in sys.modules and "mcp.server.mcpserver" not in sys.modules
from mcp import Client
from mcp.server import MCPServer, Server
import mcp.server.lowlevel
assert Server is mcp.server.lowlevel.Server and mcp.Client is Client and mcp.server.MCPServer is MCPServer
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
