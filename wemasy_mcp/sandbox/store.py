"""The sandbox's records: JSON documents in SQLite, in memory or in a file."""

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wemasy_mcp.endpoints.base import Endpoint, Updates
from wemasy_mcp.settings import expand_home

IN_MEMORY = ":memory:"

_APPLICATION_ID = 0x57454D59
_BUSY_SECONDS = 5.0
_RECORDS = """
CREATE TABLE IF NOT EXISTS records (
    collection TEXT NOT NULL,
    id INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (collection, id)
) WITHOUT ROWID
"""

Record = dict[str, Any]


class SandboxDatabaseError(Exception):
    """The database file cannot be used. `str()` of it is one line that names the path and the reason."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"The sandbox database {path} cannot be opened: {reason}")


class Store:
    """Collections of records with ids from 1 up. Each method is one transaction; threads and processes may share it."""

    def __init__(self, database: str, endpoints: tuple[Endpoint, ...]) -> None:
        """Open `database` (a path, or `:memory:`) and store any of the endpoints' seeds that it lacks.

        Raises:
            SandboxDatabaseError: The file cannot be opened and written, or belongs to another program.
        """
        path = Path(expand_home(database))
        self.path = None if database == IN_MEMORY else path.absolute()
        self._seeds = [
            (endpoint.effect.collection, seed["id"], json.dumps(seed))
            for endpoint in endpoints
            if isinstance(endpoint.effect, Updates)
            for seed in endpoint.effect.seeds
        ]
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise SandboxDatabaseError(path, error) from error
        weakref.finalize(self, self._connection.close)
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            raise SandboxDatabaseError(path, error) from error

    def find(self, collection: str, record_id: int) -> Record | None:
        """Return the record, or None if there is none with that id."""
        with self._lock:
            return self._find(collection, record_id)

    def create(self, collection: str, values: Mapping[str, Any]) -> Record:
        """Store a new record and return it with its id."""
        with self._transaction():
            ((record_id,),) = self._connection.execute(
                "SELECT COALESCE(MAX(id), 0) + 1 FROM records WHERE collection = ?", (collection,)
            )
            return self._write(collection, {"id": record_id, **values})

    def update(self, collection: str, record_id: int, values: Mapping[str, Any]) -> Record:
        """Replace the given members of a record, leave the others, and return the record.

        Raises:
            LookupError: There is no such record.
        """
        with self._transaction():
            record = self._find(collection, record_id)
            if record is None:
                raise LookupError(f"no record {record_id} in {collection}")
            return self._write(collection, {**record, **values})

    def clear(self) -> None:
        """Delete every record and store the seeds again."""
        with self._transaction():
            self._connection.execute("DELETE FROM records")
            self._sow()

    def newest(self, collection: str, limit: int) -> list[Record]:
        """Return up to `limit` records, highest ids first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT document FROM records WHERE collection = ? ORDER BY id DESC LIMIT ?", (collection, limit)
            )
            return [json.loads(document) for (document,) in rows]

    def count(self, collection: str) -> int:
        """Return the number of records."""
        with self._lock:
            ((count,),) = self._connection.execute("SELECT COUNT(*) FROM records WHERE collection = ?", (collection,))
            return int(count)

    def version(self) -> tuple[int, int]:
        """Return a value that changes whenever this or another process writes anything."""
        with self._lock:
            ((elsewhere,),) = self._connection.execute("PRAGMA data_version")
            return self._connection.total_changes, elsewhere

    def _prepare(self, path: Path) -> None:
        with self._transaction():
            ((application_id,),) = self._connection.execute("PRAGMA application_id")
            ((tables,),) = self._connection.execute("SELECT COUNT(*) FROM sqlite_master")
            if application_id != _APPLICATION_ID and tables:
                raise SandboxDatabaseError(path, "it is another program's database")
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._connection.execute(_RECORDS)
            self._sow()

    def _sow(self) -> None:
        self._connection.executemany("INSERT OR IGNORE INTO records VALUES (?, ?, ?)", self._seeds)

    def _find(self, collection: str, record_id: int) -> Record | None:
        row = self._connection.execute(
            "SELECT document FROM records WHERE collection = ? AND id = ?", (collection, record_id)
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def _write(self, collection: str, record: Record) -> Record:
        self._connection.execute(
            "INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (collection, record["id"], json.dumps(record))
        )
        return record

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        # IMMEDIATE: detects here a file that cannot be written or that another process is writing.
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
