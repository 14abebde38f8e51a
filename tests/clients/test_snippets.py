"""The programs in docs/frameworks.md: whole, and run as they stand there where their framework is installed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .catalogue import Client, read_catalogue
from .environments import Program, inherited_environment
from .published import SAVE, UPDATE
from .runs import RUN_SECONDS
from .serving import serve
from .sessions import TOKEN
from .snippets import ADDRESS, PAGE, TRANSPORTS, Snippet, read_snippets

SNIPPETS = read_snippets()
CLIENTS = {client.id: client for client in read_catalogue()}
RUN = [(snippet, CLIENTS[snippet.framework]) for snippet in SNIPPETS if snippet.framework in CLIENTS]
SERVER_TOKEN = "a-server-token-for-tests"


def test_every_framework_has_a_program_for_each_transport() -> None:
    headings = re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    shown = [(snippet.framework, snippet.transport) for snippet in SNIPPETS]

    assert [transport for _, transport in shown] == list(TRANSPORTS) * len(headings)
    assert len(set(shown)) == len(shown) == 2 * len(headings)


def test_the_page_says_which_of_them_are_run() -> None:
    sections = PAGE.read_text("utf-8").split("\n## ")[1:]

    for section in sections:
        (framework,) = {snippet.framework for snippet in SNIPPETS if snippet.code in section}
        assert ("*Run by the tests.*" in section) is (framework in CLIENTS)


@pytest.mark.parametrize("snippet", [one for one in SNIPPETS if one.language == "python"], ids=str)
def test_a_program_is_whole_python(snippet: Snippet) -> None:
    compile(snippet.code, str(snippet), "exec")


@pytest.mark.clients
@pytest.mark.parametrize(("snippet", "client"), [pytest.param(*one, id=str(one[0])) for one in RUN])
def test_a_program_runs_as_it_stands_on_the_page(
    snippet: Snippet, client: Client, programs: dict[str, Program], tmp_path: Path
) -> None:
    program = programs[client.id]
    scripts = Path(sys.executable).parent
    environment = inherited_environment() | {"HOME": str(tmp_path)}
    environment["PATH"] = f"{scripts}{os.pathsep}{environment['PATH']}"
    if snippet.transport == "stdio":
        said = _run(snippet.code, snippet, program, environment | TOKEN, tmp_path)
    else:
        settings = TOKEN | {"WEMASY_SERVER_TOKEN": SERVER_TOKEN}
        with serve("streamable-http", settings, tmp_path / "server.log") as server:
            code = snippet.code.replace(ADDRESS, server["url"].split("/")[2])
            said = _run(code, snippet, program, environment | {"WEMASY_SERVER_TOKEN": SERVER_TOKEN}, tmp_path)

    assert SAVE in said
    assert UPDATE in said


def _run(code: str, snippet: Snippet, program: Program, environment: dict[str, str], directory: Path) -> str:
    # Node looks for packages beside the script, Python in its own environment.
    is_python = snippet.language == "python"
    script = directory / "snippet.py" if is_python else program.directory / f"snippet-{snippet.transport}.mjs"
    script.write_text(code)
    done = subprocess.run(
        [program.command[0], str(script)],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
        cwd=directory,
        env=environment,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    return done.stdout
