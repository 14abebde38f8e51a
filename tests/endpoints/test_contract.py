"""The models against the API's documentation, and what is published against the snapshots that were reviewed."""

import dataclasses
import json
import os
import pkgutil
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import Client
from mcp.types import Tool
from pydantic import SecretStr

import wemasy_mcp.endpoints
from api_document import BASE_URL, OPERATIONS, TOOLS, Field, Member, Operation
from support.program import TOKEN
from support.results import output_schema
from support.wire import ENDPOINT, ERAS, SAVE, UPDATE, Recorded, client_over, connect, server_over
from wemasy_mcp.core.errors import InvalidArguments
from wemasy_mcp.core.protocol import parse_arguments, read_reply, request_body
from wemasy_mcp.core.server import build_server
from wemasy_mcp.core.tools import build_tool
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.settings import DEFAULT_BASE_URL

SHARED = {"arguments", "base"}
"""What the modules of operations are made of."""

SNAPSHOTS = Path(__file__).parent / "snapshots"

FIELDS = [pytest.param(it, field, id=f"{it.tool}.{field.name}") for it in OPERATIONS for field in it.fields]
EVERY_OPERATION = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool)
EVERY_FIELD = pytest.mark.parametrize(("operation", "field"), FIELDS)
LIMITED = pytest.mark.parametrize(
    ("operation", "field"), [it for it in FIELDS if isinstance(it.values[1], Field) and it.values[1].max_characters]
)


@pytest.fixture(params=ERAS)
async def first_two(request: pytest.FixtureRequest, recorded: Recorded) -> AsyncIterator[Client]:
    """A client of a server that offers the two tools whose total size is published, and no later one."""
    server = build_server(client_over(recorded), [ENDPOINT[UPDATE], ENDPOINT[SAVE]], lambda ctx: SecretStr(TOKEN))
    async with connect(server, request.param) as client:
        yield client


def test_every_documented_operation_is_a_tool_and_nothing_else_is() -> None:
    assert [endpoint.tool for endpoint in ENDPOINTS] == TOOLS


def test_the_default_base_url_is_the_documented_one() -> None:
    assert DEFAULT_BASE_URL == BASE_URL


@EVERY_OPERATION
def test_the_path_is_the_documented_one(operation: Operation) -> None:
    assert ENDPOINT[operation.tool].path == operation.path


@EVERY_OPERATION
def test_the_arguments_are_the_documented_fields_in_their_order(operation: Operation) -> None:
    schema = _input_schema(operation)

    assert list(schema["properties"]) == [field.name for field in operation.fields]
    assert schema.get("required", []) == [field.name for field in operation.fields if field.required]


@EVERY_FIELD
def test_an_argument_has_the_documented_type_and_limits(operation: Operation, field: Field) -> None:
    published = dict(_input_schema(operation)["properties"][field.name])

    description = published.pop("description")
    assert published == _published(field)
    if field.max_characters:
        # Some clients drop maxLength on the way to the model.
        assert f"at most {field.max_characters} characters" in description


@EVERY_OPERATION
def test_the_reply_s_data_is_the_documented_one(operation: Operation) -> None:
    data = _output_schema(operation)["properties"]["data"]

    assert data == {"type": "object", "properties": {member.name: _published(member) for member in operation.data}}


@EVERY_OPERATION
def test_the_sample_request_is_taken_and_sent_as_it_stands(operation: Operation) -> None:
    arguments, notes = parse_arguments(ENDPOINT[operation.tool], operation.sample_request)

    assert json.loads(request_body(arguments)) == operation.sample_request
    assert notes == []


@EVERY_OPERATION
def test_the_sample_answer_is_read_whole(operation: Operation) -> None:
    body = json.dumps(operation.sample_answer).encode()

    reply = read_reply(ENDPOINT[operation.tool], 200, {}, body, now=0)

    assert reply.data == operation.sample_answer["data"]
    assert reply.message == operation.sample_answer.get("message")
    assert reply.notes == ()


@EVERY_FIELD
def test_only_a_required_argument_may_not_be_left_out(operation: Operation, field: Field) -> None:
    given = {name: value for name, value in operation.sample_request.items() if name != field.name}

    if field.required:
        assert _refused(operation, given) == {field.name: ["This argument is required."]}
    else:
        assert _sent(operation, given) == given


@EVERY_FIELD
def test_only_a_nullable_argument_may_be_null(operation: Operation, field: Field) -> None:
    given = operation.sample_request | {field.name: None}

    if field.nullable:
        assert _sent(operation, given) == given
    else:
        assert list(_refused(operation, given)) == [field.name]


@LIMITED
@pytest.mark.parametrize("character", ["a", "é", "日", "👍"])
def test_a_limit_counts_characters_not_bytes(operation: Operation, field: Field, character: str) -> None:
    assert field.max_characters
    longest = operation.sample_request | {field.name: character * field.max_characters}
    longer = operation.sample_request | {field.name: character * (field.max_characters + 1)}

    assert _sent(operation, longest) == longest
    assert _refused(operation, longer) == {field.name: ["String should have at most 255 characters."]}


def test_every_module_in_endpoints_is_offered() -> None:
    assert _modules_not_offered(Path(wemasy_mcp.endpoints.__file__).parent) == []


def test_a_forgotten_registration_is_found(tmp_path: Path) -> None:
    package = tmp_path / "endpoints"
    shutil.copytree(Path(wemasy_mcp.endpoints.__file__).parent, package)
    (package / "memory_forget.py").write_text("")

    assert _modules_not_offered(package) == ["memory_forget"]


def test_a_third_endpoint_needs_nothing_but_itself_to_be_published() -> None:
    third: Endpoint = dataclasses.replace(ENDPOINTS[0], tool="wemasy_forget_memory", title="Forget")

    listed = build_tool(third)

    assert listed.name == "wemasy_forget_memory"
    assert listed.input_schema == build_tool(ENDPOINTS[0]).input_schema


@EVERY_OPERATION
def test_a_tool_is_published_as_it_was_reviewed(operation: Operation) -> None:
    listed = build_tool(ENDPOINT[operation.tool])
    published = listed.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"
    snapshot = SNAPSHOTS / f"{operation.tool}.json"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        snapshot.write_text(published, encoding="utf-8")

    assert published == snapshot.read_text(encoding="utf-8")


def test_there_is_a_snapshot_of_every_tool_and_of_none_that_is_gone() -> None:
    assert {path.stem for path in SNAPSHOTS.iterdir()} == set(TOOLS)


@EVERY_OPERATION
def test_a_schema_is_one_that_every_client_reads(operation: Operation) -> None:
    for schema in (_input_schema(operation), _output_schema(operation)):
        assert schema["type"] == "object"
        for node in _nodes(schema):
            assert not node.keys() & {"$ref", "$defs", "default", "title", "oneOf", "allOf", "if", "const", "format"}
            assert isinstance(node.get("type", ""), str)


@EVERY_OPERATION
def test_a_schema_is_valid_by_the_meta_schema_that_the_protocol_names(operation: Operation) -> None:
    listed = build_tool(ENDPOINT[operation.tool])

    for schema in (listed.input_schema, listed.output_schema or {}):
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft7Validator.check_schema(schema)


@EVERY_OPERATION
def test_the_input_schema_is_closed_and_the_output_schema_fits_success_and_error(operation: Operation) -> None:
    assert _input_schema(operation)["additionalProperties"] is False
    assert _output_schema(operation)["required"] == ["success"]


@pytest.mark.parametrize(
    ("tool", "title", "idempotent"),
    [("wemasy_update_connection", "Update AI connection", True), ("wemasy_save_memory", "Save memory", False)],
)
def test_the_annotations_say_what_a_call_does(tool: str, title: str, idempotent: bool) -> None:
    listed = build_tool(ENDPOINT[tool])
    assert listed.annotations is not None

    assert listed.title == title
    assert listed.annotations.model_dump(exclude_none=True) == {
        "read_only_hint": False,
        "destructive_hint": True,
        "idempotent_hint": idempotent,
        "open_world_hint": False,
    }


def test_the_update_says_what_leaving_the_model_out_and_null_do() -> None:
    listed = build_tool(ENDPOINT[UPDATE])
    texts = (listed.description or "", listed.input_schema["properties"]["model_name"]["description"])

    for text in texts:
        assert "should stay" in text
        assert "null" in text
        assert "clear it" in text
        assert "replaces" not in text
    assert "The result's data shows what is stored now" in texts[0]


@EVERY_OPERATION
def test_a_name_stays_short_with_the_server_s_name_before_it(operation: Operation) -> None:
    assert len(f"mcp__wemasy-mcp__{operation.tool}") < 60


async def test_tools_list_with_the_first_two_tools_is_at_most_5000_bytes(first_two: Client) -> None:
    listed = await first_two.list_tools()

    assert len(listed.model_dump_json(by_alias=True, exclude_none=True).encode()) <= 5000


async def test_a_model_carries_at_most_2000_bytes_of_the_first_two_tools(first_two: Client) -> None:
    listed = await first_two.list_tools()

    assert _carried(listed.tools) <= 2000


@EVERY_OPERATION
def test_a_tool_adds_at_most_1000_bytes_to_what_a_model_carries_and_1500_to_tools_list(operation: Operation) -> None:
    """When this fails: shorten the description of the tool and of its arguments, every conversation carries them."""
    listed = build_tool(ENDPOINT[operation.tool])

    assert _carried([listed]) <= 1000
    assert len(listed.model_dump_json(by_alias=True, exclude_none=True).encode()) <= 1500


async def test_both_eras_are_told_the_same_tools(recorded: Recorded) -> None:
    told = []
    for era in ERAS:
        async with connect(server_over(client_over(recorded)), era) as client:
            told.append((await client.list_tools()).tools)

    assert told[0] == told[1] == [build_tool(endpoint) for endpoint in ENDPOINTS]


def _input_schema(operation: Operation) -> dict[str, Any]:
    return build_tool(ENDPOINT[operation.tool]).input_schema


def _output_schema(operation: Operation) -> dict[str, Any]:
    return output_schema(operation.tool)


def _carried(tools: list[Tool]) -> int:
    """Return how many bytes of compact JSON a host puts before a model."""
    shown = [{"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema} for tool in tools]
    return len(json.dumps(shown, separators=(",", ":"), ensure_ascii=False).encode())


def _published(documented: Field | Member) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": documented.type}
    if isinstance(documented, Field) and documented.max_characters:
        schema["maxLength"] = documented.max_characters
    if isinstance(documented, Field) and documented.choices:
        schema["enum"] = list(documented.choices)
    return {"anyOf": [schema, {"type": "null"}]} if documented.nullable else schema


def _sent(operation: Operation, given: dict[str, Any]) -> dict[str, Any]:
    arguments, _ = parse_arguments(ENDPOINT[operation.tool], given)
    sent: dict[str, Any] = json.loads(request_body(arguments))
    return sent


def _refused(operation: Operation, given: dict[str, Any]) -> dict[str, list[str]]:
    with pytest.raises(InvalidArguments) as refusal:
        parse_arguments(ENDPOINT[operation.tool], given)
    assert refusal.value.field_errors is not None
    return refusal.value.field_errors


def _modules_not_offered(package: Path) -> list[str]:
    offered = {endpoint.arguments.__module__.rpartition(".")[2] for endpoint in ENDPOINTS}
    return sorted({module.name for module in pkgutil.iter_modules([str(package)])} - offered - SHARED)


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema: what stands under `properties` is names, not keywords."""
    yield schema
    for inner in [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]:
        yield from _nodes(inner)
