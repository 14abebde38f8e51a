"""What the network tests share: an API on loopback, and the command line that refuses."""

import os
from collections.abc import Iterator

import pytest

from network.processes import TOKEN
from network.refusals import Refusal
from network.upstream import Upstream
from wemasy_mcp.cli import run


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream().running() as api:
        yield api


@pytest.fixture(scope="module", params=["plain", "fast"])
def http_stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """With the extra `fast`, and as if it were not installed: in the server's process."""
    if request.param == "fast":
        yield
        return
    folder = tmp_path_factory.mktemp("plain")
    (folder / "sitecustomize.py").write_text("import sys\n\nsys.modules['uvloop'] = None\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        yield


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
