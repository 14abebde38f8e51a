"""What an API operation is: its arguments, its data and how to treat a repeated call. Knows neither HTTP nor MCP."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict


class Arguments(BaseModel):
    """What a tool takes. Strict and closed: `endpoints.arguments` says what is repaired."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Data(BaseModel):
    """The documented members of a reply's `data`. Others are ignored, so that a new API field breaks nothing."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


@dataclass(frozen=True, slots=True)
class Creates:
    """In the sandbox each call stores a new record in `collection`."""

    collection: str


@dataclass(frozen=True, slots=True)
class Updates:
    """In the sandbox a call changes the record of `collection` whose id is the argument `id_argument`."""

    collection: str
    id_argument: str
    seeds: tuple[dict[str, Any], ...]
    message: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API operation as data. The tool, the request, the reply check and the sandbox route all come from it."""

    tool: str
    title: str
    description: str
    path: str
    """Relative to the base URL, without a leading slash."""
    arguments: type[Arguments]
    data: type[Data]
    done: str
    """What happened when it worked, as a past participle: "saved", "updated"."""
    destructive: bool
    """MCP's `destructiveHint`: whether a call may replace what is stored."""
    idempotent: bool
    """Whether the same call again does no harm: MCP's `idempotentHint`, and what makes an unknown outcome retryable."""
    effect: Creates | Updates
    """What the sandbox does with a valid call."""
    examples: tuple[dict[str, Any], ...]
    """Arguments that the API takes, from its document; the demo calls with each."""
