"""Whatever the API answers and whatever a client asks, the rules without I/O hold: found by hypothesis, not listed."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.types import CallToolResult

from support.program import TOKEN
from support.truth import Schemas, read_result
from wemasy_mcp.core.errors import InvalidArguments, WemasyError
from wemasy_mcp.core.protocol import Reply, parse_arguments, read_reply, request_body
from wemasy_mcp.core.tools import build_tool, error_result, success_result
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint

NOW = 1_800_000_000.0
EXAMPLES = 100

by_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.tool)

TEXT = st.text(st.characters(exclude_categories=()))
"""Any text that JSON can spell: lone surrogates, controls and bidirectional marks among it."""

TOKENED = st.one_of(TEXT, st.just(TOKEN), st.tuples(TEXT, TEXT).map(TOKEN.join))

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TOKENED,
    st.sampled_from(
        ["5", "5.0", "1_0", "null", "[1]", "{}", "[0.1, -2]", '{"a": [1]}', 10**30, -(2**63) - 1, "x" * 10_000]
    ),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TOKENED, inner), max_leaves=12)

NAMES = st.sampled_from(
    [name for endpoint in ENDPOINTS for name in endpoint.data_schema.get("items", endpoint.data_schema)["properties"]]
)
DATA = st.one_of(VALUES, st.dictionaries(NAMES, VALUES))
LONG = st.builds(lambda text, times: text * times, TOKENED, st.sampled_from([1, 30, 600]))
FIELD_ERRORS = st.one_of(
    VALUES,
    st.dictionaries(TOKENED, st.lists(LONG)),
    st.builds(
        lambda name, fields, text: {f"{name}{n}": [text] * 7 for n in range(fields)}, LONG, st.integers(0, 90), LONG
    ),
)
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "success": st.just(value=True) | VALUES,
        "message": LONG | VALUES,
        "data": DATA | st.dictionaries(NAMES, LONG),
        "errors": FIELD_ERRORS,
    },
)


def _spelled(value: object) -> bytes:
    return json.dumps(value).encode()


BODIES = st.one_of(
    st.binary(), ANSWERS.map(_spelled), VALUES.map(_spelled), ANSWERS.map(_spelled).map(lambda body: body[:-1])
)
STATUSES = st.one_of(st.sampled_from([200, 201, 422, 429, 503]), st.integers(min_value=-1, max_value=1000))
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "content-type"]),
    st.one_of(
        TEXT, st.integers().map(str), st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    ),
)


SCHEMAS = Schemas({"tools": [build_tool(endpoint).model_dump(by_alias=True, mode="json") for endpoint in ENDPOINTS]})


def read(endpoint: Endpoint, status: int, headers: dict[str, str], body: bytes) -> tuple[CallToolResult, bool]:
    """Return the result of an answer as a client gets it, and whether the API is said to have confirmed."""
    try:
        reply = read_reply(endpoint, status, headers, body, now=NOW, secret=TOKEN)
    except WemasyError as error:
        return error_result(error, endpoint), False
    assert isinstance(reply, Reply)
    return success_result(reply, []), True


def says_success(status: int, body: bytes) -> bool:
    """Whether an answer is a 2xx with a JSON object whose `success` is true, read as leniently as Python does."""
    try:
        answer = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return 200 <= status < 300 and isinstance(answer, dict) and answer.get("success") is True


@by_endpoint
@given(status=STATUSES, headers=HEADERS, body=BODIES)
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_answer_gives_a_valid_result(endpoint: Endpoint, status: int, headers: dict[str, str], body: bytes) -> None:
    result, confirmed = read(endpoint, status, headers, body)
    wire = json.loads(result.model_dump_json(by_alias=True, exclude_unset=True))
    structured = read_result(wire, endpoint.tool, SCHEMAS)

    assert structured["success"] is confirmed
    assert not confirmed or says_success(status, body)
    if not confirmed and structured["error"]["outcome"] == "not_applied":
        assert 400 <= status < 500 or structured["error"]["code"] == "rejected"
    wait = structured.get("error", {}).get("retry_after_seconds", 0)
    assert 0 <= wait <= 86_400
    assert all(0 <= count < 10**9 for count in structured.get("rate_limit", {}).values())


@by_endpoint
@given(status=STATUSES, headers=HEADERS, answer=ANSWERS)
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_success_is_never_told_as_anything_else(
    endpoint: Endpoint, status: int, headers: dict[str, str], answer: dict[str, Any]
) -> None:
    try:
        body = json.dumps({**answer, "success": True}, allow_nan=False).encode()
    except ValueError:
        return
    _, confirmed = read(endpoint, status, headers, body)

    assert confirmed is (200 <= status < 300)


def arguments_of(endpoint: Endpoint) -> st.SearchStrategy[dict[str, Any]]:
    """Any arguments; mostly of the endpoint's own names, and often of a form that it takes."""
    near = {
        "connection_id": st.integers() | st.integers().map(str) | st.integers().map(float) | VALUES,
        "name": TEXT | st.text(min_size=250, max_size=260) | VALUES,
        "model_name": TEXT | VALUES,
        "kind": st.sampled_from(["fact", "vector"]) | VALUES,
        "key": TEXT | st.integers() | st.floats() | VALUES,
        "value": TEXT | st.integers() | st.floats() | VALUES,
        "embedding": st.lists(st.floats() | st.integers())
        | st.lists(st.floats(allow_nan=False)).map(json.dumps)
        | VALUES,
        "metadata": st.dictionaries(TEXT, VALUES) | st.dictionaries(TEXT, SCALARS).map(json.dumps) | VALUES,
    }
    own = {name: near.get(name, VALUES) for name in endpoint.arguments.model_fields}
    required = {name for name, field in endpoint.arguments.model_fields.items() if field.is_required()}
    usual = st.fixed_dictionaries(
        {name: own[name] for name in required}, optional={name: own[name] for name in own.keys() - required}
    )
    return usual | st.dictionaries(TEXT | st.sampled_from([*own, "wait_for_previous"]), VALUES)


def is_same(given_value: object, sent: object) -> bool:
    """Whether two JSON values are one and the same, types and all."""
    return json.dumps(given_value) == json.dumps(sent)


def is_documented_repair(name: str, given_value: Any, sent: Any) -> bool:
    """Whether `sent` is what the published interface says is made of `given_value`."""
    if name == "connection_id":
        return type(sent) is int and (str(sent) == given_value or (type(given_value) is float and sent == given_value))
    if name == "metadata":
        return isinstance(given_value, str) and is_same(json.loads(given_value), sent)
    if name == "embedding":
        return isinstance(given_value, list) and is_same(given_value, json.loads(sent))
    if name in {"key", "value"}:
        return type(given_value) in {int, float} and isinstance(sent, str) and is_same(given_value, json.loads(sent))
    return False


def verify_documented_rules(sent: dict[str, Any]) -> None:
    """Assert what the API document says of each field."""
    texts = {"name", "model_name", "kind", "key", "value", "embedding"}
    assert all(value is None or isinstance(value, str) for name, value in sent.items() if name in texts)
    assert all(len(sent.get(name) or "") <= 255 for name in ("name", "model_name"))
    assert sent.get("kind", "fact") in {"fact", "vector"}
    assert type(sent.get("connection_id", 5)) is int
    numbers = json.loads(sent.get("embedding") or "[]")
    assert all(type(number) in {int, float} and math.isfinite(number) for number in numbers)


@by_endpoint
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_arguments_are_sent_exactly_as_given_or_refused(endpoint: Endpoint, data: st.DataObject) -> None:
    asked = data.draw(arguments_of(endpoint))
    try:
        arguments, notes = parse_arguments(endpoint, asked)
        sent = json.loads(request_body(arguments))
    except InvalidArguments as error:
        wire = json.loads(error_result(error, endpoint).model_dump_json(by_alias=True, exclude_unset=True))
        structured = read_result(wire, endpoint.tool, SCHEMAS)
        assert structured["error"]["field_errors"]
        return

    assert set(sent) == set(asked) - {"wait_for_previous"}
    for name, value in sent.items():
        if is_same(asked[name], value):
            continue
        assert is_documented_repair(name, asked[name], value)
        assert any(note.startswith(f"{name} ") for note in notes)
    verify_documented_rules(sent)
