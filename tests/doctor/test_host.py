"""`wemasy-mcp doctor --host NAME`: what is wrong in a host's file, each with what to do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from api_document import TOOLS
from doctor.test_doctor import BUDGET, NOWHERE, REFUSED_VALUES
from support.answers import answer
from support.program import TOKEN
from support.raw_server import Script, raw_server
from wemasy_mcp.cli import run
from wemasy_mcp.doctor import host_start

MOVED = str(Path("/moved/.venv/bin/python").absolute())
STARTED = {"command": sys.executable, "args": ["-P", "-m", "wemasy_mcp"]}
CLAUDE = "claude-desktop"

Report = dict[str, tuple[str, str, str]]
Doctor = Callable[..., Report]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("WEMASY_", "SSL_CERT_", "XDG_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path / "home"))


@pytest.fixture
def doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command on a file with this content and returns its checks; the token is never in them."""

    def examine(host: str, content: object, *words: str, status: int = 1) -> Report:
        file = tmp_path / "file"
        if isinstance(content, bytes):
            file.write_bytes(content)
        elif content is not None:
            file.write_text(content if isinstance(content, str) else json.dumps(content))
        before = dict(os.environ)
        assert run(["doctor", "--json", "--host", host, "--file", str(file), *words]) == status
        assert dict(os.environ) == before
        said = capsys.readouterr()
        assert TOKEN not in said.out + said.err
        report: dict[str, Any] = json.loads(said.out)
        return {check["name"]: (check["result"], check["found"], check["advice"]) for check in report["checks"]}

    return examine


@pytest.fixture
def api() -> Iterator[str]:
    with ExitStack() as stack:
        yield f"http://127.0.0.1:{stack.enter_context(raw_server(Script(REFUSED_VALUES))).port}/api"


def holding(entry: dict[str, Any], name: str = "wemasy", container: str = "mcpServers") -> dict[str, Any]:
    return {container: {"other": {"command": "x"}, name: entry}}


def test_a_good_entry_is_started_and_its_token_checked_without_writing(doctor: Doctor, api: str) -> None:
    entry = STARTED | {"env": {"WEMASY_API_TOKEN": TOKEN, "WEMASY_BASE_URL": api}}

    report = doctor(CLAUDE, holding(entry), status=0)

    assert report["entry"] == ("ok", "wemasy", "")
    assert report["command"][1] == f"{sys.executable} starts and offers {', '.join(TOOLS)}"
    assert report["API"] == (
        "ok",
        "it accepts the token: 422 for the empty request, and nothing was written",
        "",
    )


def test_what_the_host_hands_on_counts_and_what_this_terminal_has_does_not(
    doctor: Doctor, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("WEMASY_BASE_URL", "http://127.0.0.1:1/api")
    entry = STARTED | {"env": {"WEMASY_API_TOKEN": "${env:WEMASY_API_TOKEN}", "WEMASY_BASE_URL": api}}

    assert doctor("cursor", holding(entry), status=0)["API"][0] == "ok"
    assert (
        "WEMASY_API_TOKEN is not set"
        in doctor(CLAUDE, holding(STARTED | {"env": {"WEMASY_BASE_URL": api}}))["token"][1]
    )


def test_a_file_of_variables_that_the_entry_names_counts(doctor: Doctor, api: str, tmp_path: Path) -> None:
    file = tmp_path / "wemasy.env"
    file.write_text(f"\ufeffWEMASY_API_TOKEN={TOKEN}\nWEMASY_BASE_URL=http://127.0.0.1:1\nEMPTY\n", "utf-8")
    entry = STARTED | {"envFile": str(file), "env": {"WEMASY_BASE_URL": api}}

    assert doctor("cursor", holding(entry), status=0)["API"][0] == "ok"


def test_codex_forwards_by_name(doctor: Doctor, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)
    lines = [
        "[mcp_servers.wemasy]",
        f"command = {json.dumps(sys.executable)}",
        'args = ["-P", "-m", "wemasy_mcp"]',
        'env_vars = ["WEMASY_API_TOKEN", "NOT_SET"]',
        f'env = {{ WEMASY_BASE_URL = "{api}" }}',
    ]

    assert doctor("codex", "\n".join(lines), status=0)["API"][0] == "ok"


@pytest.mark.parametrize(
    ("host", "content", "check", "found", "advice"),
    [
        pytest.param(CLAUDE, None, "file", "does not exist", "--write` creates it.", id="no file"),
        pytest.param(CLAUDE, '{\n"mcpServers": {', "file", "is not valid JSON: ", "Fix it there", id="broken"),
        pytest.param("codex", "[mcp_servers", "file", "is not valid TOML: ", "Fix it there", id="broken TOML"),
        pytest.param(
            CLAUDE,
            "\n{// mine\n}",
            "file",
            "line 2 has comments, which Claude Desktop does not",
            "Remove it",
            id="comments",
        ),
        pytest.param(
            CLAUDE, '{"a": 1,\n}', "file", "line 1 has trailing commas, which", "Remove it", id="trailing comma"
        ),
        pytest.param(CLAUDE, b"\xef\xbb\xbf{}", "file", "begins with a byte order mark", "Remove it", id="a mark"),
        pytest.param(
            "gemini-cli", "{// a\n}", "entry", "this server is not in mcpServers", "puts it there.", id="allowed"
        ),
        pytest.param(CLAUDE, "", "entry", "this server is not in mcpServers", "puts it there.", id="an empty file"),
        pytest.param(CLAUDE, [], "file", "does not hold a JSON object", "Empty it; then", id="no object"),
        pytest.param(
            CLAUDE, {"mcpServers": []}, "entry", "mcpServers is not an object", "Remove it there", id="a list"
        ),
        pytest.param(
            CLAUDE, {"mcpServers": None}, "entry", "this server is not in mcpServers", "puts it there.", id="null"
        ),
        pytest.param(
            CLAUDE, '{"a": 1, "a": 2}', "file", 'is not valid JSON: "a" is given twice', "Fix it there", id="twice"
        ),
        pytest.param(
            CLAUDE,
            holding(STARTED, container="mcpservers"),
            "entry",
            "Claude Desktop reads mcpServers; the file has mcpservers",
            "Rename it to mcpServers.",
            id="misspelt container",
        ),
        pytest.param(
            "zed",
            holding(STARTED),
            "entry",
            "Zed reads context_servers; the file has mcpServers",
            "Rename it to context_servers.",
            id="another host's container",
        ),
        pytest.param(
            CLAUDE,
            holding({"command": "/nowhere/python", "arg": ["-m", "wemasy_mcp"]}),
            "entry",
            "wemasy has arg",
            "Did you mean args?",
            id="misspelt member",
        ),
        pytest.param(
            CLAUDE,
            holding({"command": "/nowhere/python", "args": [], "environment": {}}),
            "entry",
            "wemasy has environment",
            "Did you mean env?",
            id="another host's member",
        ),
        pytest.param(
            CLAUDE,
            holding({"command": "x", "args": "-m wemasy_mcp"}),
            "entry",
            "args of the wrong type",
            "a list.",
            id="a text",
        ),
        pytest.param(
            "cline",
            holding({"command": "/x", "disabled": True}),
            "entry",
            "wemasy is switched off",
            "in Cline.",
            id="off",
        ),
        pytest.param(
            CLAUDE, "{}".encode("utf-16"), "file", "is not valid JSON: it is not UTF-8", "Fix it there", id="UTF-16"
        ),
        pytest.param(
            CLAUDE,
            holding({"command": MOVED, "args": ["-m", "wemasy_mcp"]}),
            "command",
            f"{MOVED} does not exist: its folder was moved, or its environment was removed",
            "Run `wemasy-mcp config claude-desktop --write` with the program installed now.",
            id="moved folder",
        ),
        pytest.param(
            CLAUDE,
            holding({"command": "no-such-uvx", "args": ["wemasy-mcp"]}),
            "command",
            "no-such-uvx is not on the PATH",
            "Run `wemasy-mcp config claude-desktop --write`",
            id="not on the PATH",
        ),
        pytest.param(
            CLAUDE,
            holding({"command": sys.executable, "args": ["-c", "import sys; sys.exit('broken')"]}),
            "command",
            f"{sys.executable} does not start a server: broken",
            "Run `wemasy-mcp config claude-desktop --write`",
            id="no server",
        ),
        pytest.param(
            CLAUDE,
            holding({"command": f"{sys.executable} -P -m wemasy_mcp"}),
            "command",
            " -P -m wemasy_mcp holds arguments, too",
            "Put each of them into args",
            id="arguments in the command",
        ),
        pytest.param(
            CLAUDE,
            holding({"command": f'"{sys.executable}"'}),
            "command",
            '" has quotes or spaces around it',
            "Remove them",
            id="quotes",
        ),
        pytest.param(
            CLAUDE,
            holding({"command": "~/.venv/bin/wemasy-mcp"}),
            "command",
            "~/.venv/bin/wemasy-mcp is not an absolute path: a host starts it in a folder of its own, and expands no ~",
            "Run `wemasy-mcp config claude-desktop --write`",
            id="no absolute path",
        ),
        pytest.param(
            CLAUDE,
            holding(STARTED | {"args": [*STARTED["args"], "--transport=sse"]}),
            "command",
            " serves HTTP, but Claude Desktop speaks to it over stdio",
            "Take --transport and WEMASY_TRANSPORT out of the entry.",
            id="another transport",
        ),
        pytest.param(
            CLAUDE,
            holding(STARTED | {"env": {"WEMASY_TRANSPORT": "streamable-http"}}),
            "command",
            " serves HTTP, but Claude Desktop speaks to it over stdio",
            "Take --transport and WEMASY_TRANSPORT out of the entry.",
            id="a variable for another transport",
        ),
        pytest.param(
            CLAUDE, holding({"args": []}), "command", "wemasy has neither a command nor a URL", "Run", id="no command"
        ),
    ],
)
def test_a_broken_state_is_named_with_what_to_do(
    doctor: Doctor, host: str, content: object, check: str, found: str, advice: str
) -> None:
    report = doctor(host, content)

    assert report[check][0] == "failed"
    assert found in report[check][1]
    assert advice in report[check][2]


@pytest.mark.posix
def test_a_script_whose_python_is_gone_is_told_from_one_that_is_gone(doctor: Doctor, tmp_path: Path) -> None:
    script = tmp_path / "wemasy-mcp"
    script.write_text("#!/removed/.venv/bin/python\n")
    script.chmod(0o700)

    report = doctor(CLAUDE, holding({"command": str(script), "args": []}))

    assert report["command"][1] == f"{script} needs a Python that was moved or removed"


@pytest.mark.posix
def test_another_python_is_told_from_a_removed_one(doctor: Doctor, tmp_path: Path) -> None:
    import venv

    venv.create(tmp_path / "other", symlinks=True)
    other = str(tmp_path / "other" / "bin" / "python")

    report = doctor(CLAUDE, holding({"command": other, "args": ["-P", "-m", "wemasy_mcp"]}))

    assert report["command"][1] == f"{other} is a different Python: wemasy-mcp is not installed there"


@pytest.mark.posix
@pytest.mark.parametrize("then", ["exec {python} -P -m wemasy_mcp", "exit 1"])
def test_what_else_prints_where_only_the_server_may_is_shown_without_the_token(
    doctor: Doctor, then: str, caplog: pytest.LogCaptureFixture
) -> None:
    commands = f"echo welcome $WEMASY_API_TOKEN; {then.format(python=sys.executable)}"

    report = doctor(
        CLAUDE, holding({"command": "/bin/sh", "args": ["-c", commands], "env": {"WEMASY_API_TOKEN": TOKEN}})
    )

    assert report["command"][:2] == ("failed", "/bin/sh prints what is not MCP: welcome [redacted]")
    assert "Only the server may write to its stdout." in report["command"][2]
    assert caplog.text == ""


def test_a_server_that_never_answers_is_given_up(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_start, "START_SECONDS", 0.2)

    report = doctor(CLAUDE, holding({"command": sys.executable, "args": ["-c", "import sys; sys.stdin.read()"]}))

    assert report["command"][1] == f"{sys.executable} does not start a server: no answer within 0.2 seconds"


def test_a_placeholder_and_a_misspelt_variable_are_named(doctor: Doctor) -> None:
    script = Path(sys.executable).with_name("wemasy-mcp")
    entry = {"command": script.name, "args": []}
    path = {"PATH": f"{script.parent}{os.pathsep}/bin"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", path["PATH"])
        report = doctor(CLAUDE, holding(entry | {"env": {"WEMASY_API_TOKEN": "YOUR_API_TOKEN"}}))
        misspelt = doctor(CLAUDE, holding(entry | {"env": {"WEMASY_API_TOKN": TOKEN, "WEMASY_BASE_URL": NOWHERE}}))

    found = script.with_suffix(".exe") if sys.platform == "win32" else script
    assert f"starts, found on this terminal's PATH as {found} and offers" in report["command"][1]
    assert report["settings"][1].startswith("WEMASY_API_TOKEN still holds a placeholder")
    assert report["settings"][2] == (
        "It comes from the entry wemasy of Claude Desktop; fix it there, or run `wemasy-mcp config claude-desktop "
        "--write`, which asks for it."
    )
    assert (
        "WEMASY_API_TOKN is set, but no setting has that name; did you mean WEMASY_API_TOKEN?"
        in misspelt["settings"][1]
    )
    assert misspelt["token"][0] == "failed"


def test_a_token_that_the_host_keeps_is_not_missed(doctor: Doctor) -> None:
    entry = STARTED | {
        "env": {"WEMASY_API_TOKEN": "${input:wemasy-api-token}", "WEMASY_BASE_URL": "http://127.0.0.1:1"}
    }

    report = doctor("vscode", holding(entry, container="servers"), status=1)

    assert report["token"] == ("skipped", "VS Code asks for it and stores it; it cannot be read from here", "")


def test_the_flags_of_the_command_count(doctor: Doctor, tmp_path: Path, api: str) -> None:
    file = tmp_path / "settings.env"
    file.write_text(f"WEMASY_API_TOKEN={TOKEN}\nWEMASY_BASE_URL={api}\n")
    plain, sandbox = dict(STARTED), STARTED | {"args": [*STARTED["args"], "--sandbox"]}
    plain["args"] = [*STARTED["args"], f"--env-file={file}"]
    both = {"mcpServers": {"wemasy": plain, "wemasy-sandbox": sandbox}}

    report = doctor(CLAUDE, both, status=0)
    assert report["entry"][1] == "wemasy; also there: wemasy-sandbox"
    assert report["API"][0] == "ok"
    assert doctor(CLAUDE, both, "--name", "wemasy-sandbox", status=0)["API"][0] == "skipped"
    assert doctor(CLAUDE, both, "--name", "work")["entry"][1:] == (
        "there is no work",
        "There is wemasy, wemasy-sandbox: choose it with --name.",
    )


@pytest.mark.parametrize(
    ("entry", "status", "found"),
    [
        ({"headers": {"Authorization": "Bearer ${env:MINE}"}}, 404, "answered 404"),
        ({"headers": {}}, 401, "answered 401: the entry's headers were not accepted"),
        ({"type": "sse"}, 401, "does not answer: "),
    ],
)
def test_a_server_that_is_reached_by_url_is_asked_with_the_entrys_headers(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any], status: int, found: str
) -> None:
    monkeypatch.setenv("MINE", TOKEN)
    with raw_server(Script(answer(status, b"{}", *BUDGET))) as seen:
        url = f"http://127.0.0.1:{seen.port}/mcp"
        report = doctor("cursor", holding(entry | {"url": url, "note": "wemasy"}))

    assert report["command"][0] == "failed"
    assert report["command"][1].startswith(f"{url} {found}")
    (request, *_) = seen.requests
    assert (request.headers.get("authorization") == f"Bearer {TOKEN}") is bool(entry.get("headers"))


@pytest.mark.parametrize(("transport", "kind"), [("streamable-http", "http"), ("sse", "sse")])
def test_a_server_that_answers_at_its_url_is_asked_for_its_tools(doctor: Doctor, transport: str, kind: str) -> None:
    command = [sys.executable, "-m", "wemasy_mcp", "--sandbox", "--transport", transport, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        url = next(found[0] for line in server.stderr if (found := re.search(r"http://127\S+/(mcp|sse)", line)))
        report = doctor("claude-code", holding({"type": kind, "url": url}), status=0)
        server.terminate()

    assert report["command"] == ("ok", f"{url} offers {', '.join(TOOLS)}", "")


def test_a_token_of_codex_for_a_url_is_taken_from_its_variable(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", TOKEN)
    with raw_server(Script(answer(401, b"{}", *BUDGET))) as seen:
        text = f'[mcp_servers.wemasy]\nurl = "http://127.0.0.1:{seen.port}/mcp"\nbearer_token_env_var = "MINE"\n'
        doctor("codex", text)

    assert seen.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (
            ["--host", "goose"],
            (
                "--host cannot be goose: Goose keeps its entries in no file known here. Without --host, doctor checks "
                "the environment that it runs in."
            ),
        ),
        (["--name", "x"], "--name needs --host."),
        (["--file", "x"], "--file needs --host."),
        (["--host", "cursor", "--file", "."], ". is not a regular file."),
    ],
)
def test_what_cannot_be_checked_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], refusal: str
) -> None:
    assert run(["doctor", *words]) == 2
    assert capsys.readouterr() == ("", f"wemasy-mcp: {refusal}\n")


def test_without_a_token_here_the_hosts_that_have_the_server_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    for file, text in (
        (".cursor/mcp.json", json.dumps(holding(STARTED))),
        (".junie/mcp/mcp.json", json.dumps(holding(STARTED))),
        (".warp/.mcp.json", "broken"),
        (".kiro/settings/mcp.json", "{}"),
    ):
        (home / file).parent.mkdir(parents=True)
        (home / file).write_text(text)
    monkeypatch.setenv("WEMASY_BASE_URL", "http://127.0.0.1:1/api")
    monkeypatch.chdir(tmp_path)

    run(["doctor"])
    both = capsys.readouterr().out
    (home / ".junie/mcp/mcp.json").unlink()
    run(["doctor"])

    assert (
        "Cursor and Junie on this machine have an entry for this server: `wemasy-mcp doctor --host cursor` or" in both
    )
    assert "Cursor on this machine has an entry for this server" in capsys.readouterr().out
