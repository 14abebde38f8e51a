"""What each client shows of this server's results, and what the API sees of its calls, over each transport."""

import json
from collections import Counter
from typing import Any

import pytest

from .cases import Case, cases_of, scenarios_of
from .catalogue import read_catalogue
from .judge import shown_results
from .published import JOINED
from .runs import Outcome
from .scenarios import GIVEN, REPAIRED, SCENARIOS, Scenario

pytestmark = pytest.mark.clients

CASES = cases_of(read_catalogue())
PAIRS = [(case, scenario) for case in CASES for scenario in scenarios_of(case)]


def _masks(case: Case, scenario: Scenario) -> bool:
    return case.is_masked(scenario.name, is_error=scenario.is_error)


def _parametrized(pairs: list[tuple[Case, Scenario]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("case", "scenario"), [pytest.param(case, scenario, id=f"{case}-{scenario.name}") for case, scenario in pairs]
    )


@_parametrized([(case, scenario) for case, scenario in PAIRS if not _masks(case, scenario)])
def test_a_result_reaches_the_program_or_the_model_whole(case: Case, scenario: Scenario, outcome: Outcome) -> None:
    line = outcome.lines[scenario.session.name, scenario.name]

    shown = [_as_if_in_time(result) for result in _without_request_id(shown_results(line), scenario)]
    assert shown == _shown_by(case, scenario), line
    assert line.get("is_error") in (None, scenario.is_error)


@_parametrized([(case, scenario) for case, scenario in PAIRS if _masks(case, scenario)])
def test_what_is_said_to_be_masked_is_and_is_never_taken_for_a_success(
    case: Case, scenario: Scenario, outcome: Outcome
) -> None:
    line = outcome.lines[scenario.session.name, scenario.name]
    shown = shown_results(line)

    assert [result for result in shown if result] != _shown_by(case, scenario), line
    if scenario.is_error:
        assert not any(result and result["success"] for result in shown)


@_parametrized(
    [
        (case, scenario)
        for case, scenario in PAIRS
        if scenario in (*GIVEN, REPAIRED) and case.requests(scenario.name, scenario.requests)
    ]
)
def test_what_was_asked_for_arrives_at_the_api(case: Case, scenario: Scenario, outcome: Outcome) -> None:
    (body,) = (body for body in outcome.bodies[scenario.session.name] if _is_of(body, scenario))

    drops = case.client.drops_nulls
    expected = {name: given for name, given in scenario.body.items() if not (drops and given is None)}
    added = body.keys() - expected.keys()
    assert {name: value for name, value in body.items() if name not in added} == expected
    assert all(body[name] is None for name in added)
    assert case.client.fills_nulls or not added


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_api_sees_each_call_as_often_as_the_client_says(case: Case, outcome: Outcome) -> None:
    scenarios = list(scenarios_of(case))
    expected: Counter[str] = Counter()
    for scenario in scenarios:
        expected[_written(scenario)] += case.requests(scenario.name, scenario.requests, is_error=scenario.is_error)
    seen = {
        _written(scenario): sum(_is_of(body, scenario) for body in outcome.bodies[scenario.session.name])
        for scenario in scenarios
    }

    assert seen == expected


def test_no_two_scenarios_of_a_session_write_the_same_but_repeats() -> None:
    assert len({_written(scenario) for scenario in SCENARIOS}) == len(SCENARIOS)


def _written(scenario: Scenario) -> str:
    """Where a call arrives, and under which key or name."""
    return json.dumps([scenario.session.name, scenario.body.get("key", scenario.body.get("name"))])


def _is_of(body: dict[str, Any], scenario: Scenario) -> bool:
    return body.get("key", body.get("name")) == scenario.body.get("key", scenario.body.get("name"))


def _as_if_in_time(result: dict[str, Any]) -> dict[str, Any]:
    """The result of a repeat: on a busy machine it may come when the answer is already there, and its note says so."""
    if any("could not be delivered: this is that answer" in note for note in result.get("notes", ())):
        return result | {"notes": [JOINED]}
    return result


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
