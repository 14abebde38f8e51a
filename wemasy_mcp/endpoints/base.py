"""An API operation as data: arguments, answer, and the treatment of a repeated call. Knows neither HTTP nor MCP."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema

from wemasy_mcp.json_schema import ShapeError, argument_schema, data_schema

MAX_UNKNOWN = 20
"""Maximum number of unknown names reported for one object."""


def _let_lists_fail_fast(schema: Any) -> None:
    """Report only the first wrong item of a list: pydantic uses 2 KB per error, and there may be 500,000 of them."""
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
        """Keep only enough unknown names to refuse the object, for the same reason."""
        if not isinstance(given, dict) or len(given) <= MAX_UNKNOWN:
            return given
        known = {name: value for name, value in given.items() if name in cls.model_fields}
        unknown = (item for item in given.items() if item[0] not in known)
        return known | dict(islice(unknown, MAX_UNKNOWN))


class Data(BaseModel):
    """The documented members of an answer's `data`, or of an object in it. Anything else is ignored."""


@dataclass(frozen=True, slots=True)
class Creates:
    """Effect in the sandbox: each call stores a new record in `collection`."""

    collection: str


@dataclass(frozen=True, slots=True)
class Updates:
    """Effect in the sandbox: a call changes the record of `collection` whose id is the argument `id_argument`."""

    collection: str
    id_argument: str
    seeds: tuple[dict[str, Any], ...]
    message: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API operation. The tool, the request, the check of the answer and the sandbox's route are derived from it.

    Raises:
        ShapeError: It cannot be served; the message says what to write instead.
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
    """The past participle for a call that worked: "saved", "updated"."""
    destructive: bool
    """MCP's `destructiveHint`: true if a call may replace what is stored."""
    idempotent: bool
    """MCP's `idempotentHint`: true if repeating a call does no harm, which makes an unknown outcome retryable."""
    effect: Creates | Updates
    """The effect of a valid call in the sandbox."""
    examples: tuple[dict[str, Any], ...]
    """Arguments that the API accepts, from its page; the demo makes a call with each."""
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
