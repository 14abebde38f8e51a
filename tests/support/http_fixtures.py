"""What the network tests share: an API on loopback, and the command line that refuses."""

import os
from collections.abc import Iterator

import pytest

from support.held_api import Upstream
from support.program import TOKEN
from support.refusals import Refusal
from wemasy_mcp.cli import run


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream().in_thread() as api:
        yield api


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refusal:
    def refused(*arguments: str, **settings: str) -> str:
        for name in [name for name in os.environ if name.startswith("WEMASY_")]:
            monkeypatch.delenv(name)
        for name, value in {"WEMASY_API_TOKEN": TOKEN, **settings}.items():
            monkeypatch.setenv(name, value)

        status = run(arguments)
        out, err = capfd.readouterr()

        assert (status, out, err.count("\n")) == (2, "", 1), err
        return err

    return refused
