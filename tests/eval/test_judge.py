"""The judge where no script leads: requests that are unlike those of the API."""

import httpx2

from support.fake_api import Request
from support.program import TOKEN

from .judge import Record, judge
from .scenario import OPERATIONS, load_scenarios
from .scenario_api import ScenarioApi

(RENAME,) = load_scenarios(["rename"])
UPDATE = OPERATIONS["update"].path


async def post(api: ScenarioApi, path: str, body: bytes, token: str = TOKEN) -> int:
    async with httpx2.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {token}"}) as http:
        return (await http.post(f"{api.url}/{path}", content=body)).status_code


def verdict(requests: list[Request]) -> list[str]:
    return judge(RENAME, Record(requests, (), "Connection 5 was renamed.", TOKEN))


async def test_a_body_that_is_no_object_is_refused_and_was_not_asked_for() -> None:
    async with ScenarioApi(RENAME, TOKEN) as api:
        assert await post(api, UPDATE, b"connection_id=5&name=Support+chat") == 400
        assert await post(api, UPDATE, b"[5]") == 400

    found = verdict(api.requests)
    assert f"not asked for: /api/{UPDATE} connection_id=5&name=Support+chat" in found
    assert f"not asked for: /api/{UPDATE} [5]" in found
    assert any(reason.startswith("not sent at all: update ") for reason in found)


async def test_another_path_was_not_asked_for() -> None:
    async with ScenarioApi(RENAME, TOKEN) as api:
        await post(api, UPDATE, b'{"connection_id": 5, "name": "Support chat"}')
        assert await post(api, "services/ai/v1/user", b"{}") == 404

    assert verdict(api.requests) == ["not asked for: /api/services/ai/v1/user {}"]


async def test_a_request_without_the_token_is_refused() -> None:
    async with ScenarioApi(RENAME, TOKEN) as api:
        assert await post(api, UPDATE, b'{"connection_id": 5, "name": "Support chat"}', "another") == 401


def test_null_in_a_new_memory_is_left_out_and_in_an_update_it_is_not() -> None:
    (vector,) = load_scenarios(["vector"])
    saved = b'{"kind": "vector", "key": "logo_colour", "value": null, "embedding": "[0.0231,-0.0412,0.08914201]"}'
    updated = b'{"connection_id": 5, "name": "Support chat", "model_name": null}'

    assert judge(vector, Record([_request("save", saved)], (), "It is saved.", TOKEN)) == []
    assert len(verdict([_request("update", updated)])) == 2


def _request(operation: str, body: bytes) -> Request:
    (path,) = (it.path for name, it in OPERATIONS.items() if name == operation)
    return Request(f"POST /api/{path} HTTP/1.1\r\n\r\n".encode(), body)
