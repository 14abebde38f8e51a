"""What `wemasy-mcp config HOST` prints, held against each host's own documentation."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from api_document import TOOLS
from config.documented import DOCUMENTED, Documented, only_entry
from support.shell import words_of
from wemasy_mcp.cli import run
from wemasy_mcp.config import NAMES
from wemasy_mcp.config.registry import HOSTS
from wemasy_mcp.pasted_token import read_token

TOKEN = "wmsy-0123456789abcdef"
PASTED = {"goose", "librechat", "open-webui", "n8n", "claude-ai", "chatgpt"}
"""Hosts whose entry is YAML, or a form to fill in."""
EVERY_PAGE = pytest.mark.parametrize("page", DOCUMENTED.values(), ids=DOCUMENTED)


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEMASY_API_TOKEN", raising=False)
    monkeypatch.delenv("WEMASY_SERVER_TOKEN", raising=False)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    def entry(*words: str) -> str:
        assert run(["config", *words]) == 0
        return capsys.readouterr().out

    return entry


def name_of(page: Documented) -> str:
    return next(name for name, documented in DOCUMENTED.items() if documented is page)


def test_every_host_is_offered_and_documented_here() -> None:
    assert tuple(host.name for host in HOSTS) == NAMES
    assert {*DOCUMENTED, *PASTED} == set(NAMES)


@pytest.mark.parametrize("kind", ["local", "remote"])
@EVERY_PAGE
def test_the_documented_example_has_the_members_that_are_listed_here(page: Documented, kind: str) -> None:
    example = page.local if kind == "local" else page.remote or page.local

    for name, value in only_entry(page.read(example), page.container).items():
        assert isinstance(value, page.members[name])


@EVERY_PAGE
def test_an_entry_that_starts_the_server_has_the_form_of_the_documented_example(page: Documented, printed: Any) -> None:
    found = page.read(printed(name_of(page)))

    entry, example = only_entry(found, page.container), only_entry(page.read(page.local), page.container)
    assert set(found) <= {page.container[0], *page.also}
    for name, value in entry.items():
        assert isinstance(value, page.members[name])
    assert ("type" in entry) == ("type" in example)
    assert entry.get("type") == example.get("type")
    assert type(entry["command"]) is type(example["command"])


@pytest.mark.parametrize("name", [name for name in DOCUMENTED if name not in {"claude-desktop", "junie"}])
def test_an_entry_with_a_url_has_the_form_of_the_documented_example(
    name: str, printed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = DOCUMENTED[name]
    monkeypatch.setenv("WEMASY_SERVER_TOKEN", TOKEN)
    text = printed(name, "--transport", "streamable-http", "--url", "https://mcp.example/mcp")

    entry = only_entry(page.read(text), page.container)
    assert "https://mcp.example/mcp" in entry.values()
    assert TOKEN not in text
    for member, value in entry.items():
        assert isinstance(value, page.members[member])
    if page.remote is not None:
        example = only_entry(page.read(page.remote), page.container)
        assert entry.get("type") == example.get("type")
        assert {"url", "httpUrl", "serverUrl"} & set(entry) == {"url", "httpUrl", "serverUrl"} & set(example)


@pytest.mark.parametrize(
    ("host", "reference"),
    [
        ("claude-code", "${WEMASY_API_TOKEN}"),
        ("cursor", "${env:WEMASY_API_TOKEN}"),
        ("vscode", "${input:wemasy-api-token}"),
        ("windsurf", "${env:WEMASY_API_TOKEN}"),
        ("gemini-cli", "${WEMASY_API_TOKEN}"),
        ("opencode", "{env:WEMASY_API_TOKEN}"),
        ("claude-desktop", "YOUR_API_TOKEN"),
        ("zed", "YOUR_API_TOKEN"),
        ("jetbrains", "YOUR_API_TOKEN"),
        ("copilot-cli", "${WEMASY_API_TOKEN}"),
        ("qwen-code", "${WEMASY_API_TOKEN}"),
        ("kiro", "${WEMASY_API_TOKEN}"),
        ("amp", "${WEMASY_API_TOKEN}"),
        ("factory", "${WEMASY_API_TOKEN}"),
        *((host, "YOUR_API_TOKEN") for host in ("devin", "junie", "antigravity", "kimi", "cline", "continue")),
        *((host, "YOUR_API_TOKEN") for host in ("warp", "lm-studio")),
    ],
)
def test_the_token_is_the_hosts_own_reference_or_a_placeholder_and_never_printed(
    host: str, reference: str, printed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)
    text = printed(host)

    entry = only_entry(DOCUMENTED[host].read(text), DOCUMENTED[host].container)
    assert (entry.get("env") or entry["environment"]) == {"WEMASY_API_TOKEN": reference}
    assert TOKEN not in text


@pytest.mark.parametrize("reference", ["${WEMASY_API_TOKEN}", "${env:WEMASY_API_TOKEN}", "YOUR_API_TOKEN"])
def test_a_reference_that_no_host_has_filled_in_is_recognised_by_the_server(reference: str) -> None:
    with pytest.raises(ValueError, match="still holds a placeholder"):
        read_token(reference)


def test_vscode_is_told_to_ask_for_the_token(printed: Any) -> None:
    found = DOCUMENTED["vscode"].read(printed("vscode"))

    (one,) = found["inputs"]
    assert one == {
        "type": "promptString",
        "id": "wemasy-api-token",
        "description": "Wemasy API token",
        "password": True,
    }


def test_vscode_asks_for_the_servers_own_token_by_another_name(printed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEMASY_SERVER_TOKEN", TOKEN)
    found = DOCUMENTED["vscode"].read(printed("vscode", "--transport", "sse"))

    (one,) = found["inputs"]
    assert (one["id"], one["description"]) == ("wemasy-server-token", "Token of the wemasy-mcp server")
    assert found["servers"]["wemasy"] == {
        "type": "sse",
        "url": "http://127.0.0.1:8000/sse",
        "headers": {"Authorization": "Bearer ${input:wemasy-server-token}"},
    }


def test_codex_forwards_the_variable_and_names_the_one_of_the_bearer_token(
    printed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = DOCUMENTED["codex"].read
    assert read(printed("codex"))["mcp_servers"]["wemasy"]["env_vars"] == ["WEMASY_API_TOKEN"]
    assert read(printed("codex", "--transport", "streamable-http"))["mcp_servers"]["wemasy"] == {
        "url": "http://127.0.0.1:8000/mcp"
    }

    monkeypatch.setenv("WEMASY_SERVER_TOKEN", TOKEN)
    assert read(printed("codex", "--transport", "streamable-http"))["mcp_servers"]["wemasy"] == {
        "url": "http://127.0.0.1:8000/mcp",
        "bearer_token_env_var": "WEMASY_SERVER_TOKEN",
    }


def test_gemini_has_another_member_for_sse(printed: Any) -> None:
    found = DOCUMENTED["gemini-cli"].read(printed("gemini-cli", "--transport", "sse"))

    assert found["mcpServers"]["wemasy"] == {"url": "http://127.0.0.1:8000/sse"}


@EVERY_PAGE
def test_the_sandbox_entry_needs_no_secret(page: Documented, printed: Any) -> None:
    text = printed(name_of(page), "--sandbox")

    assert "--sandbox" in text
    assert "WEMASY_API_TOKEN" not in text
    assert "wemasy-sandbox" in text
    assert "inputs" not in text


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (
            ["claude-desktop", "--transport", "sse"],
            "--transport cannot be sse with claude-desktop; Claude Desktop takes",
        ),
        (["codex", "--transport", "sse"], "--transport cannot be sse with codex; Codex takes stdio, streamable-http."),
        (["cursor", "--url", "http://x/mcp"], "--url needs --transport sse or streamable-http."),
        *(
            (
                ["cursor", "--transport", "sse", "--url", url],
                "--url should be a complete URL, such as https://mcp.example.com/mcp.",
            )
            for url in (
                "not a url",
                "mcp.example.com/mcp",
                "ftp://x/mcp",
                "https:///mcp",
                "https://[x/mcp",
                "http://x:99999/",
            )
        ),
        (["cursor", "--sandbox", "--transport", "sse"], "--sandbox needs --transport stdio"),
        (["jetbrains", "--write"], "--write cannot be used with jetbrains: JetBrains AI Assistant has no file for it."),
        (["goose", "--write", "--file", "x.yaml"], "--write cannot be used with goose: Goose has no file for it."),
        (["cursor", "--user-token"], "--user-token needs --transport sse or streamable-http."),
        (["cursor", "--name", "two words"], "--name should be at most 35 letters, digits, hyphens and underscores."),
        (["claude-ai"], "--url should be a public https URL: claude.ai connects from its own servers, not from this"),
        (["chatgpt", "--url", "http://mcp.example/mcp"], "--url should be a public https URL: ChatGPT connects"),
    ],
)
def test_what_a_host_cannot_do_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], refusal: str
) -> None:
    assert run(["config", *words]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"wemasy-mcp: {refusal}")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "notes"),
    [
        (["jetbrains"], ["Paste it under Settings", "Put the token in place of YOUR_API_TOKEN."]),
        (["vscode"], ["VS Code reads it from ", "VS Code asks for the token when it first starts the server"]),
        (
            ["codex"],
            [
                "Codex reads it from ",
                "Set WEMASY_API_TOKEN in the environment that Codex is started from.",
                "For `codex exec`, add required = true and default_tools_approval_mode",
            ],
        ),
        (
            ["gemini-cli"],
            [
                "Gemini CLI reads it from ",
                "Or run: gemini mcp add --scope user ",
                "Set WEMASY_API_TOKEN in",
                'For `gemini -p`, add "trust": true to the entry',
            ],
        ),
        (["cursor", "--transport", "sse"], ["Cursor reads it from ", "The entry sends no Authorization header; set "]),
        (["chatgpt", "--url", "https://mcp.example/mcp"], ["Enter it under Settings, Apps"]),
        (["zed", "--sandbox"], ["Zed reads it from "]),
    ],
)
def test_what_is_to_be_done_goes_to_stderr(
    capsys: pytest.CaptureFixture[str], words: list[str], notes: list[str]
) -> None:
    assert run(["config", *words]) == 0

    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(notes)
    for line, note in zip(said, notes, strict=True):
        assert line.startswith(note)


@pytest.mark.parametrize("words", [[], ["--write"]])
def test_what_a_run_that_nobody_watches_needs_is_said_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(["config", "claude-code", "--name", "work", "--file", str(tmp_path / "mcp.json"), *words]) == 0

    assert capsys.readouterr().err.splitlines()[-1] == (
        "For `claude -p`, allow the tools with --allowedTools mcp__work, and set MCP_CONNECTION_NONBLOCKING=0: "
        "otherwise its first turn may come before they are there."
    )


def test_an_entry_of_goose_forwards_the_variable_by_name(printed: Any) -> None:
    lines = printed("goose").splitlines()

    assert lines[:2] == ["extensions:", "  wemasy:"]
    members = dict(line.strip().split(": ", 1) for line in lines[2:])
    assert members["type"] == '"stdio"'
    assert members["env_keys"] == '["WEMASY_API_TOKEN"]'
    assert json.loads(members["args"])[-1] == "wemasy_mcp"


def test_librechat_takes_the_token_from_its_environment(printed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEMASY_SERVER_TOKEN", TOKEN)

    assert printed("librechat", "--url", "https://mcp.example/mcp").splitlines() == [
        "mcpServers:",
        "  wemasy:",
        '    type: "streamable-http"',
        '    url: "https://mcp.example/mcp"',
        '    headers: {"Authorization": "Bearer ${WEMASY_SERVER_TOKEN}"}',
        "    requiresOAuth: false",
    ]


def test_librechat_may_offer_a_login_where_no_token_is_sent(printed: Any) -> None:
    assert "requiresOAuth" not in printed("librechat", "--url", "https://mcp.example/mcp")


@pytest.mark.parametrize("host", ["n8n", "open-webui"])
def test_a_form_is_printed_field_by_field(host: str, printed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEMASY_SERVER_TOKEN", TOKEN)

    assert printed(host).splitlines() == [
        "URL            http://127.0.0.1:8000/mcp",
        "Authorization  Bearer YOUR_SERVER_TOKEN",
    ]


def test_a_connector_of_the_cloud_takes_the_public_url_alone(printed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEMASY_SERVER_TOKEN", TOKEN)

    assert printed("claude-ai", "--url", "https://mcp.example/mcp") == "URL  https://mcp.example/mcp\n"


def test_each_users_own_token_is_sent_in_its_header(printed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEMASY_SERVER_TOKEN", TOKEN)
    words = ("--transport", "streamable-http", "--user-token")

    assert json.loads(printed("cursor", *words))["mcpServers"]["wemasy"]["headers"] == {
        "Authorization": "Bearer ${env:WEMASY_SERVER_TOKEN}",
        "X-Wemasy-Token": "${env:WEMASY_API_TOKEN}",
    }
    monkeypatch.setenv("WEMASY_USER_TOKEN_HEADER", "X-Mine")
    assert tomllib.loads(printed("codex", *words))["mcp_servers"]["wemasy"] == {
        "url": "http://127.0.0.1:8000/mcp",
        "bearer_token_env_var": "WEMASY_SERVER_TOKEN",
        "env_http_headers": {"X-Mine": "WEMASY_API_TOKEN"},
    }
    assert 'env_keys: ["WEMASY_SERVER_TOKEN", "WEMASY_API_TOKEN"]' in printed("goose", *words)

    monkeypatch.setenv("WEMASY_USER_TOKEN_HEADER", "no header")
    assert run(["config", "cursor", *words]) == 2


@pytest.mark.parametrize(
    ("host", "words", "expected"),
    [
        ("cursor", (), '"WEMASY_API_TOKEN": "${env:TOKEN_OF_WORK}"'),
        ("vscode", (), '"WEMASY_API_TOKEN": "${input:token-of-work}"'),
        ("claude-desktop", (), '"WEMASY_API_TOKEN": "YOUR_API_TOKEN"'),
        ("codex", (), 'env = { WEMASY_API_TOKEN = "YOUR_API_TOKEN" }'),
        ("goose", (), 'envs: {"WEMASY_API_TOKEN": "YOUR_API_TOKEN"}'),
        ("codex", ("--transport", "streamable-http"), 'bearer_token_env_var = "SERVER_TOKEN_OF_WORK"'),
    ],
)
def test_a_second_account_has_a_name_and_a_token_of_its_own(
    host: str, words: tuple[str, ...], expected: str, printed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_SERVER_TOKEN", TOKEN)

    text = printed(host, "--name", "work", *words)

    assert expected in text
    assert "work" in text


@pytest.mark.parametrize("host", ["claude-code", "copilot-cli", "gemini-cli", "qwen-code", "amp"])
def test_the_hosts_own_command_says_the_same_and_holds_no_token(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)
    run(["config", host])

    said = capsys.readouterr()
    entry = only_entry(DOCUMENTED[host].read(said.out), DOCUMENTED[host].container)
    (command,) = [line.removeprefix("Or run: ") for line in said.err.splitlines() if line.startswith("Or run: ")]
    words = words_of(command)
    assert "wemasy" in words
    if host == "claude-code":
        assert json.loads(words[-1]) == entry
    else:
        assert words[words.index("--env") + 1] == "WEMASY_API_TOKEN=${WEMASY_API_TOKEN}"
        words.remove("--")
        assert words[-len(entry["args"]) - 1 :] == [entry["command"], *entry["args"]]
    assert TOKEN not in said.err


@pytest.mark.parametrize(
    ("host", "behind"), [("gemini-cli", "-P"), ("qwen-code", "-P"), ("copilot-cli", sys.executable)]
)
def test_the_hosts_own_command_does_not_take_the_programs_flags_for_its_own(
    host: str, behind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["config", host])

    (command,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Or run: ")]
    words = words_of(command)
    assert words[words.index("--") + 1] == behind


def test_on_windows_the_command_is_quoted_for_its_shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    python = Path("/Program Files/python").absolute()
    monkeypatch.setattr(sys, "executable", str(python))

    run(["config", "gemini-cli", "--sandbox"])

    assert f'wemasy-sandbox "{python}" -- -P -m wemasy_mcp --sandbox' in capsys.readouterr().err


SCRIPT = [str(Path(sys.executable).with_name("wemasy-mcp"))]
MODULE = [sys.executable, "-m", "wemasy_mcp"]


@pytest.mark.parametrize(
    ("host", "program"), [("claude-desktop", SCRIPT), ("vscode", MODULE), ("codex", MODULE), ("opencode", SCRIPT)]
)
def test_the_entry_starts_a_server_in_a_bare_environment_and_in_a_folder_that_shadows_modules(
    host: str, program: list[str], tmp_path: Path
) -> None:
    for shadow in ("mcp", "anyio", "wemasy_mcp", "json"):
        (tmp_path / f"{shadow}.py").write_text("raise SystemExit('code of the folder ran')")
    child = subprocess.run(
        [*program, "config", host, "--sandbox"], capture_output=True, check=True, timeout=30, text=True
    )
    entry = only_entry(DOCUMENTED[host].read(child.stdout), DOCUMENTED[host].container)
    command, *rest = entry["command"] if isinstance(entry["command"], list) else [entry["command"]]
    assert Path(command).is_absolute()
    server = StdioServerParameters(
        command=command, args=[*rest, *entry.get("args", [])], env={"PATH": "/nowhere"}, cwd=tmp_path
    )

    async def tools() -> list[str]:
        with anyio.fail_after(30):
            async with Client(server) as client:
                return [tool.name for tool in (await client.list_tools()).tools]

    assert anyio.run(tools) == TOOLS
