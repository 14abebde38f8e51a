"""An API operation as data: its arguments, its answer, and how to treat a repeated call. Knows neither HTTP nor MCP."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema

from wemasy_mcp.json_schema import ShapeError, argument_schema, data_schema

MAX_UNKNOWN = 20
"""Unknown names that are reported of one object."""


def _let_lists_fail_fast(schema: Any) -> None:
    """Report only the first wrong item of a list: pydantic takes 2 KB for each error, and there may be 500,000."""
    if isinstance(schema, dict) and schema.get("type") == "list":
        schema["fail_fast"] = True
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _let_lists_fail_fast(inner)


class Arguments(BaseModel):
    """The arguments of a tool, or an object in them. Strict and closed: `endpoints.arguments` says what is repaired."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _let_lists_fail_fast(schema)
        return schema

    @model_validator(mode="before")
    @classmethod
    def _drop_most_unknown_names(cls, given: Any) -> Any:
        """Keep enough unknown names to refuse the object, for the same reason."""
        if not isinstance(given, dict) or len(given) <= MAX_UNKNOWN:
            return given
        known = {name: value for name, value in given.items() if name in cls.model_fields}
        unknown = (item for item in given.items() if item[0] not in known)
        return known | dict(islice(unknown, MAX_UNKNOWN))


class Data(BaseModel):
    """The documented members of an answer's `data`, or of an object in it. What else the API sends is ignored."""


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
    """One API operation. The tool, the request, the check of the answer and the sandbox's route all come from it.

    Raises:
        ShapeError: It cannot be served; the sentence says what to write instead.
    """

    tool: str
    title: str
    description: str
    path: str
    """Relative to the base URL, without a leading slash. Called with POST and a JSON body; has no parameters."""
    arguments: type[Arguments]
    data: type[Data] | type[Sequence[Data]]
    """The class of the answer's `data`, or `list[…]` of one."""
    done: str
    """What happened when it worked, as a past participle: "saved", "updated"."""
    destructive: bool
    """MCP's `destructiveHint`: whether a call may replace what is stored."""
    idempotent: bool
    """Whether repeating a call does no harm: MCP's `idempotentHint`, and what makes an unknown outcome retryable."""
    effect: Creates | Updates
    """What the sandbox does with a valid call."""
    examples: tuple[dict[str, Any], ...]
    """Arguments that the API takes, from its page; the demo calls with each."""
    argument_schema: dict[str, Any] = field(init=False, repr=False, compare=False)
    data_schema: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "argument_schema", argument_schema(self.arguments))
            object.__setattr__(self, "data_schema", data_schema(self.data))
            for example in self.examples:
                self.arguments.model_validate(example)
        except ShapeError as error:
            raise ShapeError(f"{self.tool}: {error}") from None
        except ValidationError as error:
            raise ShapeError(f"{self.tool}: an example is not valid: {error}") from None
        if not self.examples:
            raise ShapeError(f"{self.tool}: there should be an example, for the demo and the sandbox's page.")
        if self.path.startswith("/") or set("{}?") & set(self.path):
            raise ShapeError(f"{self.tool}: the path should have no leading slash and no parameters.")
        if isinstance(self.effect, Updates) and self.effect.id_argument not in self.argument_schema["properties"]:
            raise ShapeError(f"{self.tool}: there is no argument {self.effect.id_argument}, whose record is to change.")
