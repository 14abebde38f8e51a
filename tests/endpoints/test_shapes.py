"""An endpoint of every shape that can be served, from the client through the server to the sandbox; others are refused.

None of the shapes is one that the API has today.
"""

import enum
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import httpx2
import jsonschema
import pytest
from mcp import Client
from pydantic import MISSING, BaseModel, Field, SecretStr

from support.program import TOKEN
from support.results import seen
from support.wire import Era, Recorded, client_over, connect
from wemasy_mcp.core.client import WemasyClient
from wemasy_mcp.core.errors import InvalidArguments
from wemasy_mcp.core.protocol import parse_arguments, request_body
from wemasy_mcp.core.server import build_server
from wemasy_mcp.core.tools import build_tool
from wemasy_mcp.endpoints.arguments import Integer, Object, ShortText
from wemasy_mcp.endpoints.base import Arguments, Creates, Data, Endpoint, Updates
from wemasy_mcp.json_schema import ShapeError
from wemasy_mcp.sandbox import SANDBOX_TOKEN, build_sandbox


class Style(Arguments):
    """How the assistant is to talk: this text is for those who read the code."""

    tone: Literal["warm", "dry"] = Field(description="How it sounds.")
    words: Integer | MISSING | None = MISSING
    emoji: bool | MISSING = MISSING


class Step(Arguments):
    """An item of a list."""

    title: ShortText
    style: Style | MISSING = MISSING


class SavePlaybook(Arguments):
    """Arguments of every shape."""

    style: Style = Field(description="Required, never null.")
    fallback: Style | MISSING | None = Field(default=MISSING, description="May be null.")
    tags: list[ShortText] | MISSING | None = MISSING
    steps: Annotated[list[Step], Field(max_length=3)] | MISSING = MISSING
    enabled: bool | MISSING = MISSING
    weight: Annotated[float, Field(ge=0, le=1)] | MISSING = MISSING
    code: Annotated[str, Field(min_length=2)] | MISSING = MISSING
    limits: Object | MISSING = MISSING
    extra: list[Any] | MISSING = MISSING


class StoredStyle(Data):
    """An object in `data`."""

    tone: str
    words: int | MISSING | None = MISSING


class StoredStep(Data):
    """An item of a list in `data`."""

    title: str
    note: str | None = None


class Playbook(Data):
    """`data` of every shape."""

    id: int
    style: StoredStyle
    tags: list[str] | MISSING | None = MISSING
    steps: list[StoredStep]
    enabled: bool
    weight: float | None
    kind: Literal["playbook", "draft"]
    limits: dict[str, Any]


EXAMPLE = {
    "style": {"tone": "warm", "words": None},
    "tags": ["a", "b"],
    "steps": [{"title": "Greet", "style": {"tone": "dry", "emoji": True}}, {"title": "Ask"}],
    "enabled": False,
    "weight": 0.5,
    "limits": {"per_day": {"max": 3}},
}


def endpoint(**changes: Any) -> Endpoint:
    usual: dict[str, Any] = {
        "tool": "wemasy_save_playbook",
        "title": "Save playbook",
        "description": "Save a playbook.",
        "path": "playbooks/save",
        "arguments": SavePlaybook,
        "data": Playbook,
        "done": "saved",
        "destructive": False,
        "idempotent": False,
        "effect": Creates("playbooks"),
        "examples": (EXAMPLE,),
    }
    return Endpoint(**usual | changes)


PLAYBOOK = endpoint()
LISTED = endpoint(tool="wemasy_save_playbooks", path="playbooks/list", data=list[StoredStep])


@pytest.fixture
async def client(recorded: Recorded, era: Era) -> AsyncIterator[Client]:
    server = build_server(client_over(recorded), (PLAYBOOK, LISTED), lambda ctx: SecretStr(TOKEN))
    async with connect(server, era) as connected:
        yield connected


def answer(**data: Any) -> dict[str, Any]:
    whole = {
        "id": 1,
        "style": {"tone": "warm"},
        "steps": [],
        "enabled": True,
        "weight": None,
        "kind": "draft",
        "limits": {},
    }
    return {"success": True, "data": whole | data}


def shown(result: Any, of: Endpoint = PLAYBOOK) -> dict[str, Any]:
    structured = seen(result)
    schema = build_tool(of).output_schema
    assert schema is not None
    jsonschema.validate(structured, schema)
    assert TOKEN not in json.dumps(structured)
    return structured


def test_the_schemas_are_inlined_and_say_the_same_at_every_level() -> None:
    listed = build_tool(PLAYBOOK)
    style = {
        "type": "object",
        "properties": {
            "tone": {"type": "string", "enum": ["warm", "dry"], "description": "How it sounds."},
            "words": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "emoji": {"type": "boolean"},
        },
        "required": ["tone"],
        "additionalProperties": False,
    }
    text = {"type": "string", "maxLength": 255}
    step = {
        "type": "object",
        "properties": {"title": text, "style": style},
        "required": ["title"],
        "additionalProperties": False,
    }

    assert listed.input_schema == {
        "type": "object",
        "properties": {
            "style": style | {"description": "Required, never null."},
            "fallback": {"anyOf": [style, {"type": "null"}], "description": "May be null."},
            "tags": {"anyOf": [{"type": "array", "items": text}, {"type": "null"}]},
            "steps": {"type": "array", "items": step, "maxItems": 3},
            "enabled": {"type": "boolean"},
            "weight": {"type": "number", "minimum": 0, "maximum": 1},
            "code": {"type": "string", "minLength": 2},
            "limits": {"type": "object"},
            "extra": {"type": "array", "items": {}},
        },
        "required": ["style"],
        "additionalProperties": False,
    }
    assert listed.output_schema is not None
    assert listed.output_schema["properties"]["data"]["properties"]["style"] == {
        "type": "object",
        "properties": {"tone": {"type": "string"}, "words": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    }


async def test_what_is_absent_stays_absent_and_null_stays_null_at_every_level(
    client: Client, recorded: Recorded
) -> None:
    recorded.answer(200, answer())

    await client.call_tool(PLAYBOOK.tool, EXAMPLE)
    await client.call_tool(PLAYBOOK.tool, {"style": {"tone": "dry"}, "fallback": None, "tags": None, "steps": []})

    assert [json.loads(body) for body in recorded.bodies] == [
        EXAMPLE,
        {"style": {"tone": "dry"}, "fallback": None, "tags": None, "steps": []},
    ]


async def test_a_wrong_argument_is_named_with_its_path(client: Client, recorded: Recorded) -> None:
    given = {
        "style": {"tone": "loud", "colour": 1},
        "fallback": {"words": True},
        "tags": ["a", "b", 5],
        "steps": [{"title": "x"}, {"title": "y", "style": {"tone": "dry", "emoji": 1, "size": 2}}],
        "limits": None,
        "weight": 2,
    }

    error = shown(await client.call_tool(PLAYBOOK.tool, given))["error"]

    assert error["code"] == "invalid_arguments"
    assert error["field_errors"] == {
        "style.tone": ["Input should be 'warm' or 'dry'."],
        "style.colour": ["Unknown argument. Known: tone, words, emoji."],
        "fallback.tone": ["This argument is required."],
        "fallback.words": ["Input should be a valid integer."],
        "tags.2": ["Input should be a valid string."],
        "steps.1.style.emoji": ["Input should be a valid boolean."],
        "steps.1.style.size": ["Unknown argument. Known: tone, words, emoji."],
        "limits": ["Input should be a JSON object."],
        "weight": ["Input should be less than or equal to 1."],
    }
    assert recorded.requests == []


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"weight": float("nan")}, "weight"),
        ({"extra": [{"a": "\ud83d"}]}, "extra"),
        ({"style": "warm"}, "style"),
        ({"style": []}, "style"),
        ({"tags": "a"}, "tags"),
        ({"tags": {}}, "tags"),
        ({"tags": ["\ud83d"]}, "tags.0"),
        ({"steps": [[]]}, "steps.0"),
        ({"steps": [{"title": "x"}] * 4}, "steps"),
    ],
)
async def test_what_json_or_the_schema_does_not_allow_is_refused(
    client: Client, recorded: Recorded, given: dict[str, Any], name: str
) -> None:
    error = shown(await client.call_tool(PLAYBOOK.tool, {"style": {"tone": "dry"}} | given))["error"]

    assert (error["code"], list(error["field_errors"])) == ("invalid_arguments", [name])
    assert recorded.requests == []


@pytest.mark.parametrize("value", [float("inf"), {"a": [float("nan")]}, "\ud83d"])
def test_what_no_json_can_hold_is_refused_with_its_argument_named(value: object) -> None:
    arguments, _ = parse_arguments(PLAYBOOK, EXAMPLE | {"extra": [value]})

    with pytest.raises(InvalidArguments) as refusal:
        request_body(arguments)

    assert refusal.value.field_errors == {"extra": ["Input should hold only finite numbers and Unicode text."]}


async def test_the_documented_part_of_nested_data_is_shown_and_the_rest_is_told(
    client: Client, recorded: Recorded
) -> None:
    data = {
        "style": {"tone": f"a\u202eb {TOKEN}", "words": "many", "owner": "nobody"},
        "tags": ["a", 5, "b\ufe01"],
        "steps": [{"title": "x", "note": None}, "y", {"note": "z"}],
        "enabled": 1,
        "weight": 5,
        "kind": "song",
        "limits": {f"x{TOKEN}": [{"y": TOKEN, "z": None}, 2**60, True]},
    }
    recorded.answer(200, answer(**data))

    result = shown(await client.call_tool(PLAYBOOK.tool, EXAMPLE))

    assert result["data"] == {
        "id": 1,
        "style": {"tone": "ab [redacted]"},
        "tags": ["a", "b"],
        "steps": [{"title": "x", "note": None}, {"note": "z"}],
        "weight": 5,
        "limits": {"x[redacted]": [{"y": "[redacted]", "z": None}, True]},
    }
    odd = "did not match the documentation and is left out."
    assert result["notes"] == [
        "data.style.tone is shown sanitized or shortened.",
        f"data.style.words {odd}",
        f"data.tags.1 {odd}",
        "data.tags.2 is shown sanitized or shortened.",
        f"data.steps.1 {odd}",
        f"data.steps.2.title {odd}",
        f"data.enabled {odd}",
        f"data.kind {odd}",
        "data.limits.x[redacted].0.y is shown sanitized or shortened.",
        f"data.limits.x[redacted].1 is exactly {2**60}; the number is left out, because clients may round it.",
    ]


async def test_an_optional_member_that_is_absent_is_absent_without_a_word(client: Client, recorded: Recorded) -> None:
    recorded.answer(200, answer())

    result = shown(await client.call_tool(PLAYBOOK.tool, EXAMPLE))

    assert result == answer()


async def test_data_may_be_a_list(client: Client, recorded: Recorded) -> None:
    recorded.answer(200, {"success": True, "data": [{"title": "x"}, {"title": "y", "note": "z"}]})

    result = shown(await client.call_tool(LISTED.tool, EXAMPLE), LISTED)

    assert result == {"success": True, "data": [{"title": "x"}, {"title": "y", "note": "z"}]}

    recorded.answer(200, {"success": True, "data": {"title": "x"}})
    result = shown(await client.call_tool(LISTED.tool, EXAMPLE), LISTED)
    assert result == {
        "success": True,
        "notes": ["data did not match the documentation and is left out."],
    }


def nested(levels: int, width: int = 1, text: str = "x") -> Any:
    value: Any = text
    for _ in range(levels):
        value = {str(number): value for number in range(width)}
    return value


@pytest.mark.parametrize(
    "data",
    [
        {"steps": [{"title": "👍" * 500, "note": '"' * 500}] * 100},
        {"steps": [{"title": "t"}] * 50_000},
        {"steps": [5] * 100_000},
        {"tags": ["\x00"] * 100_000},
        {"limits": {f"{number}{'n' * 200}": "v" for number in range(4000)}},
        {"limits": nested(5, 4, "\\" * 300)},
        {"limits": nested(900)},
        {"limits": {"a": [[[[[[]]]]]] * 50_000}},
        {"style": {"tone": "\n" * 500_000}},
    ],
    ids=[
        "long texts",
        "many items",
        "odd items",
        "cleaned items",
        "long names",
        "wide",
        "deep",
        "deep lists",
        "a text",
    ],
)
async def test_data_of_any_size_and_depth_fits_a_result(
    client: Client, recorded: Recorded, data: dict[str, Any]
) -> None:
    recorded.answer(200, answer(**data))

    result = await client.call_tool(PLAYBOOK.tool, EXAMPLE)

    assert shown(result)["success"] is True
    text = json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))
    assert len(text.encode()) + len(json.dumps(text, ensure_ascii=False).encode()) <= 8000
    assert shown(result)["notes"]


async def test_what_is_shown_of_data_that_is_too_long_is_told(client: Client, recorded: Recorded) -> None:
    recorded.answer(200, answer(steps=[{"title": "t" * 90}] * 100))
    fits = shown(await client.call_tool(PLAYBOOK.tool, EXAMPLE))
    recorded.answer(200, {"success": True, "data": [{"title": "t" * 90}] * 100})
    of_list = shown(await client.call_tool(LISTED.tool, EXAMPLE), LISTED)
    recorded.answer(200, answer(limits=nested(5, 4, "\\" * 300)))
    gone = shown(await client.call_tool(PLAYBOOK.tool, EXAMPLE))

    told = ["At most 30 items of a list or an object inside data are shown.", "Long texts were shortened."]
    assert fits["data"] == answer(steps=[{"title": "t" * 79 + "…"}] * 30)["data"]
    assert of_list["data"] == [{"title": "t" * 79 + "…"}] * 30
    assert fits["notes"] == of_list["notes"] == told
    assert gone == {"success": True, "notes": ["data is too large to show."]}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 30])
async def test_a_number_that_no_client_reads_is_left_out(client: Client, recorded: Recorded, number: str) -> None:
    body = json.dumps(answer(weight=5, limits={"a": 5})).replace(": 5", f": {number}").encode()
    recorded.answer(200, body)

    result = shown(await client.call_tool(PLAYBOOK.tool, EXAMPLE))

    assert "weight" not in result["data"]
    assert result["data"]["limits"] == {}
    odd = "did not match the documentation and is left out."
    assert result["notes"] == [f"data.weight {odd}", f"data.limits.a {odd}"]


async def test_the_sandbox_keeps_checks_and_shows_every_shape() -> None:
    sandbox = build_sandbox(endpoints=(PLAYBOOK, LISTED))
    api = WemasyClient("http://localhost/api", timeout_seconds=20, transport=httpx2.ASGITransport(sandbox))
    server = build_server(api, (PLAYBOOK, LISTED), lambda ctx: SecretStr(SANDBOX_TOKEN))

    async with Client(server) as client:
        saved = shown(await client.call_tool(PLAYBOOK.tool, EXAMPLE))
        listed = shown(await client.call_tool(LISTED.tool, EXAMPLE), LISTED)
    await api.aclose()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(sandbox), base_url="http://localhost") as raw:
        state = (await raw.get("/_sandbox/state")).json()

    assert (saved["data"], listed["data"]) == (
        {
            "id": 1,
            "style": {"tone": "warm", "words": None},
            "tags": ["a", "b"],
            "steps": [{"title": "Greet"}, {"title": "Ask"}],
            "enabled": False,
            "weight": 0.5,
            "kind": "playbook",
            "limits": {"per_day": {"max": 3}},
        },
        [{"title": ""}],
    )
    assert "notes" not in saved
    (collection,) = state["collections"]
    assert collection["columns"] == ["id", *SavePlaybook.model_fields]
    assert collection["records"][0]["style"] == {"type": "json", "text": '{"tone": "warm", "words": null}'}
    assert collection["records"][0]["enabled"] == {"type": "json", "text": "false"}


async def test_the_sandbox_refuses_as_laravel_does_with_the_path() -> None:
    given = {
        "style": {"tone": "loud"},
        "fallback": [],
        "tags": ["a", "b" * 256],
        "steps": [{"title": "x"}, {"style": {"tone": "dry", "words": "five"}}, {"title": "y"}, {"title": "z"}],
        "enabled": 0,
        "weight": 1.5,
        "code": "c",
        "extra": "none",
    }
    sandbox = build_sandbox(endpoints=(PLAYBOOK,))
    headers = {"Authorization": f"Bearer {SANDBOX_TOKEN}"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(sandbox), base_url="http://localhost", headers=headers
    ) as raw:
        many = (await raw.post(f"/api/{PLAYBOOK.path}", json=given)).json()
        few = (await raw.post(f"/api/{PLAYBOOK.path}", json=given | {"steps": given["steps"][:2]})).json()  # type: ignore[index]
        low = (await raw.post(f"/api/{PLAYBOOK.path}", json={"style": {"tone": "dry"}, "weight": -1})).json()

    assert many["errors"] == {
        "style.tone": ["The selected style.tone is invalid."],
        "fallback.tone": ["The fallback.tone field is required."],
        "tags.1": ["The tags.1 field must not be greater than 255 characters."],
        "steps": ["The steps field must not have more than 3 items."],
        "enabled": ["The enabled field must be true or false."],
        "weight": ["The weight field must not be greater than 1."],
        "code": ["The code field must be at least 2 characters."],
        "extra": ["The extra field must be an array."],
    }
    assert few["errors"]["steps.1.title"] == ["The steps.1.title field is required."]
    assert few["errors"]["steps.1.style.words"] == ["The steps.1.style.words field must be an integer."]
    assert low["errors"] == {"weight": ["The weight field must be at least 0."]}


class Loop(Arguments):
    again: "Loop | MISSING" = MISSING


class Plain(BaseModel):
    name: str


class Colour(enum.StrEnum):
    RED = "red"


class Dyed(Arguments):
    colour: Colour


def arguments_with(annotation: Any, default: Any = ...) -> type[Arguments]:
    field = Field() if default is ... else Field(default=default)
    return type("Odd", (Arguments,), {"__annotations__": {"name": annotation}, "name": field, "__module__": __name__})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"arguments": arguments_with(str | int)}, "name may be of several types"),
        ({"arguments": arguments_with(str | None, None)}, "name has a default. What may be left out is"),
        ({"arguments": arguments_with(Annotated[str, Field(pattern="x")])}, "name says what the sandbox has no rule"),
        ({"arguments": arguments_with(dict[str, int])}, "name is a dict with typed values"),
        ({"arguments": arguments_with(Plain)}, "name takes any member. Derive its class from Arguments"),
        ({"arguments": arguments_with(list[Plain])}, "name.0 takes any member"),
        ({"arguments": arguments_with(Any)}, "name says what the sandbox has no rule for"),
        ({"arguments": Loop}, "again holds its own class Loop"),
        ({"arguments": Dyed, "examples": ({"colour": "red"},)}, "an example is not valid"),
        ({"examples": ({"style": {}},)}, "an example is not valid"),
        ({"examples": ()}, "there should be an example"),
        ({"path": "/playbooks"}, "the path should have no leading slash and no parameters"),
        ({"path": "playbooks/{id}"}, "the path should have no leading slash and no parameters"),
        ({"effect": Updates("playbooks", "id", (), "Done.")}, "there is no argument id"),
    ],
)
def test_a_shape_that_cannot_be_served_is_refused_when_the_endpoint_is_made(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ShapeError, match=rf"^wemasy_save_playbook: .*{sentence}"):
        endpoint(**({"examples": ()} if "arguments" in changes else {}) | changes)


@pytest.mark.parametrize("unknown", [30, 3000])
async def test_the_unknown_names_that_are_reported_are_bounded_at_every_level(client: Client, unknown: int) -> None:
    many = {f"n{number}": 1 for number in range(unknown)}

    of_all = shown(await client.call_tool(PLAYBOOK.tool, many))["error"]["field_errors"]
    nested = shown(await client.call_tool(PLAYBOOK.tool, {"style": many | {"tone": "dry"}}))["error"]["field_errors"]
    items = shown(await client.call_tool(PLAYBOOK.tool, {"style": {"tone": "dry"}, "tags": [1] * unknown}))["error"]

    assert list(of_all) == ["style", *(f"n{number}" for number in range(20))]
    assert list(nested) == [f"style.n{number}" for number in range(20)]
    assert list(items["field_errors"]) == ["tags.0"]
