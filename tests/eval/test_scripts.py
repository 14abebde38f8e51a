"""The runner with a scripted model: a good one passes every scenario, and each bad one fails for its own reason."""

import pytest

from support.scripted_model import serve_model

from .dialects import DIALECTS, Dialect
from .endpoint import Endpoint
from .scenario import load_scenarios
from .scripted import BadScript, ScriptedTurn, load_scripts, play_turns
from .trial import Limits, ScoredServer, Trial, run_trial

pytestmark = pytest.mark.eval

SCENARIOS = {scenario.name: scenario for scenario in load_scenarios()}
SCRIPTS = load_scripts()
BASE_PATHS: dict[Dialect, str] = {"openai": "/v1", "anthropic": ""}

GOOD = [(name, list(DIALECTS)[number % 2]) for number, name in enumerate(SCENARIOS)]
"""Every scenario in one of the dialects, in turn: what differs between them is tested in test_command.py."""
BAD = [pytest.param(name, bad, id=f"{name}: {bad.does}") for name, scripts in SCRIPTS.items() for bad in scripts.bad]


async def play(name: str, turns: tuple[ScriptedTurn, ...], dialect: Dialect = "openai") -> Trial:
    with serve_model(play_turns(turns)) as model:
        endpoint = Endpoint(model.url + BASE_PATHS[dialect], "a-key", "scripted", DIALECTS[dialect])
        return await run_trial(SCENARIOS[name], 1, endpoint, ScoredServer(), Limits(turns=10, seconds=60))


@pytest.mark.parametrize(("name", "dialect"), GOOD)
async def test_a_good_model_passes(name: str, dialect: Dialect) -> None:
    trial = await play(name, SCRIPTS[name].good, dialect)

    assert (trial.verdict, trial.reasons) == ("passed", []), trial


@pytest.mark.parametrize(("name", "bad"), BAD)
async def test_a_bad_model_fails_for_its_reason(name: str, bad: BadScript) -> None:
    trial = await play(name, bad.turns)

    assert trial.verdict == "failed", trial
    assert any(reason.startswith(bad.why) for reason in trial.reasons), trial.reasons
