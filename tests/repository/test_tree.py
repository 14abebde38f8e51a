"""The shape of the tree: what a reader must open to understand a call, and names that say what is behind them."""

import re
from collections import Counter
from pathlib import Path

import pytest

from draw_imports import call_modules, imports_picture
from wemasy_mcp.endpoints import ENDPOINTS

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "wemasy_mcp").rglob("*.py"))
SOURCES = [*MODULES, *(path for folder in ("tests", "scripts", "bundle") for path in (ROOT / folder).rglob("*.py"))]

MAX_CALL_FILES = 12
MAX_LINES = 1600
"""Of core and endpoints, without the files of single operations: 1,700 with the two there are."""

MAX_OPERATION_LINES = 80


def test_a_call_can_be_read_in_an_afternoon() -> None:
    modules = call_modules()

    assert "wemasy_mcp.core.client" in modules
    assert len(modules) <= MAX_CALL_FILES


def test_the_two_folders_that_say_what_the_server_does_are_short() -> None:
    operations = {endpoint.arguments.__module__.rpartition(".")[2] for endpoint in ENDPOINTS}
    lines = {
        path.stem: len(path.read_text("utf-8").splitlines())
        for path in MODULES
        if path.parent.name in {"core", "endpoints"} and path.stem != "__init__"
    }

    assert operations < set(lines)
    assert sum(count for name, count in lines.items() if name not in operations) <= MAX_LINES
    assert max(lines[name] for name in operations) <= MAX_OPERATION_LINES


def test_no_two_modules_have_the_same_name() -> None:
    names = Counter(path.stem for path in MODULES if path.stem != "__init__")

    assert [name for name, count in names.items() if count > 1] == []


def test_no_module_is_a_drawer() -> None:
    drawers = {"common", "helper", "helpers", "manager", "misc", "shared", "util", "utils"}

    assert [path for path in SOURCES if path.stem in drawers] == []


@pytest.mark.parametrize("wrong", ["MOST", "LONGEST", "LARGEST"])
def test_a_limit_is_named_max(wrong: str) -> None:
    named = re.compile(rf"\b_?{wrong}_[A-Z]")

    assert [path for path in SOURCES if named.search(path.read_text("utf-8"))] == []


def test_the_picture_leaves_out_what_follows_from_others() -> None:
    picture = imports_picture()

    assert "  cli --> doctor\n" in picture
    assert "  doctor --> app\n" in picture
    assert "  cli --> app\n" not in picture
