"""Calls that are cancelled, given up by their client, or lost with the server, and their repeats."""

from typing import Any

import pytest

from .cases import Case, cases_of
from .catalogue import read_catalogue
from .judge import shown_results
from .plan import (
    CANCELLED,
    GIVEN_UP,
    HELD_MEMORY,
    REPEATED,
    REPEATED_ALONE,
    REPEATED_LATER,
    SERVER_KILLED,
    SLOW_MEMORY,
)
from .runs import Outcome
from .scenarios import NULL_DROPPED, NULL_SENT
from .sessions import JOINING, KILLED, MAIN, PATIENT, SENDING, Session

pytestmark = pytest.mark.clients

MODERN = "2026"

CASES = cases_of(read_catalogue())
CANCELLING = [case for case in CASES if case.cancels]
LIMITED = [case for case in CASES if case.client.limit and case.mode.repeats is None]
REPEATING_ALONE = [case for case in CASES if case.mode.repeats is not None]
REPEATING = [case for case in LIMITED if not case.is_masked(REPEATED_LATER)]


@pytest.mark.parametrize("case", CANCELLING, ids=str)
def test_the_repeat_of_a_cancelled_call_is_given_its_answer_and_nothing_is_sent(case: Case, outcome: Outcome) -> None:
    line = outcome.lines[MAIN.name, CANCELLED]

    assert (line["ending"], line["upstream"]) == ("cancelled", "released")
    assert _requests(outcome, MAIN) == 1
    _assert_given_again(outcome.lines[MAIN.name, REPEATED])


@pytest.mark.parametrize("case", CANCELLING, ids=str)
def test_a_cancelled_call_is_logged_with_its_real_outcome(case: Case, outcome: Outcome) -> None:
    held, *_ = (line for line in outcome.logs[MAIN.name].splitlines() if "tool=" in line)

    assert "outcome=applied" in held
    # Over streamable HTTP of 2025 the call itself is answered, and its client throws the answer away.
    protocol = outcome.lines[MAIN.name, CANCELLED]["protocol"] or "2025"
    answers = case.transport == "streamable-http" and protocol < MODERN
    assert ("code=ok" if answers else "code=cancelled") in held


@pytest.mark.parametrize("case", [case for case in CASES if case.mode.can_cancel and not case.cancels], ids=str)
def test_a_call_whose_cancellation_nobody_reports_counts_as_delivered(case: Case, outcome: Outcome) -> None:
    assert _requests(outcome, MAIN) == 2
    line = outcome.lines[MAIN.name, REPEATED]
    if case.is_masked(REPEATED):
        assert not any(shown_results(line))
    else:
        _assert_answered_like_any_other(line)


@pytest.mark.parametrize("case", LIMITED, ids=str)
def test_a_client_that_gives_up_shows_no_success(case: Case, outcome: Outcome) -> None:
    line = outcome.lines[PATIENT.name, GIVEN_UP]

    assert "waits" not in line
    assert not any(result and result["success"] for result in shown_results(line))


@pytest.mark.parametrize("case", [case for case in REPEATING if case.tells_that_it_gives_up], ids=str)
def test_the_repeat_of_a_call_given_up_is_given_its_answer_and_nothing_is_sent(case: Case, outcome: Outcome) -> None:
    assert _requests(outcome, PATIENT) == 1
    _assert_given_again(outcome.lines[PATIENT.name, REPEATED_LATER])


@pytest.mark.parametrize("case", [case for case in REPEATING if not case.tells_that_it_gives_up], ids=str)
def test_a_call_given_up_without_a_word_to_the_server_counts_as_delivered(case: Case, outcome: Outcome) -> None:
    assert _requests(outcome, PATIENT) == 2
    _assert_answered_like_any_other(outcome.lines[PATIENT.name, REPEATED_LATER])


@pytest.mark.parametrize("case", [case for case in LIMITED if case.is_masked(REPEATED_LATER)], ids=str)
def test_the_repeat_of_a_call_given_up_fails_where_the_session_was_lost_with_it(case: Case, outcome: Outcome) -> None:
    assert _requests(outcome, PATIENT) == 1
    assert not any(shown_results(outcome.lines[PATIENT.name, REPEATED_LATER]))


@pytest.mark.parametrize("case", REPEATING_ALONE, ids=str)
def test_a_client_that_repeats_by_itself_writes_once_and_is_given_the_answer(case: Case, outcome: Outcome) -> None:
    shown = shown_results(outcome.lines[JOINING.name, REPEATED_ALONE])

    assert outcome.bodies[JOINING.name] == [SLOW_MEMORY]
    assert shown
    assert all(result["success"] for result in shown)


@pytest.mark.parametrize("case", REPEATING_ALONE, ids=str)
def test_without_the_account_of_repeats_it_writes_as_often_as_it_repeats(case: Case, outcome: Outcome) -> None:
    assert outcome.bodies[SENDING.name] == [SLOW_MEMORY] * (case.mode.repeats or 0)
    assert not any(
        result and result["success"] for result in shown_results(outcome.lines[SENDING.name, REPEATED_ALONE])
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_killed_server_is_never_taken_for_a_success(case: Case, outcome: Outcome) -> None:
    line = outcome.lines[KILLED.name, SERVER_KILLED]
    requests = len(outcome.bodies[KILLED.name])

    assert requests == case.requests(SERVER_KILLED, 1)
    # The API answers only requests after the first.
    assert requests > 1 or not any(result and result["success"] for result in shown_results(line))


@pytest.mark.parametrize("case", [case for case in CASES if case.client.fills_nulls], ids=str)
def test_nulls_that_a_client_fills_in_are_dropped_where_that_is_set(case: Case, outcome: Outcome) -> None:
    assert NULL_SENT.body in outcome.bodies[NULL_SENT.session.name]
    assert outcome.bodies[NULL_DROPPED.session.name] == [NULL_DROPPED.body]


def _requests(outcome: Outcome, session: Session) -> int:
    return sum(body["key"] == HELD_MEMORY["key"] for body in outcome.bodies[session.name] if "key" in body)


def _assert_given_again(line: dict[str, Any]) -> None:
    shown = shown_results(line)
    assert shown
    assert all(result["success"] and "could not be delivered" in result["notes"][0] for result in shown)


def _assert_answered_like_any_other(line: dict[str, Any]) -> None:
    shown = shown_results(line)
    assert shown
    assert all(result["success"] and "notes" not in result for result in shown)
