"""The API's own routes, one for each endpoint: budget, then token, then rules, then the endpoint's effect.

That order is Laravel's: a throttle around the authentication, validation in the controller.
"""

import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wemasy_mcp.endpoints.base import Creates, Endpoint, Updates
from wemasy_mcp.json_schema import Schema, split_null
from wemasy_mcp.sandbox import laravel_answer as answer
from wemasy_mcp.sandbox.contents import Contents
from wemasy_mcp.sandbox.faults import Fault
from wemasy_mcp.sandbox.laravel_answer import Answer
from wemasy_mcp.sandbox.request_body import BodyTooLargeError, given_fields, read_body
from wemasy_mcp.sandbox.rules import LookUps, as_integer, refusal, validate
from wemasy_mcp.sandbox.silence import Silence
from wemasy_mcp.sandbox.store import Record, Store
from wemasy_mcp.sandbox.tokens import FORBIDDEN_TOKEN, READY_MADE, SANDBOX_TOKEN, bearer_token

PREFIX = "/api/"
"""The path prefix of the API, the same as the real one's."""


class Operation:
    """One endpoint of the API."""

    def __init__(self, endpoint: Endpoint, contents: Contents) -> None:
        self._endpoint = endpoint
        self._store = contents.store
        self._budget = contents.budget
        self._faults = contents.faults
        self._journal = contents.journal
        self._schema = endpoint.argument_schema
        self._exists = _look_ups(endpoint, contents.store)

    def route(self, silence: Silence) -> Route:
        """Return the route that serves it; `silence` handles calls that get no answer."""

        async def call(request: Request) -> Response:
            token = bearer_token(request.headers.get("Authorization", ""))
            try:
                body = await read_body(request)
            except BodyTooLargeError:
                too_large = Answer(413, {"message": "The POST data is too large."}, "The body is too large.")
                self._note(request, token, too_large.status, too_large.why)
                return too_large.response()
            # No await until the answer is known: concurrent calls run one after the other.
            allowance = self._budget.spend(token)
            if allowance.retry_after is not None:
                why = f"The token has used up its requests. Its window ends in {allowance.retry_after} s."
                given = answer.too_many_attempts(allowance.retry_after, why)
                self._note(request, token, given.status, given.why)
                return given.response(remaining=0)
            # An unintended call, such as one from a foreign page, does not use up an ordered fault.
            fault = self._faults.take() if token in READY_MADE else None
            if fault is not None and fault.name == "timeout":
                self._note(request, token, None, "Fault: nothing was done, and no answer is sent.")
                return await silence.keep(request)
            given = self._answer(token, request.headers.get("Content-Type", ""), body, fault)
            if fault is not None and fault.name == "lost_answer":
                self._note(request, token, None, f"Fault: the answer {given.status} was lost. {given.why}")
                return await silence.hang_up(request)
            self._note(request, token, given.status, given.why)
            return given.response(remaining=0 if given.status == HTTPStatus.TOO_MANY_REQUESTS else allowance.remaining)

        return Route(PREFIX + self._endpoint.path, call, methods=["POST"])

    def _note(self, request: Request, token: str, status: int | None, why: str) -> None:
        self._journal.note(request.method, request.url.path, token, status, why)

    def _answer(self, token: str, content_type: str, body: bytes, fault: Fault | None) -> Answer:
        if fault is not None and fault.name != "lost_answer":
            return _scripted(fault, next(iter(self._schema["properties"]), "body"))
        if token == FORBIDDEN_TOKEN:
            return answer.forbidden("This ready-made token has no permission.")
        if token != SANDBOX_TOKEN:
            return answer.unauthenticated("The token is not known here." if token else "No bearer token was sent.")
        given = given_fields(content_type, body)
        try:
            errors = validate(self._schema, given, self._exists)
            return answer.invalid(errors) if errors else self._apply(given)
        except sqlite3.Error as error:
            return answer.server_error(f"The sandbox database failed: {error}.")

    def _apply(self, given: Mapping[str, Any]) -> Answer:
        values = {name: given[name] for name in self._schema["properties"] if name in given}
        effect = self._endpoint.effect
        if isinstance(effect, Creates):
            record = self._store.create(effect.collection, values)
            return Answer(200, {"success": True, "data": self._shown(record)}, self._did(effect, record))
        record_id = as_integer(values.pop(effect.id_argument)) or 0
        record = self._store.update(effect.collection, record_id, values)
        body = {"success": True, "message": effect.message, "data": self._shown(record)}
        return Answer(200, body, self._did(effect, record))

    def _did(self, effect: Creates | Updates, record: Record) -> str:
        return f"{self._endpoint.done.capitalize()}: {effect.collection} #{record['id']}."

    def _shown(self, record: Record) -> Any:
        schema = self._endpoint.data_schema
        return _documented(schema, [record] if schema["type"] == "array" else record)


def _documented(schema: Schema, stored: Any) -> Any:
    """Return `stored` as the API's page shows it; a value not given is null, or empty where it cannot be null."""
    shown, may_be_null = split_null(schema)
    if stored is None and may_be_null:
        return None
    if "properties" in shown:
        record = stored if isinstance(stored, dict) else {}
        names = (name for name in shown["properties"] if name in record or name in shown.get("required", ()))
        return {name: _documented(shown["properties"][name], record.get(name)) for name in names}
    if shown.get("type") == "array":
        return [_documented(shown["items"], item) for item in stored or ()]
    empty: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "object": {}}
    return shown.get("enum", [empty.get(shown.get("type", ""))])[0] if stored is None else stored


def _look_ups(endpoint: Endpoint, store: Store) -> LookUps:
    effect = endpoint.effect
    if not isinstance(effect, Updates):
        return {}
    return {effect.id_argument: lambda record_id: store.find(effect.collection, record_id) is not None}


def _scripted(fault: Fault, field: str) -> Answer:
    match fault.name:
        case "401":
            return answer.unauthenticated("Fault: the token was refused.")
        case "403":
            return answer.forbidden("Fault: the permission is missing.")
        case "422":
            return answer.invalid({field: [refusal(field)]})
        case "429":
            seconds = fault.retry_after or 0
            return answer.too_many_attempts(seconds, f"Fault: too many requests, Retry-After: {seconds}.")
        case _:
            return answer.server_error("Fault: nothing was done.")
