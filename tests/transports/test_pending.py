"""The account of requests that wait for an answer, and what it reports of answers that reach nobody."""

from collections.abc import Callable

import pytest
from mcp import types
from mcp.shared.message import ServerMessageMetadata, SessionMessage

from wemasy_mcp.core.request_context import CLIENT_HAS_LEFT
from wemasy_mcp.transports.pending import LocalRequest, Pending


def request(request_id: int | str) -> types.JSONRPCRequest:
    return types.JSONRPCRequest(jsonrpc="2.0", id=request_id, method="m")


def cancellation(params: dict[str, object] | None) -> types.JSONRPCNotification:
    return types.JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params=params)


def answer(request_id: int | str) -> types.JSONRPCResponse:
    return types.JSONRPCResponse(jsonrpc="2.0", id=request_id, result={})


def taken(message: types.JSONRPCMessage) -> SessionMessage:
    return SessionMessage(message, ServerMessageMetadata(request_context=LocalRequest()))


def take(pending: Pending, request_id: int | str) -> Callable[[], bool]:
    """Take a request and return what its handler can ask: whether the client has left."""
    item = taken(request(request_id))
    assert pending.take(item) is None
    assert isinstance(item.metadata, ServerMessageMetadata)
    scope = item.metadata.request_context.scope
    return lambda: scope[CLIENT_HAS_LEFT](request_id)


def cancel(pending: Pending, params: dict[str, object] | None) -> None:
    assert pending.take(taken(cancellation(params))) is None


def test_an_id_in_flight_is_refused_under_no_id_and_free_again_once_answered() -> None:
    pending = Pending()
    take(pending, 7)

    refusal = pending.take(taken(request(7)))

    assert refusal is not None
    assert (refusal.id, refusal.error.code) == (None, types.INVALID_REQUEST)
    assert len(pending) == 1
    assert pending.take(taken(request("7"))) is not None
    pending.settle(answer(7))
    take(pending, "7")


@pytest.mark.parametrize("params", [None, {}, {"requestId": None}, {"requestId": [1]}, {"requestId": "other"}])
def test_a_cancellation_that_names_no_request_settles_none(params: dict[str, object] | None) -> None:
    pending = Pending()
    has_left = take(pending, 1)

    cancel(pending, params)

    assert len(pending) == 1
    assert not has_left()


@pytest.mark.parametrize(("request_id", "named"), [(1, 1), ("a", "a"), (-5, "-5"), ("5", "5")])
def test_the_answer_of_a_cancelled_request_is_lost_and_its_id_free(request_id: int | str, named: int | str) -> None:
    pending = Pending()
    has_left = take(pending, request_id)

    cancel(pending, {"requestId": named})

    assert not pending
    assert has_left()


def test_a_cancelled_request_stays_cancelled_when_its_id_is_used_again() -> None:
    pending = Pending()
    first = take(pending, 1)
    cancel(pending, {"requestId": 1})
    second = take(pending, 1)

    assert (first(), second()) == (True, False)


def test_a_request_that_was_answered_keeps_nothing_of_what_came_with_it() -> None:
    pending = Pending()
    answered, waiting = request(1), request(2)
    for message in (answered, waiting):
        message.params = {"arguments": "long"}
        assert pending.take(taken(message)) is None

    pending.settle(answer("1"))

    assert (answered.params, waiting.params) == (None, {"arguments": "long"})


def test_a_client_that_has_gone_has_left_every_request() -> None:
    pending = Pending()
    has_left = take(pending, 1)

    pending.settle(types.JSONRPCNotification(jsonrpc="2.0", method="m"))
    pending.is_broken = True

    assert has_left()
    assert len(pending) == 1
