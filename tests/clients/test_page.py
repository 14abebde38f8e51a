"""docs/clients.md is what the records say, the records are of the clients that are here, and each client is pinned."""

import json
import re
from pathlib import Path

import pytest

from .catalogue import HERE, Client, read_catalogue
from .page import PAGE, render
from .record import read_record


def test_the_page_is_written_from_the_records() -> None:
    assert PAGE.read_text("utf-8") == render()


@pytest.mark.parametrize("client", read_catalogue(), ids=lambda client: client.id)
def test_each_client_was_last_run_with_its_pinned_version(client: Client) -> None:
    record = read_record(client)

    assert record is not None, f"run `python -m tests.clients {client.id}`"
    assert record["version"] == client.version


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
