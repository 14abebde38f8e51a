"""docs/conformance.md as the tests read it: what applies, what does not, and which findings are answered."""

import re
from pathlib import Path
from typing import Literal

PAGE = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text("utf-8")

Revision = Literal["2025-06-18", "2025-11-25", "2026-07-28"]
REVISIONS: tuple[Revision, ...] = ("2025-06-18", "2025-11-25", "2026-07-28")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    section = re.split(r"^#+ ", PAGE.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    """Return what a cell has in code spans."""
    return re.findall(r"`([^`]+)`", cell)


def applying(revision: Revision, extent: Literal["whole", "in part"]) -> set[str]:
    """Return the scenarios that apply to that extent."""
    column = 1 + REVISIONS.index(revision)
    return {name for row in rows("Scenarios that apply") if row[column] == extent for name in names(row[0])}


def not_applying() -> set[str]:
    """Return the scenarios that do not apply."""
    return {name for row in rows("Scenarios that do not apply") for name in names(row[0])}


def listed_scenarios() -> list[str]:
    """Return every scenario on the page, as often as it is there."""
    tables = [*rows("Scenarios that apply"), *rows("Scenarios that do not apply")]
    return [name for row in tables for name in names(row[0])]


def version_of(validator: str) -> str:
    """Return the version that the page names for a validator."""
    (row,) = [row for row in rows("Other validators") if re.match(rf"\[?{re.escape(validator)}\b", row[0])]
    return row[1]


def answered(validator: str) -> set[str]:
    """Return the findings of a validator that the page answers."""
    return {name for row in rows("Answers") if row[0].startswith(f"{validator} ") for name in names(row[0])}
