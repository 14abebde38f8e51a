"""What is kept in a file."""

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from api_document import SAVE_MEMORY, UPDATE_CONNECTION
from sandbox.conftest import client_of
from wemasy_mcp.sandbox import SandboxDatabaseError, build_sandbox

SAVE = f"/api/{SAVE_MEMORY.path}"
UPDATE = f"/api/{UPDATE_CONNECTION.path}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.db"


async def test_a_file_keeps_what_was_written_and_its_seeds_come_once(file: Path) -> None:
    async with client_of(build_sandbox(str(file))) as client:
        await client.post(SAVE, json={"kind": "fact", "key": "first"})
        await client.post(UPDATE, json={"connection_id": 5, "name": "Renamed"})

    again = build_sandbox(str(file))
    async with client_of(again) as client:
        second = await client.post(SAVE, json={"kind": "fact", "key": "second"})

    assert second.json()["data"]["id"] == 2
    assert again.state.store.find("connections", 5)["name"] == "Renamed"
    assert again.state.store.count("connections") == 4


def test_memory_is_each_sandboxs_own() -> None:
    first, second = build_sandbox(), build_sandbox()
    first.state.store.create("memories", {})

    assert second.state.store.count("memories") == 0


def test_a_home_directory_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    build_sandbox("~/sandbox.db")
    assert (tmp_path / "sandbox.db").exists()


async def test_writers_that_share_a_file_lose_nothing(file: Path) -> None:
    stores = [build_sandbox(str(file)).state.store for _ in range(4)]

    def write(store: Any) -> None:
        for _ in range(10):
            store.create("memories", {"kind": "fact"})

    with anyio.fail_after(60):
        async with anyio.create_task_group() as writing:
            for store in stores:
                writing.start_soon(anyio.to_thread.run_sync, write, store)

    assert [record["id"] for record in stores[0].newest("memories", 99)] == list(range(40, 0, -1))


def test_a_connection_is_closed_with_its_sandbox(file: Path) -> None:
    app = build_sandbox(str(file))
    connection = app.state.store._connection
    del app
    gc.collect()

    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")


@contextmanager
def _directory(file: Path) -> Iterator[None]:
    file.mkdir()
    yield


@contextmanager
def _no_database(file: Path) -> Iterator[None]:
    file.write_text("Dear diary, today I was taken for a database.")
    yield


@contextmanager
def _anothers(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    yield


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(_directory, "unable to open database file", id="directory"),
        pytest.param(_no_database, "file is not a database", id="no database"),
        pytest.param(_anothers, "it is another program's database", id="another's"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_in_one_line(file: Path, make: Any, reason: str) -> None:
    with make(file), pytest.raises(SandboxDatabaseError) as refused:
        build_sandbox(str(file))

    assert str(refused.value) == f"The sandbox database {file} cannot be opened: {reason}"
    gc.collect()


def test_a_directory_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SandboxDatabaseError, match="missing"):
        build_sandbox(str(tmp_path / "missing" / "sandbox.db"))

    assert list(tmp_path.iterdir()) == []


def test_an_update_of_nothing_is_an_error_and_writes_nothing() -> None:
    store = build_sandbox().state.store

    with pytest.raises(LookupError):
        store.update("connections", 42, {"name": "Spare"})
    assert store.count("connections") == 4


async def test_a_database_that_fails_is_answered_500(file: Path) -> None:
    app = build_sandbox(str(file))
    with closing(sqlite3.connect(file)) as another:
        another.execute("DROP TABLE records")

    async with client_of(app) as client:
        answer = await client.post(SAVE, json={"kind": "fact"})

    assert answer.status_code == 500
    assert answer.json() == {"message": "Server Error"}
