"""What is remembered of cancellations over HTTP: of a session's own requests, and of a bounded number."""

import json

import pytest
from starlette.types import Message, Scope

from wemasy_mcp.transports.http.cancellations import MAX_CANCELLATIONS, Cancellations, naming_session


def scope(session: str) -> Scope:
    return {"type": "http", "headers": [(b"mcp-session-id", session.encode())]}


def cancelling(request_id: object) -> bytes:
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}}
    return json.dumps(message).encode()


def test_a_session_cancels_its_own_requests_only() -> None:
    cancellations = Cancellations()

    assert cancellations.note(scope("a"), cancelling(1)) == "a"
    assert [cancellations.hold(*of) for of in (("a", 1), ("a", "1"), ("a", 2), ("b", 1))] == [True, False, False, False]


def test_the_oldest_is_forgotten_first_so_that_memory_is_bounded() -> None:
    cancellations = Cancellations()
    for number in range(MAX_CANCELLATIONS + 1):
        cancellations.note(scope("a"), cancelling(number))

    assert [cancellations.hold("a", number) for number in (0, 1, MAX_CANCELLATIONS)] == [False, True, True]


@pytest.mark.parametrize("body", [b'{"method": "initialize"', b"[" * 10_000 + b'"initialize"'], ids=["torn", "deep"])
async def test_what_cannot_be_read_opens_no_session(body: bytes) -> None:
    async def send(message: Message) -> None:
        raise AssertionError(message)

    assert naming_session({"type": "http.request", "body": body}, send) is send
