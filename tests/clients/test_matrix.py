"""What each client shows of this server's results, over each transport it speaks."""

from typing import Any

import pytest

from .catalogue import read_catalogue
from .judge import shown_results
from .runs import Case, Outcome, cases_of, scenarios_of
from .scenarios import (
    CANCELLED,
    HELD_MEMORY,
    MAIN,
    NULL_DROPPED,
    NULL_SENT,
    PENDING,
    PENDING_AT_DEFAULTS,
    REPAIRED,
    REPAIRED_BODY,
    REPEATED,
    Scenario,
)

pytestmark = pytest.mark.clients

MODERN = "2026"

CASES = cases_of(read_catalogue())
CANCELLING = [case for case in CASES if case.cancels]


@pytest.mark.parametrize(
    ("case", "scenario"),
    [
        pytest.param(case, scenario, id=f"{case}-{scenario.name}")
        for case in CASES
        for scenario in scenarios_of(case)
        if not (case.client.converts and "notes" in scenario.result)
    ],
)
def test_a_result_reaches_the_program_or_the_model_whole(case: Case, scenario: Scenario, outcome: Outcome) -> None:
    line = outcome.lines[scenario.session.name, scenario.name]

    assert _without_request_id(shown_results(line), scenario) == _shown_by(case, scenario), line
    assert line.get("is_error") in (None, not scenario.result["success"])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_repaired_arguments_reach_the_api_and_wait_for_previous_does_not(case: Case, outcome: Outcome) -> None:
    assert REPAIRED_BODY in outcome.bodies[MAIN.name]


@pytest.mark.parametrize("case", [case for case in CASES if case.client.converts], ids=str)
def test_a_client_that_converts_arguments_itself_is_told_of_the_other_repairs(case: Case, outcome: Outcome) -> None:
    structured, text = shown_results(outcome.lines[MAIN.name, REPAIRED.name])

    assert structured == text
    assert structured | {"notes": []} == REPAIRED.result | {"notes": []}
    assert set(structured["notes"]) < set(REPAIRED.result["notes"])


@pytest.mark.parametrize("case", [case for case in CASES if not case.client.starts_anew], ids=str)
def test_a_pending_call_and_its_repeats_are_one_request(case: Case, outcome: Outcome) -> None:
    for scenario in (PENDING, PENDING_AT_DEFAULTS):
        sent = outcome.bodies[scenario[0].session.name]
        assert sent == [scenario[0].arguments] * (scenario is PENDING or case.client.is_hurried)


@pytest.mark.parametrize("case", [case for case in CASES if case.client.fills_nulls], ids=str)
def test_nulls_that_a_client_fills_in_are_dropped_where_that_is_set(case: Case, outcome: Outcome) -> None:
    assert NULL_SENT.arguments | {"model_name": None} in outcome.bodies[NULL_SENT.session.name]
    assert outcome.bodies[NULL_DROPPED.session.name] == [NULL_DROPPED.arguments]


@pytest.mark.parametrize("case", CANCELLING, ids=str)
def test_the_repeat_of_a_cancelled_call_is_given_its_answer_and_nothing_is_sent(case: Case, outcome: Outcome) -> None:
    line = outcome.lines[MAIN.name, CANCELLED]
    shown = shown_results(outcome.lines[MAIN.name, REPEATED])

    assert (line["ending"], line["upstream"]) == ("cancelled", "released")
    assert outcome.bodies[MAIN.name].count(HELD_MEMORY) == 1
    assert shown
    assert all(result["success"] and "could not be delivered" in result["notes"][0] for result in shown)


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
    assert outcome.bodies[MAIN.name].count(HELD_MEMORY) == 2
    assert all("notes" not in result for result in shown_results(outcome.lines[MAIN.name, REPEATED]))


def _shown_by(case: Case, scenario: Scenario) -> list[dict[str, Any]]:
    """A program has the result twice, structured and as text; a model reads it once."""
    return [scenario.result] * (1 if case.client.shows == "model" else 2)


def _without_request_id(shown: list[dict[str, Any]], scenario: Scenario) -> list[dict[str, Any]]:
    """The results without the id of their request, which is new each time: where one was sent, all show the same."""
    ids = {result["error"].pop("request_id", None) for result in shown if "error" in result}
    error = scenario.result.get("error", {})
    was_sent = "status" in error or error.get("outcome") == "unknown"
    assert len(ids) == bool(error)
    assert (None in ids) is (bool(error) and not was_sent)
    return shown
