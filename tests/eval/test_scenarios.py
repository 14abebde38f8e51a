"""The scenarios' files and their scripts belong together."""

import pytest
from pydantic import ValidationError

from .scenario import Scenario, load_scenarios
from .scripted import load_scripts

SCENARIOS = load_scenarios()


def test_every_scenario_has_its_scripts_and_every_script_its_scenario() -> None:
    assert [scenario.name for scenario in SCENARIOS] == list(load_scripts())


def test_a_misspelt_name_in_a_scenario_is_an_error() -> None:
    with pytest.raises(ValidationError, match="tolds"):
        Scenario.model_validate({"name": "n", "about": "a", "user": "u", "told": "done", "tolds": "done"})


def test_every_judgement_is_provoked_by_a_bad_script() -> None:
    reasons = [bad.why for scripts in load_scripts().values() for bad in scripts.bad]
    beginnings = {
        "not asked for: ",
        "not sent at all: ",
        "not sent often enough: ",
        "sent too often, by 1: ",
        "sent although it must not be: ",
        "the user was shown the API token",
        "the user was told nothing",
        "the user was not told that it was done",
        "the user was not told that it was not done",
        "the user was not told that nobody knows",
        "the user was not told what matches ",
        "the user was not asked",
        "claimed though no result said so",
        "claimed though it is not known to be done",
        "denied though nobody knows",
    }

    assert [one for one in beginnings if not any(reason.startswith(one) for reason in reasons)] == []
    assert [reason for reason in reasons if not any(reason.startswith(one) for one in beginnings)] == []
