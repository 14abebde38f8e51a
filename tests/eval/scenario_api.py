"""The API of one scenario: it stores what it is sent, except where the scenario has another answer."""

import json
from collections import Counter
from typing import Any

import anyio

from support.answers import answer
from support.fake_api import Connection, FakeApi, Request

from .scenario import OPERATIONS, Answer, Scenario

_STORED_MODEL = "gpt-4o-mini"
"""What every connection has for a model, until it is updated."""


class ScenarioApi(FakeApi):
    """Answers by the scenario, whoever sends the token."""

    def __init__(self, scenario: Scenario, token: str) -> None:
        super().__init__(self._answer)
        self._scenario = scenario
        self._token = token
        self._given: Counter[int] = Counter()

    async def _answer(self, request: Request, connection: Connection) -> None:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            await connection.send(answer(401, {"error": True, "message": "Unauthenticated."}))
            return
        if not any(request.path.endswith(it.path) for it in OPERATIONS.values()):
            await connection.send(answer(404, {"message": "The route could not be found."}))
            return
        fields = read_fields(request)
        if fields is None:
            await connection.send(answer(400, {"error": True, "message": "The body is not a JSON object."}))
            return
        chosen = self._choose(fields)
        await anyio.sleep(chosen.after_seconds)
        if chosen.lost:
            await connection.aclose()
            return
        body = (
            _with_token(chosen.body, self._token) if chosen.body else _stored(request.path, fields, len(self.requests))
        )
        headers = (f"{name}: {value}" for name, value in chosen.headers.items())
        await connection.send(answer(chosen.status, body, *headers))

    def _choose(self, fields: dict[str, Any]) -> Answer:
        for number, candidate in enumerate(self._scenario.api):
            has_turns_left = candidate.times is None or self._given[number] < candidate.times
            if has_turns_left and candidate.to.items() <= fields.items():
                self._given[number] += 1
                return candidate
        return Answer()


def read_fields(request: Request) -> dict[str, Any] | None:
    """Return the body as the object that it is; None if it is another thing, as another server may send."""
    try:
        found = json.loads(request.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _stored(path: str, fields: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the body of a success, as the API's documentation shows it."""
    if path.endswith(OPERATIONS["save"].path):
        return {"success": True, "data": {"id": number, "kind": fields.get("kind"), "key": fields.get("key")}}
    data = {"id": fields.get("connection_id"), "name": fields.get("name")}
    model = fields.get("model_name", _STORED_MODEL)
    return {"success": True, "message": "Connection updated successfully.", "data": data | {"model_name": model}}


def _with_token(value: Any, token: str) -> Any:
    if isinstance(value, str):
        return value.replace("{token}", token)
    if isinstance(value, dict):
        return {name: _with_token(member, token) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_token(member, token) for member in value]
    return value
