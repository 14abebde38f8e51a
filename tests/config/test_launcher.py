"""How the running program is started again."""

import errno
import json
import os
import sys
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

import pytest

from wemasy_mcp.cli import run
from wemasy_mcp.config import installed_source, trial_start
from wemasy_mcp.config.launcher import find_launcher
from wemasy_mcp.config.trial_start import start_once

WINDOWS = sys.platform == "win32"


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


@pytest.mark.posix
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


def test_without_a_script_the_interpreter_runs_the_module_and_nothing_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "__main__.py")])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "moved" / ".." / "python"))

    assert find_launcher() == (str(tmp_path / "python"), ("-P", "-m", "wemasy_mcp"))


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, *, source: object = None, requires: str = "") -> None:
    """Let this program be what the metadata in `folder` says."""
    info = folder / "wemasy_mcp-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: wemasy-mcp\nVersion: 1.2\n{requires}")
    if source is not None:
        (info / "direct_url.json").write_text(json.dumps(source))
    monkeypatch.setattr(installed_source, "distribution", lambda name: Distribution.at(info))


UV, OWN_UV = "/home/u/.cache/uv/archive-v0/abc", "/anywhere/uv/builds-v0/.tmp1"
PIPX = {
    "in its home": "/home/u/.local/pipx/.cache/abc",
    "Linux": "/home/u/.cache/pipx/abc",
    "macOS": "/Users/u/Library/Caches/pipx/abc",
    "Windows": "/Users/u/AppData/Local/pipx/pipx/Cache/abc",
}


def put_runner(folder: Path, name: str) -> Path:
    """A program in `folder` that is found by its name."""
    program = folder / (f"{name}.exe" if WINDOWS else name)
    program.touch(mode=0o755)
    return program


@pytest.mark.parametrize(
    ("prefix", "before"),
    [(UV, ["uvx", "--from"]), (OWN_UV, ["uvx", "--from"])]
    + [pytest.param(folder, ["pipx", "run", "--spec"], id=f"pipx, {system}") for system, folder in PIPX.items()],
)
@pytest.mark.parametrize(
    ("source", "requirement"),
    [
        (None, "wemasy-mcp==1.2"),
        ({"url": "file:///src/wemasy", "dir_info": {}}, "wemasy-mcp @ file:///src/wemasy"),
        ({"url": "https://x.example/w.whl", "archive_info": {}}, "wemasy-mcp @ https://x.example/w.whl"),
        (
            {"url": "https://x.example/w", "vcs_info": {"vcs": "git", "commit_id": "abc"}, "subdirectory": "py"},
            "wemasy-mcp @ git+https://x.example/w@abc#subdirectory=py",
        ),
    ],
)
def test_in_a_passing_environment_the_runner_that_made_it_starts_the_same_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prefix: str,
    before: list[str],
    source: object,
    requirement: str,
) -> None:
    program = put_runner(tmp_path, before[0])
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setenv("PATH", str(tmp_path))
    install(monkeypatch, tmp_path, source=source)

    command, arguments = find_launcher()

    assert Path(command) == program  # Windows finds it by a name in other letters
    assert arguments == (*before[1:], requirement, "wemasy-mcp")


def test_the_extras_that_are_there_are_asked_for_again(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_runner(tmp_path, "uvx")
    monkeypatch.setattr(sys, "prefix", UV)
    monkeypatch.setenv("PATH", str(tmp_path))
    install(
        monkeypatch,
        tmp_path,
        requires="Requires-Dist: anyio>=4\nRequires-Dist: pytest<10,>=9; extra == 'config'\n"
        "Requires-Dist: mypy>=1; extra == \"redis\"\nRequires-Dist: not-there-at-all; extra == 'redis'\n",
    )

    assert find_launcher()[1] == ("--from", "wemasy-mcp[config]==1.2", "wemasy-mcp")


def test_uvx_is_found_beside_the_uv_that_runs(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uvx = put_runner(tmp_path, "uvx")
    monkeypatch.setattr(sys, "prefix", UV)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("UV", str(tmp_path / "uv"))

    assert Path(find_launcher()[0]) == uvx


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["config", "cursor", "--sandbox"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_a_runner_that_is_not_found_is_not_named(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "prefix", UV)
    monkeypatch.setenv("PATH", "/nowhere")

    assert refused(capsys) == (
        "wemasy-mcp: config runs in an environment that uvx will remove, and uvx is not on the PATH.\n"
    )


def test_a_source_with_credentials_or_without_metadata_is_not_written_down(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_runner(tmp_path, "uvx")
    monkeypatch.setattr(sys, "prefix", UV)
    monkeypatch.setenv("PATH", str(tmp_path))
    install(monkeypatch, tmp_path / "a", source={"url": "https://user:secret@x.example/w.whl"})

    said = refused(capsys)
    assert "the URL carries credentials" in said
    assert "secret" not in said

    def missing(name: str) -> Distribution:
        raise PackageNotFoundError

    monkeypatch.setattr(installed_source, "distribution", missing)
    assert "it has no metadata" in refused(capsys)


STARTED_AS_A_HOST_WOULD = """
import os, sys, time
assert sys.argv[1:] == ["--version"]
assert "WEMASY_API_TOKEN" not in os.environ
assert "PYTHONPATH" not in os.environ
"""


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("print('wemasy-mcp 1.2')", ""),
        (
            "sys.exit(\"Traceback\\nModuleNotFoundError: No module named 'anyio'\")",
            "exit status 1, ModuleNotFoundError: No module named 'anyio'",
        ),
        ("print('something else')", "exit status 0, it said nothing"),
        ("time.sleep(60)", "it did not answer within 0.2 seconds"),
    ],
)
def test_a_command_is_started_once_as_a_host_would(monkeypatch: pytest.MonkeyPatch, code: str, problem: str) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", "wmsy-0123456789abcdef")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr(trial_start, "START_SECONDS", 0.2 if problem.startswith("it did") else 30)

    assert start_once(sys.executable, ("-c", STARTED_AS_A_HOST_WOULD + code)) == problem


def test_a_command_that_is_not_there_is_named_with_the_systems_words(tmp_path: Path) -> None:
    program = str(tmp_path / "program")

    problem = start_once(program, ())

    assert problem.startswith(f"{program}: ")
    assert WINDOWS or problem.endswith(f": {os.strerror(errno.ENOENT)}")
