"""`python -m tests.eval` before anything is played."""

from pathlib import Path

import pytest

from .__main__ import main
from .endpoint import VARIABLES
from .scenario import load_scenarios

README = (Path(__file__).parent / "README.md").read_text("utf-8")


def test_the_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"], {}) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [scenario.name for scenario in load_scenarios()]


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["no-such"], {}, "no scenario is named 'no-such'"),
        ([], {}, "EVAL_MODEL_URL is not set"),
        ([], {"EVAL_MODEL_URL": "https://example.com"}, "EVAL_MODEL is not set"),
        ([], {"EVAL_MODEL_URL": "http://example.com", "EVAL_MODEL": "m"}, "EVAL_MODEL_URL should be an https URL"),
        ([], {"EVAL_MODEL_URL": "https://a", "EVAL_MODEL": "m", "EVAL_DIALECT": "x"}, "EVAL_DIALECT must be one of"),
        ([], {"EVAL_MODEL_URL": "https://a", "EVAL_MODEL": "m", "EVAL_MODEL_OPTIONS": "[]"}, "must be a JSON object"),
        ([], {"EVAL_MODEL_URL": "https://a", "EVAL_MODEL": "m", "EVAL_MODEL_OPTIONS": "{"}, "must be a JSON object"),
        (["--server-env", "URL"], {"EVAL_MODEL_URL": "https://a", "EVAL_MODEL": "m"}, "--server-env takes NAME=VALUE"),
        (["--server", " "], {"EVAL_MODEL_URL": "https://a", "EVAL_MODEL": "m"}, "--server names no command"),
    ],
)
def test_what_cannot_be_used_is_named(
    arguments: list[str], environment: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments, environment) == 2
    assert said in capsys.readouterr().err


def test_the_readme_has_every_variable_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"], {})
    options = {word.strip("[],") for word in capsys.readouterr().out.split() if word.startswith(("--", "[--"))}

    assert {"--list", "--server-env"} < options
    assert [name for name in VARIABLES if f"| `{name}` |" not in README] == []
    assert [option for option in options - {"--help"} if f"`{option}" not in README] == []
