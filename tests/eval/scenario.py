"""A scenario as its file holds it: what the user asks, how the API answers, and what must come of it."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Json

import api_document

FOLDER = Path(__file__).parent / "scenarios"

Operation = Literal["update", "save"]

OPERATIONS: dict[Operation, api_document.Operation] = {
    "update": api_document.UPDATE_CONNECTION,
    "save": api_document.SAVE_MEMORY,
}
"""The API's operations by the short names that scenarios and scripts use."""

Told = Literal["done", "not done", "unknown", "asks"]
"""What the user must be told at the end, in whatever words: it happened, it did not, nobody knows, or a question."""


class Part(BaseModel):
    """A table of a scenario's file; a misspelt name in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(Part):
    """How the API answers instead of storing what is sent. `{token}` in a text is the token of the trial."""

    to: Json[dict[str, Any]] = Field(default_factory=dict)
    """Members that a body must have to be answered so; any body without them."""
    times: int | None = None
    """How many requests are answered so; all of them without it."""
    status: int = 200
    body: Json[dict[str, Any]] = Field(default_factory=dict)
    """The answer's body; without it, the one of a success."""
    headers: dict[str, str] = Field(default_factory=dict)
    after_seconds: float = 0
    lost: bool = False
    """Read the request and close the connection without a word."""


class Expected(Part):
    """A request that must reach the API, this many times."""

    operation: Operation
    body: Json[dict[str, Any]]
    times: int = 1


class Scenario(Part):
    """One file."""

    name: str
    about: str
    """What it finds out, in a line."""
    user: str
    """What the user says."""
    has_token: bool = True
    """Whether the server is given a token at all."""
    api: tuple[Answer, ...] = ()
    requests: tuple[Expected, ...] = ()
    """Exactly these, in any order; none when empty."""
    told: Told
    mentions: str = ""
    """A regular expression that the final text must match, in any case."""
    never_sent: tuple[str, ...] = ()
    """Texts that no request may hold."""


def load_scenarios(names: Sequence[str] = ()) -> tuple[Scenario, ...]:
    """Return the scenarios of these names in their order, or all of them.

    Raises:
        KeyError: There is none of that name.
    """
    found = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
    return tuple(_load(found[name]) for name in names or found)


def _load(path: Path) -> Scenario:
    return Scenario.model_validate({"name": path.stem, **tomllib.loads(path.read_text("utf-8"))})
