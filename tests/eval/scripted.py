"""What a good model does in each scenario, and what bad ones do: `scripts/`, played by the scripted model."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, Json

from support.program import TOKEN
from support.scripted_model import Call, Conversation, Player, Turn

from .scenario import OPERATIONS, Part

FOLDER = Path(__file__).parent / "scripts"


class ScriptedTurn(Part):
    """One reply of the model. A tool of the API's is named by its operation, as in a scenario."""

    calls: tuple[tuple[str, Json[dict[str, Any]]], ...] = ()
    says: str = ""


class BadScript(Part):
    """A model that does wrong, and the beginning of the reason that the judge must give."""

    does: str
    why: str
    turns: tuple[ScriptedTurn, ...] = Field(min_length=1)


class Scripts(Part):
    """Those of one scenario."""

    good: tuple[ScriptedTurn, ...] = Field(min_length=1)
    bad: tuple[BadScript, ...] = Field(min_length=1)


def load_scripts() -> dict[str, Scripts]:
    """Return the scripts by their scenario's name."""
    paths = sorted(FOLDER.glob("*.toml"))
    return {path.stem: Scripts.model_validate(tomllib.loads(path.read_text("utf-8"))) for path in paths}


def play_turns(turns: Sequence[ScriptedTurn]) -> Player:
    """Return a player that takes these turns one after another, in any number of conversations."""

    def choose(conversation: Conversation) -> Turn:
        made = 0
        for turn in turns:
            if made == len(conversation.results):
                break
            made += len(turn.calls)
        calls = tuple(Call(_offered(conversation, name), arguments) for name, arguments in turn.calls)
        return Turn(turn.says.replace("{token}", TOKEN), calls)

    return choose


def _offered(conversation: Conversation, name: str) -> str:
    """Return the tool that is meant, under the name that the server offers it by."""
    wanted = next((it.tool for operation, it in OPERATIONS.items() if operation == name), name)
    return next((tool for tool in conversation.tools if wanted.endswith(tool)), wanted)
