"""`python -m tests.eval`: what it prints, how it ends, and that it scores other servers too."""

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from api_document import SAVE_MEMORY, UPDATE_CONNECTION
from support.answers import answer
from support.fake_api import FakeApi, answering
from support.scripted_model import Call, Player, Turn, serve_model

from .__main__ import main
from .dialects import DIALECTS
from .scripted import load_scripts, play_turns

pytestmark = pytest.mark.eval

KEY = 'sk-"secret" of the model'
ROOT = Path(__file__).parents[2]

NAIVE = (
    *("--server", shlex.join([sys.executable, str(ROOT / "bench" / "peers" / "mcpserver.py")])),
    *("--server-env", "API_BASE_URL={url}", "--server-env", "API_TOKEN={token}"),
)
"""The two tools as one would write them in an afternoon."""


@contextmanager
def scripted(player: Player, dialect: str = "openai") -> Iterator[Mapping[str, str]]:
    """Yield an environment that names a model whose turns are these."""
    with serve_model(player) as model:
        url = model.url + ("/v1" if dialect == "openai" else "")
        yield {"EVAL_MODEL_URL": url, "EVAL_MODEL": "scripted", "EVAL_MODEL_KEY": KEY, "EVAL_DIALECT": dialect}


def good(scenario: str) -> Player:
    return play_turns(load_scripts()[scenario].good)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_line_is_printed_for_each_scenario(dialect: str, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted(good("rename"), dialect) as environment:
        status = main(["rename"], environment)

    head, rename, _, total = capsys.readouterr().out.splitlines()
    assert status == 0
    assert head.split() == ["scenario", "verdict", "calls", "requests", "seconds", "why"]
    assert rename.split()[:4] == ["rename", "passed", "1", "1"]
    assert total == "1 of 1 passed with scripted"


def test_trials_of_a_scenario_are_counted_together(capsys: pytest.CaptureFixture[str]) -> None:
    update = Call(UPDATE_CONNECTION.tool, {"connection_id": 5, "name": "Support chat"})
    turns = iter([Turn(calls=(update,)), Turn("It was renamed."), Turn("It was renamed.")])
    with scripted(lambda conversation: next(turns)) as environment:
        status = main(["rename", "--trials", "2"], environment)

    _, rename, _, total = capsys.readouterr().out.splitlines()
    assert status == 1
    assert rename.split()[:10] == ["rename", "1", "of", "2", "passed", "0", "to", "1", "0", "to"]
    assert rename.partition("not sent at all: update ")[1]
    assert total == "1 of 2 passed with scripted"


def test_a_failure_says_why_and_ends_badly(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted(good("rename")) as environment:
        status = main(["batch", "rename"], environment)

    _, batch, rename, _, total = capsys.readouterr().out.splitlines()
    assert status == 1
    assert batch.split()[:4] == ["batch", "failed", "1", "1"]
    assert 'not asked for: update {"connection_id": 5, "name": "Support chat"}; not sent at all: save' in batch
    assert batch.endswith("…")
    assert rename.split()[:2] == ["rename", "passed"]
    assert total == "1 of 2 passed with scripted"


def test_json_has_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted(good("success-false")) as environment:
        status = main(["success-false", "--json"], environment)

    found = json.loads(capsys.readouterr().out)
    (trial,) = found["trials"]
    (call,) = trial["calls"]
    assert (status, found["model"], found["passed"], found["failed"], found["broken"]) == (0, "scripted", 1, 0, 0)
    assert (trial["scenario"], trial["number"], trial["verdict"], trial["reasons"]) == (
        "success-false",
        1,
        "passed",
        [],
    )
    assert (call["tool"], json.loads(call["arguments"])["key"], call["is_error"]) == (
        SAVE_MEMORY.tool,
        "lunch_day",
        True,
    )
    assert json.loads(call["result"])["error"]["code"] == "rejected"
    assert trial["final_text"].startswith("Wemasy refused")
    assert "lunch_day" in trial["requests"][0]


def test_another_server_is_scored_by_the_same_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    with scripted(good("clear-model")) as environment:
        clear = main(["clear-model", *NAIVE], environment)
    with scripted(good("rename")) as environment:
        rename = main(["rename", *NAIVE], environment)
    with scripted(good("token")) as environment:
        token = main(["token", *NAIVE], environment)

    printed = capsys.readouterr().out
    assert (clear, rename, token) == (1, 0, 1)
    assert 'not sent at all: update {"connection_id": 5, "model_name": null, "name": "Support chat"}' in printed
    assert "the server showed the model the API token" in printed


@pytest.mark.parametrize("output", ["--json", "--trials=1"])
def test_a_server_that_does_not_start_is_not_judged_and_gets_no_key(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [sys.executable, "-c", "import os; raise SystemExit(repr(dict(os.environ)))"]
    with scripted(good("rename")) as environment, pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVAL_MODEL_KEY", KEY)
        status = main(["rename", output, "--server", shlex.join(words)], environment)

    printed = capsys.readouterr().out
    assert status == 1
    assert "broken" in printed
    assert "the server does not work: " in printed
    assert "EVAL_MODEL_KEY" not in printed


@pytest.mark.parametrize("output", ["--json", "--trials=1"])
def test_the_key_is_never_printed(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = answer(401, {"error": f"the key {KEY} is wrong"})
    with FakeApi(answering(said)).in_thread() as endpoint:
        environment = {"EVAL_MODEL_URL": endpoint.url, "EVAL_MODEL": "any", "EVAL_MODEL_KEY": KEY}
        status = main(["rename", output], environment)

    assert endpoint.requests[0].headers["authorization"] == f"Bearer {KEY}"
    printed = capsys.readouterr().out
    assert status == 1
    assert "the model does not work: " in printed
    assert "401" in printed
    assert "[key] is wrong" in printed
    assert "secret" not in printed


def test_a_model_that_comes_to_no_end_fails(capsys: pytest.CaptureFixture[str]) -> None:
    waits = Turn(calls=(Call("wait_seconds", {"seconds": 0}),))
    with scripted(lambda conversation: waits) as environment:
        turns = main(["rename", "--turns", "3"], environment)
    with scripted(lambda conversation: Turn(calls=(Call("wait_seconds", {"seconds": 60}),))) as environment:
        seconds = main(["rename", "--seconds", "3"], environment)

    printed = capsys.readouterr().out
    assert (turns, seconds) == (1, 1)
    assert "no end after 3 turns; not sent at all: update" in printed
    assert "no end after 3 seconds; not sent at all: update" in printed


def test_a_call_that_cannot_be_made_is_shown_to_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    turns = iter([Turn(calls=(Call("no_such_tool", {}),)), Turn("There is no such tool. Which one do you mean?")])
    with scripted(lambda conversation: next(turns)) as environment:
        status = main(["which-connection", "--json"], environment)

    (trial,) = json.loads(capsys.readouterr().out)["trials"]
    assert status == 0
    assert [(call["tool"], call["is_error"]) for call in trial["calls"]] == [("no_such_tool", True)]
    assert "no_such_tool" in trial["calls"][0]["result"]
