"""The shape of the tree: what a reader must open to understand a call, and names that say what is behind them."""

import re
from collections import Counter
from pathlib import Path

import pytest

from draw_imports import call_modules, imports_picture

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "wemasy_mcp").rglob("*.py"))
SOURCES = [*MODULES, *(path for folder in ("tests", "scripts", "bundle") for path in (ROOT / folder).rglob("*.py"))]

MAX_CALL_FILES = 12
MAX_LINES = 1700


def test_a_call_can_be_read_in_an_afternoon() -> None:
    modules = call_modules()

    assert "wemasy_mcp.core.client" in modules
    assert len(modules) <= MAX_CALL_FILES


def test_the_two_folders_that_say_what_the_server_does_are_short() -> None:
    folders = [path for path in MODULES if path.parent.name in {"core", "endpoints"}]

    assert len(folders) > MAX_CALL_FILES
    assert sum(len(path.read_text("utf-8").splitlines()) for path in folders) <= MAX_LINES


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
