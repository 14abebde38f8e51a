"""Which clients a run is for, and what happens to the environments of the others."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from .catalogue import Client, read_catalogue
from .room import hold, make_room, mark_ready
from .turns import ALWAYS, GROUP, NAMES, groups_of, select

DAY = date(2026, 11, 30)


@pytest.fixture
def clients() -> tuple[Client, ...]:
    first, *_ = read_catalogue()
    return tuple(
        replace(first, directory=Path(name), group=group)
        for name, group in (("one", ALWAYS), ("two", "frameworks"), ("three", "programs"), ("four", "programs"))
    )


def test_the_groups_take_turns_by_date_and_every_run_has_the_others(clients: tuple[Client, ...]) -> None:
    runs = [[client.id for client in select(clients, DAY + timedelta(days), {})] for days in range(4)]

    one_way = [["one", "three", "four"], ["one", "two"]]
    assert runs in (one_way * 2, one_way[::-1] * 2)


@pytest.mark.parametrize(
    ("group", "names"), [("frameworks", ["one", "two"]), (ALWAYS, ["one"]), ("all", ["one", "two", "three", "four"])]
)
def test_a_variable_names_the_group(clients: tuple[Client, ...], group: str, names: list[str]) -> None:
    assert [client.id for client in select(clients, DAY, {GROUP: group})] == names


def test_clients_are_named_by_themselves_or_by_their_group(clients: tuple[Client, ...]) -> None:
    assert [client.id for client in select(clients, DAY, {NAMES: "two programs"})] == ["two", "three", "four"]


@pytest.mark.parametrize("environment", [{GROUP: "program"}, {NAMES: "one tow"}])
def test_a_name_that_nothing_has_is_refused(clients: tuple[Client, ...], environment: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="here is no"):
        select(clients, DAY, environment)


def test_a_catalogue_of_one_group_has_no_turns(clients: tuple[Client, ...]) -> None:
    assert groups_of(clients[:1]) == []
    assert select(clients[:1], DAY, {}) == clients[:1]


@pytest.mark.posix
def test_environments_that_nobody_uses_are_removed_once_there_are_too_many(tmp_path: Path) -> None:
    for name in ("held", "oldest", "newest"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(2**16))
        mark_ready(tmp_path / name)
    hold(tmp_path / "held")
    (tmp_path / "unknown").mkdir()

    make_room(tmp_path, max_bytes=3 * 2**16)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"held", "oldest", "newest", "unknown"}

    make_room(tmp_path, max_bytes=2 * 2**16 + 2**15)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"held", "newest", "unknown"}

    make_room(tmp_path, max_bytes=0)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"held", "unknown"}
