"""How the running program is started again."""

import shutil
import sys
from pathlib import Path

import pytest

from wemasy_mcp.config.launcher import find_launcher


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bin" / "wemasy-mcp"
    path.parent.mkdir()
    path.touch()
    monkeypatch.setattr(sys, "argv", [str(path)])
    monkeypatch.delenv("UV", raising=False)
    return path


def test_the_script_that_runs_is_named_by_its_absolute_path(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(script.parent)
    monkeypatch.setattr(sys, "argv", ["wemasy-mcp"])

    assert find_launcher() == (str(script), ())


def test_a_link_is_named_itself_because_it_outlives_an_upgrade(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "wemasy-mcp"
    link.symlink_to(script)
    monkeypatch.setattr(sys, "argv", [str(link)])

    assert find_launcher() == (str(link), ())


def test_on_windows_the_suffix_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wemasy-mcp.exe").touch()
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "wemasy-mcp")])

    assert find_launcher() == (str(tmp_path / "wemasy-mcp.exe"), ())


def test_without_a_script_the_interpreter_runs_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "__main__.py")])

    assert find_launcher() == (sys.executable, ("-m", "wemasy_mcp"))


@pytest.mark.parametrize(
    ("prefix", "runner", "arguments"),
    [
        ("/home/u/.cache/uv/archive-v0/abc", "uvx", ("wemasy-mcp",)),
        ("/anywhere/archive-v0/abc", "uvx", ("wemasy-mcp",)),
        ("/home/u/.local/pipx/.cache/abc", "pipx", ("run", "wemasy-mcp")),
        ("/home/u/.cache/pipx/abc", "pipx", ("run", "wemasy-mcp")),
    ],
)
def test_in_a_passing_environment_the_runner_that_made_it_is_named(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, runner: str, arguments: tuple[str, ...]
) -> None:
    program = tmp_path / runner
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_launcher() == (str(program), arguments)


def test_uvx_is_found_beside_the_uv_that_runs(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uvx").touch(mode=0o755)
    monkeypatch.setattr(sys, "prefix", "/home/u/.cache/uv/archive-v0/abc")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("UV", str(tmp_path / "uv"))

    assert find_launcher() == (str(tmp_path / "uvx"), ("wemasy-mcp",))


def test_a_runner_that_is_not_found_is_not_named(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/home/u/.cache/uv/archive-v0/abc")
    monkeypatch.setenv("PATH", "/nowhere")
    assert shutil.which("uvx") is None

    assert find_launcher() == (str(script), ())
