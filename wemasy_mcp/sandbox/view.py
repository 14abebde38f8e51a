"""What the sandbox holds, as JSON for whoever looks at it: bounded in number and length, without tokens of callers."""

import json
from typing import Any

from wemasy_mcp.endpoints.base import Endpoint, Updates
from wemasy_mcp.sandbox.api import PREFIX
from wemasy_mcp.sandbox.budget import REQUESTS_PER_WINDOW, WINDOW_SECONDS
from wemasy_mcp.sandbox.contents import Contents
from wemasy_mcp.sandbox.faults import Faults
from wemasy_mcp.sandbox.store import Record
from wemasy_mcp.sandbox.tokens import READY_MADE, SANDBOX_TOKEN

SHOWN_RECORDS = 50
"""How many records of a collection are shown, the newest ones."""

MAX_SHOWN = 300
"""Characters of a value; the store keeps all of it."""


class View:
    """Renders the state. Times are in seconds of the sandbox's own clock, which `now` tells."""

    def __init__(self, endpoints: tuple[Endpoint, ...], contents: Contents) -> None:
        self._columns = _columns(endpoints)
        self._examples = [
            {"title": endpoint.title, "path": PREFIX + endpoint.path, "body": endpoint.examples[0]}
            for endpoint in endpoints
        ]
        self._contents = contents
        self._version: tuple[int, int] | None = None
        self._collections: list[dict[str, Any]] = []

    def now(self) -> float:
        """Return the time that the others are to be compared with."""
        return self._contents.clock()

    def state(self) -> dict[str, Any]:
        """Return everything but `now`: equal as long as nothing has happened."""
        left = self._contents.budget.left(SANDBOX_TOKEN)
        return {
            "collections": self._current_collections(),
            "requests": [
                {
                    "number": entry.number,
                    "received_at": entry.received_at,
                    "method": entry.method,
                    "path": entry.path,
                    "token": entry.token,
                    "status": entry.status,
                    "why": entry.why,
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
        }

    def _current_collections(self) -> list[dict[str, Any]]:
        # Read again only after a change: whoever watches looks twice a second, and records may be large.
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
    """Return the faults that are still to come."""
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
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
