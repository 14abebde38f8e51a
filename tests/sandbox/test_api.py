"""The sandbox's answers against the API's documentation, through HTTP."""

import json
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from api_document import OPERATIONS, RATE_LIMIT_HEADERS, SAMPLE_ERRORS, SAVE_MEMORY, UPDATE_CONNECTION, Field, Operation
from sandbox.conftest import client_of
from support.wire import ENDPOINT
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Creates
from wemasy_mcp.sandbox import FORBIDDEN_TOKEN, REJECTED_TOKEN

UPDATE = f"/api/{UPDATE_CONNECTION.path}"
SAVE = f"/api/{SAVE_MEMORY.path}"
JSON = {"Content-Type": "application/json"}

EVERY_OPERATION = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool)


def _json_types(field: Field) -> dict[str, Any]:
    """One value of each JSON type, by the name of the type."""
    return {"string": "words", "integer": 7, "number": 7.5, "boolean": True, "array": [1], "object": {"a": 1}}


def _wrong_values() -> list[Any]:
    accepted = {
        "string": {"string"},
        "integer": {"integer"},
        # PHP knows one kind of array for both.
        "object": {"array", "object"},
    }
    said = {"string": "a string", "integer": "an integer", "object": "an array"}
    return [
        pytest.param(operation, field, value, said[field.type], id=f"{operation.tool}-{field.name}-{name}")
        for operation in OPERATIONS
        for field in operation.fields
        for name, value in _json_types(field).items()
        if name not in accepted[field.type]
    ]


def _words(field: Field) -> str:
    return field.name.replace("_", " ")


@EVERY_OPERATION
async def test_the_documented_request_gets_the_documented_answer(
    app: Starlette, client: httpx2.AsyncClient, operation: Operation
) -> None:
    expected = dict(operation.sample_answer)
    effect = ENDPOINT[operation.tool].effect
    if isinstance(effect, Creates):  # the next one of this sandbox
        highest = [record["id"] for record in app.state.store.newest(effect.collection, 1)] or [0]
        expected["data"] = expected["data"] | {"id": highest[0] + 1}

    answer = await client.post(f"/api/{operation.path}", json=operation.sample_request)

    assert answer.status_code == 200
    assert answer.json() == expected
    assert {name: answer.headers[name] for name in RATE_LIMIT_HEADERS} == {
        "X-RateLimit-Limit": "60",
        "X-RateLimit-Remaining": "59",
    }


@pytest.mark.parametrize(
    ("token", "status"),
    [
        pytest.param("", 401, id="none"),
        pytest.param("somebody-elses", 401, id="unknown"),
        pytest.param(REJECTED_TOKEN, 401, id="rejected"),
        pytest.param(FORBIDDEN_TOKEN, 403, id="forbidden"),
    ],
)
@EVERY_OPERATION
async def test_a_token_is_checked_before_the_values(
    app: Starlette, operation: Operation, token: str, status: int
) -> None:
    async with client_of(app, token) as client:
        answer = await client.post(f"/api/{operation.path}", json={})

    body, _ = SAMPLE_ERRORS[status]
    assert answer.status_code == status
    assert answer.json() == body
    assert answer.headers["X-RateLimit-Limit"] == "60"
    assert answer.headers["X-RateLimit-Remaining"] == "59"


async def test_another_scheme_is_no_bearer_token(app: Starlette) -> None:
    async with client_of(app, "") as client:
        answer = await client.post(SAVE, json={}, headers={"Authorization": "Basic sandbox-token"})

    assert answer.status_code == 401


@EVERY_OPERATION
async def test_every_required_field_is_asked_for(client: httpx2.AsyncClient, operation: Operation) -> None:
    answer = await client.post(f"/api/{operation.path}", json={})

    required = [field for field in operation.fields if field.required]
    first = f"The {_words(required[0])} field is required."
    more = len(required) - 1
    assert answer.status_code == 422
    assert answer.json() == {
        "message": f"{first} (and {more} more error)" if more else first,
        "errors": {field.name: [f"The {_words(field)} field is required."] for field in required},
    }
    assert "X-RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("empty", [None, "", " \t\n", [], {}], ids=repr)
async def test_an_empty_value_is_no_value_where_one_is_required(client: httpx2.AsyncClient, empty: object) -> None:
    answer = await client.post(SAVE, json={"kind": empty})

    assert answer.json()["errors"] == {"kind": ["The kind field is required."]}


@pytest.mark.parametrize(("operation", "field", "value", "said"), _wrong_values())
async def test_a_value_of_another_type_is_refused_in_laravels_words(
    client: httpx2.AsyncClient, operation: Operation, field: Field, value: object, said: str
) -> None:
    answer = await client.post(f"/api/{operation.path}", json=operation.sample_request | {field.name: value})

    expected = [f"The {_words(field)} field must be {said}."]
    if field.choices:
        expected.append(f"The selected {_words(field)} is invalid.")
    assert answer.status_code == 422
    assert answer.json()["errors"] == {field.name: expected}


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        pytest.param(operation, field, id=f"{operation.tool}-{field.name}")
        for operation in OPERATIONS
        for field in operation.fields
        if field.max_characters
    ],
)
async def test_the_longest_text_passes_and_one_character_more_does_not(
    client: httpx2.AsyncClient, operation: Operation, field: Field
) -> None:
    limit = field.max_characters or 0
    longest = operation.sample_request | {field.name: "é" * limit}
    longer = operation.sample_request | {field.name: "é" * (limit + 1)}

    assert (await client.post(f"/api/{operation.path}", json=longest)).status_code == 200
    answer = await client.post(f"/api/{operation.path}", json=longer)
    message = f"The {_words(field)} field must not be greater than {limit} characters."
    assert answer.json() == {"message": message, "errors": {field.name: [message]}}


async def test_the_count_of_further_errors_is_plural_from_two(client: httpx2.AsyncClient) -> None:
    answer = await client.post(SAVE, json={"kind": 1, "key": 2})

    assert answer.json()["message"] == "The kind field must be a string. (and 2 more errors)"


async def test_a_choice_that_is_not_offered_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.post(SAVE, json={"kind": "note"})

    assert answer.json()["errors"] == {"kind": ["The selected kind is invalid."]}


@pytest.mark.parametrize("value", [5, 5.0, "5", " +5 "], ids=repr)
async def test_an_id_is_read_as_php_reads_integers(client: httpx2.AsyncClient, value: object) -> None:
    answer = await client.post(UPDATE, json={"connection_id": value, "name": "Renamed"})

    assert answer.json()["data"] == {"id": 5, "name": "Renamed", "model_name": "gpt-4o"}


@pytest.mark.parametrize("value", ["05", "5.0", "1_0", "²", 5.5, 2**63, "9223372036854775808", True], ids=repr)
async def test_what_php_does_not_read_as_an_integer_is_refused(client: httpx2.AsyncClient, value: object) -> None:
    answer = await client.post(UPDATE, json={"connection_id": value, "name": "Renamed"})

    assert answer.json()["errors"] == {"connection_id": ["The connection id field must be an integer."]}


@pytest.mark.parametrize("missing", [4, 0, -1, "42", 2**63 - 1], ids=repr)
async def test_a_record_that_does_not_exist_is_refused(client: httpx2.AsyncClient, missing: object) -> None:
    answer = await client.post(UPDATE, json={"connection_id": missing, "name": "Renamed"})

    assert answer.status_code == 422
    assert answer.json()["errors"] == {"connection_id": ["The selected connection id is invalid."]}


async def test_what_is_left_out_stays_and_null_clears(client: httpx2.AsyncClient) -> None:
    left = await client.post(UPDATE, json={"connection_id": 5, "name": "Renamed"})
    cleared = await client.post(UPDATE, json={"connection_id": 5, "name": "Renamed", "model_name": None})

    assert left.json()["data"]["model_name"] == "gpt-4o"
    assert cleared.json()["data"]["model_name"] is None


async def test_what_is_saved_is_kept_as_it_came(app: Starlette, client: httpx2.AsyncClient) -> None:
    sent = {"kind": "fact", "key": " null ", "value": "", "metadata": [1, {"a": None}], "embedding": None}

    await client.post(SAVE, json=sent | {"unknown": 1})
    await client.post(SAVE, json={"kind": "vector", "value": "\u0000é😀<script>"})

    assert app.state.store.newest("memories", 9) == [
        {"id": 2, "kind": "vector", "value": "\u0000é😀<script>"},
        {"id": 1} | sent,
    ]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"", JSON, id="empty"),
        pytest.param(b"{", JSON, id="cut"),
        pytest.param(b"[]", JSON, id="list"),
        pytest.param(b'"fact"', JSON, id="text"),
        pytest.param(b'{"kind":"\xff"}', JSON, id="no UTF-8"),
        pytest.param(b'{"kind":"fact","key":"\\ud83d"}', JSON, id="half a character"),
        pytest.param(b'{"kind":"fact","metadata":[NaN]}', JSON, id="NaN"),
        pytest.param(b'{"kind":"fact","metadata":[1e999]}', JSON, id="infinite"),
        pytest.param(b'{"kind":"fact","metadata":' + b"[" * 9000 + b"]" * 9000 + b"}", JSON, id="deep"),
        pytest.param(b'{"kind":"fact"}', {"Content-Type": "text/plain"}, id="another type"),
        pytest.param(b'{"kind":"fact"}', {}, id="no type"),
    ],
)
async def test_a_body_that_php_cannot_read_gives_no_fields(
    client: httpx2.AsyncClient, body: bytes, headers: dict[str, str]
) -> None:
    answer = await client.post(SAVE, content=body, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["errors"] == {"kind": ["The kind field is required."]}


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/vnd.api+json"])
async def test_a_json_type_by_another_name_is_read(client: httpx2.AsyncClient, media_type: str) -> None:
    answer = await client.post(SAVE, content=b'{"kind":"fact"}', headers={"Content-Type": media_type})

    assert answer.status_code == 200


async def test_a_body_without_end_is_not_read_to_its_end(client: httpx2.AsyncClient) -> None:
    answer = await client.post(SAVE, content=json.dumps({"kind": "x" * 9_000_000}).encode(), headers=JSON)

    assert answer.status_code == 413
    assert answer.json() == {"message": "The POST data is too large."}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda it: it.tool)
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
async def test_another_method_is_answered_405(client: httpx2.AsyncClient, method: str, endpoint: Any) -> None:
    answer = await client.request(method, f"/api/{endpoint.path}")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.json() == {
        "message": f"The {method} method is not supported for route api/{endpoint.path}. Supported methods: POST."
    }


@pytest.mark.parametrize("path", ["/services/ai/v1/memory/save", f"{SAVE}/", "/api", "/robots.txt"])
async def test_another_path_is_answered_404(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.post(path, json={"kind": "fact"})

    assert answer.status_code == 404
    assert answer.json() == {"message": f"The route {path.strip('/')} could not be found."}
