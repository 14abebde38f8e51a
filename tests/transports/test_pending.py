"""The account of requests that wait for an answer, and what it reports of answers that reach nobody."""

import contextvars

import pytest
from mcp import types

from wemasy_mcp.core.delivery import Delivery, current_delivery
from wemasy_mcp.transports.pending import Pending


def request(request_id: int | str) -> types.JSONRPCRequest:
    return types.JSONRPCRequest(jsonrpc="2.0", id=request_id, method="m")


def cancellation(params: dict[str, object] | None) -> types.JSONRPCNotification:
    return types.JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params=params)


def answer(request_id: int | str) -> types.JSONRPCResponse:
    return types.JSONRPCResponse(jsonrpc="2.0", id=request_id, result={})


def take(pending: Pending, request_id: int | str) -> Delivery:
    """Take a request and return the delivery that its handler sees."""
    context = contextvars.copy_context()
    assert pending.take(request(request_id), context) is None
    return context.run(current_delivery)


def cancel(pending: Pending, params: dict[str, object] | None) -> None:
    assert pending.take(cancellation(params), contextvars.copy_context()) is None


def test_an_id_in_flight_is_refused_under_no_id_and_free_again_once_answered() -> None:
    pending = Pending()
    take(pending, 7)

    refusal = pending.take(request(7), contextvars.copy_context())

    assert refusal is not None
    assert (refusal.id, refusal.error.code) == (None, types.INVALID_REQUEST)
    assert len(pending) == 1
    take(pending, "7")
    pending.settle(answer(7))
    take(pending, 7)


@pytest.mark.parametrize("params", [None, {}, {"requestId": None}, {"requestId": [1]}, {"requestId": "other"}])
def test_a_cancellation_that_names_no_request_settles_none(params: dict[str, object] | None) -> None:
    pending = Pending()
    delivery = take(pending, 1)

    cancel(pending, params)

    assert len(pending) == 1
    assert not delivery.is_lost


@pytest.mark.parametrize(("request_id", "named"), [(1, 1), ("a", "a"), (-5, "-5"), ("5", "5")])
def test_the_answer_of_a_cancelled_request_is_lost_and_its_id_free(request_id: int | str, named: int | str) -> None:
    pending = Pending()
    delivery = take(pending, request_id)

    cancel(pending, {"requestId": named})

    assert not pending
    assert delivery.is_lost


def test_a_loss_is_reported_once_whether_it_shows_before_or_after_the_answer() -> None:
    pending, told = Pending(), []
    before, after, never = take(pending, 1), take(pending, 2), take(pending, 3)
    pending.report_losses()
    pending.report_losses()
    before.call_when_lost(lambda: told.append("before"))
    late = take(pending, 4)
    late.call_when_lost(lambda: told.append("late"))
    pending.settle(answer(4), is_delivered=False)
    pending.settle(answer(4), is_delivered=False)

    assert told == ["before", "late"]
    assert after.is_lost
    assert never.is_lost


def test_a_request_that_was_answered_is_delivered() -> None:
    pending = Pending()
    delivery = take(pending, 1)

    pending.settle(answer(1))
    pending.settle(types.JSONRPCNotification(jsonrpc="2.0", method="m"))
    pending.report_losses()

    assert not delivery.is_lost


def test_where_no_transport_keeps_account_nothing_is_lost() -> None:
    assert not current_delivery().is_lost
