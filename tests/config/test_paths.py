"""Where each host's file is, on each system."""

from pathlib import Path

import pytest

from wemasy_mcp.config.paths import Paths
from wemasy_mcp.config.registry import HOSTS

HOME = Path("/home/u")
FILES = {host.name: host.file for host in HOSTS if host.file is not None}


@pytest.mark.parametrize(
    ("host", "linux", "darwin", "win32"),
    [
        (
            "claude-desktop",
            ".config/Claude/claude_desktop_config.json",
            "Library/Application Support/Claude/claude_desktop_config.json",
            "AppData/Roaming/Claude/claude_desktop_config.json",
        ),
        ("cursor", *[".cursor/mcp.json"] * 3),
        (
            "vscode",
            ".config/Code/User/mcp.json",
            "Library/Application Support/Code/User/mcp.json",
            "AppData/Roaming/Code/User/mcp.json",
        ),
        ("windsurf", *[".codeium/windsurf/mcp_config.json"] * 3),
        ("zed", ".config/zed/settings.json", ".config/zed/settings.json", "AppData/Roaming/Zed/settings.json"),
        ("gemini-cli", *[".gemini/settings.json"] * 3),
        ("codex", *[".codex/config.toml"] * 3),
        ("opencode", *[".config/opencode/opencode.json"] * 3),
    ],
)
def test_a_hosts_file_is_where_its_documentation_says(host: str, linux: str, darwin: str, win32: str) -> None:
    for platform, place in (("linux", linux), ("darwin", darwin), ("win32", win32)):
        assert FILES[host](Paths.of(platform, HOME, {})) == HOME / place


def test_claude_codes_file_is_the_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert FILES["claude-code"](Paths.of_this_machine()) == tmp_path / ".mcp.json"


def test_variables_move_the_folders() -> None:
    moved = {"XDG_CONFIG_HOME": "/x", "APPDATA": "/a/Roaming", "CODEX_HOME": "/c"}

    assert FILES["zed"](Paths.of("linux", HOME, moved)) == Path("/x/zed/settings.json")
    assert FILES["zed"](Paths.of("win32", HOME, moved)) == Path("/a/Roaming/Zed/settings.json")
    assert FILES["codex"](Paths.of("linux", HOME, moved)) == Path("/c/config.toml")


def test_an_opencode_file_with_comments_is_taken_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "opencode").mkdir()
    (tmp_path / "opencode" / "opencode.jsonc").touch()

    paths = Paths.of("linux", HOME, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert FILES["opencode"](paths) == tmp_path / "opencode" / "opencode.jsonc"
