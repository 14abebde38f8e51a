"""docs/clients.md is of the clients that are here, and each of them is pinned."""

import json
import re
from pathlib import Path

import pytest

from .catalogue import HERE, read_catalogue
from .page import PAGE, listed_clients, version_cell


def test_the_page_lists_exactly_the_clients_that_are_tested_with_their_pinned_versions() -> None:
    expected = {(client.name, version_cell(client)) for client in read_catalogue()}

    assert listed_clients(PAGE.read_text()) == expected


@pytest.mark.parametrize(
    "pins",
    sorted([*HERE.glob("*/requirements.txt"), *HERE.glob("*/constraints.txt")]),
    ids=lambda path: str(path.relative_to(HERE)),
)
def test_a_python_client_is_pinned_line_by_line(pins: Path) -> None:
    for line in pins.read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][0-9a-z.]*", line)


@pytest.mark.parametrize("manifest", sorted(HERE.glob("*/package.json")), ids=lambda path: path.parent.name)
def test_a_node_client_is_pinned(manifest: Path) -> None:
    for version in json.loads(manifest.read_text())["dependencies"].values():
        assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", version)
