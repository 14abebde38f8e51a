"""docs/clients.md is of the clients that are here."""

from .catalogue import read_catalogue
from .page import PAGE, listed_clients, version_cell


def test_the_page_lists_exactly_the_clients_that_are_tested_with_their_pinned_versions() -> None:
    expected = {(client.name, version_cell(client)) for client in read_catalogue()}

    assert listed_clients(PAGE.read_text()) == expected


def test_every_pin_is_one_exact_version() -> None:
    for client in read_catalogue():
        assert client.pins, client.id
        assert all(version.replace(".", "").isalnum() for version in client.pins.values()), client.id
