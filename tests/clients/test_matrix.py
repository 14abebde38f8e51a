"""What each client shows of this server's results, over each transport it speaks."""

from typing import Any

import pytest

from .catalogue import read_catalogue
from .judge import shown_results
from .runs import Case, Outcome, cases_of, scenarios_of
from .scenarios import (
    AFTER_CANCELLED,
    CANCELLED,
    MAIN,
    NULL_DROPPED,
    NULL_SENT,
    REPAIRED,
    REPAIRED_BODY,
    SAVED,
    Scenario,
)

pytestmark = pytest.mark.clients

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

    assert shown_results(line) == _shown_by(case, scenario), line
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


@pytest.mark.parametrize("case", [case for case in CASES if case.client.fills_nulls], ids=str)
def test_nulls_that_a_client_fills_in_are_dropped_where_that_is_set(case: Case, outcome: Outcome) -> None:
    assert NULL_SENT.arguments | {"model_name": None} in outcome.bodies[NULL_SENT.session.name]
    assert outcome.bodies[NULL_DROPPED.session.name] == [NULL_DROPPED.arguments]


@pytest.mark.parametrize("case", CANCELLING, ids=str)
def test_cancelling_a_call_stops_its_request_at_once(case: Case, outcome: Outcome) -> None:
    line = outcome.lines[MAIN.name, CANCELLED]

    assert (line["ending"], line["upstream"]) == ("cancelled", "closed")


@pytest.mark.parametrize("case", CANCELLING, ids=str)
def test_a_cancelled_call_is_logged_as_unknown(case: Case, outcome: Outcome) -> None:
    cancelled = [line for line in outcome.logs[MAIN.name].splitlines() if "code=cancelled" in line]

    assert len(cancelled) == 1
    assert "outcome=unknown" in cancelled[0]


@pytest.mark.parametrize("case", CANCELLING, ids=str)
def test_the_session_goes_on_after_a_cancelled_call(case: Case, outcome: Outcome) -> None:
    line = outcome.lines[MAIN.name, AFTER_CANCELLED]

    assert shown_results(line) == _shown_by(case, SAVED)


def _shown_by(case: Case, scenario: Scenario) -> list[dict[str, Any]]:
    """A program has the result twice, structured and as text; a model reads it once."""
    return [scenario.result] * (1 if case.client.shows == "model" else 2)
