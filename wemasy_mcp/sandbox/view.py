"""The sandbox's state as JSON for the page: bounded in number and length, without callers' tokens."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wemasy_mcp.console import command_line
from wemasy_mcp.core.sanitize import truncate
from wemasy_mcp.endpoints.base import Endpoint, Updates
from wemasy_mcp.sandbox.api import PREFIX
from wemasy_mcp.sandbox.budget import REQUESTS_PER_WINDOW, WINDOW_SECONDS
from wemasy_mcp.sandbox.contents import Contents
from wemasy_mcp.sandbox.faults import Faults
from wemasy_mcp.sandbox.store import Record
from wemasy_mcp.sandbox.tokens import READY_MADE, SANDBOX_TOKEN

SHOWN_RECORDS = 50
"""Maximum records shown for a collection: the newest ones."""

MAX_SHOWN = 300
"""Maximum characters shown of a value; the store keeps all of it."""

MAX_NOTED = 200
"""Maximum characters of the reason shown for a request."""


class View:
    """Renders the state. Times are in seconds on the sandbox's own clock, which reads `now`."""

    def __init__(self, endpoints: tuple[Endpoint, ...], contents: Contents) -> None:
        self._columns = _columns(endpoints)
        self._examples = [
            {"title": endpoint.title, "path": PREFIX + endpoint.path, "body": endpoint.examples[0]}
            for endpoint in endpoints
        ]
        self._contents = contents
        self._version: tuple[int, int] | None = None
        self._collections: list[dict[str, Any]] = []

    def state(self) -> dict[str, Any]:
        """Return everything: apart from `now`, it stays the same as long as nothing happens."""
        left = self._contents.budget.left(SANDBOX_TOKEN)
        return {
            "collections": self._current_collections(),
            "requests": [
                {
                    name: truncate(value, MAX_NOTED) if isinstance(value, str) else value
                    for name, value in asdict(entry).items()
                }
                for entry in self._contents.journal.newest_first()
            ],
            "budget": {
                "token": SANDBOX_TOKEN,
                "limit": REQUESTS_PER_WINDOW,
                "remaining": left.remaining,
                "window_seconds": WINDOW_SECONDS,
                "resets_at": left.resets_at,
            },
            "pending": pending(self._contents.faults),
            "tokens": [{"token": token, "gets": gets} for token, gets in READY_MADE.items()],
            "examples": self._examples,
            "shared_by": _sharing_command(self._contents.store.path),
            "now": self._contents.clock(),
        }

    def _current_collections(self) -> list[dict[str, Any]]:
        # Read again only after a change: the page polls every second, and records may be large.
        version = self._contents.store.version()
        if version != self._version:
            self._collections = [self._collection(name, columns) for name, columns in self._columns.items()]
            self._version = version
        return self._collections

    def _collection(self, name: str, columns: list[str]) -> dict[str, Any]:
        return {
            "name": name,
            "count": self._contents.store.count(name),
            "columns": columns,
            "records": [_shown(record) for record in self._contents.store.newest(name, SHOWN_RECORDS)],
        }


def pending(faults: Faults) -> list[dict[str, Any]]:
    """Return the pending faults."""
    return [
        {"fault": fault.name, "count": count}
        | ({} if fault.retry_after is None else {"retry_after": fault.retry_after})
        for fault, count in faults.pending()
    ]


def _columns(endpoints: tuple[Endpoint, ...]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for endpoint in endpoints:
        effect = endpoint.effect
        names = columns.setdefault(effect.collection, ["id"])
        named_by = effect.id_argument if isinstance(effect, Updates) else None
        properties = endpoint.argument_schema["properties"]
        names += [name for name in properties if name != named_by and name not in names]
    return columns


def _shown(record: Record) -> dict[str, dict[str, str]]:
    return {name: {"type": _type(value), "text": _cut(value)} for name, value in record.items()}


def _type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return "text"
    return "number" if type(value) in (int, float) else "json"


def _cut(value: object) -> str:
    return truncate(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), MAX_SHOWN)


def _sharing_command(database: Path | None) -> str | None:
    """Return the command for an MCP server on the same records; None if only this process has them."""
    if database is None:
        return None
    # Whole paths: a desktop host does not have the PATH of a terminal.
    return command_line([sys.executable, "-P", "-m", "wemasy_mcp", "--sandbox", "--sandbox-db", str(database)])
