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
        ("devin", *[".config/devin/mcp_config.json"] * 2, "AppData/Roaming/devin/mcp_config.json"),
        ("copilot-cli", *[".copilot/mcp-config.json"] * 3),
        ("junie", *[".junie/mcp/mcp.json"] * 3),
        ("antigravity", *[".gemini/config/mcp_config.json"] * 3),
        ("qwen-code", *[".qwen/settings.json"] * 3),
        ("kimi", *[".kimi-code/mcp.json"] * 3),
        ("kiro", *[".kiro/settings/mcp.json"] * 3),
        ("cline", *[".cline/data/settings/cline_mcp_settings.json"] * 3),
        ("amp", *[".config/amp/settings.json"] * 3),
        ("factory", *[".factory/mcp.json"] * 3),
        ("warp", *[".warp/.mcp.json"] * 3),
        ("lm-studio", *[".lmstudio/mcp.json"] * 3),
    ],
)
def test_a_hosts_file_is_where_its_documentation_says(host: str, linux: str, darwin: str, win32: str) -> None:
    for platform, place in (("linux", linux), ("darwin", darwin), ("win32", win32)):
        assert FILES[host](Paths(platform, HOME, {})) == HOME / place


def test_claude_codes_file_is_the_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert FILES["claude-code"](Paths.of_this_machine()) == tmp_path / ".mcp.json"
    assert FILES["continue"](Paths.of_this_machine()) == tmp_path / ".continue" / "mcpServers" / "wemasy.json"


def test_variables_move_the_folders() -> None:
    moved = {"XDG_CONFIG_HOME": "/x", "APPDATA": "/a/elsewhere", "CODEX_HOME": "/c", "COPILOT_HOME": "/p"}
    moved["CLINE_MCP_SETTINGS_PATH"] = "/l/mine.json"

    assert FILES["zed"](Paths("linux", HOME, moved)) == Path("/x/zed/settings.json")
    assert FILES["zed"](Paths("win32", HOME, moved)) == Path("/a/elsewhere/Zed/settings.json")
    assert FILES["codex"](Paths("linux", HOME, moved)) == Path("/c/config.toml")
    assert FILES["copilot-cli"](Paths("darwin", HOME, moved)) == Path("/p/mcp-config.json")
    assert FILES["cline"](Paths("darwin", HOME, moved)) == Path("/l/mine.json")


def test_an_opencode_file_with_comments_is_taken_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "opencode").mkdir()
    (tmp_path / "opencode" / "opencode.jsonc").touch()

    paths = Paths("linux", HOME, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert FILES["opencode"](paths) == tmp_path / "opencode" / "opencode.jsonc"


def test_claude_desktops_package_on_windows_has_its_own_folder(tmp_path: Path) -> None:
    packages = tmp_path / "Locäl" / "Packages"
    private = packages / "Claude_pzs8sxrjxfjjc" / "LocalCache" / "Roaming"
    (packages / "Other_1").mkdir(parents=True)
    windows = Paths("win32", HOME, {"LOCALAPPDATA": str(tmp_path / "Locäl"), "APPDATA": "/elsewhere"})
    name = Path("Claude", "claude_desktop_config.json")
    assert FILES["claude-desktop"](windows) == "/elsewhere" / name

    private.mkdir(parents=True)

    assert FILES["claude-desktop"](windows) == private / name
    later = packages / "Claude_zzzzzzzzzzzzz" / "LocalCache" / "Roaming" / name
    later.parent.mkdir(parents=True)
    later.touch()
    assert FILES["claude-desktop"](windows) == later
    assert FILES["claude-desktop"](Paths("linux", HOME, windows.environment)) == HOME / ".config" / name


def test_the_file_of_an_older_version_is_taken_where_it_is_the_only_one(tmp_path: Path) -> None:
    paths = Paths("linux", tmp_path, {})
    old = {
        "antigravity": tmp_path / ".gemini" / "antigravity" / "mcp_config.json",
        "cline": tmp_path.joinpath(
            ".config", "Code", "User", "globalStorage", "saoudrizwan.claude-dev", "settings", "cline_mcp_settings.json"
        ),
        "amp": tmp_path / ".config" / "amp" / "settings.jsonc",
    }
    new = {host: FILES[host](paths) for host in old}
    for host, file in old.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        assert FILES[host](paths) == file
        new[host].parent.mkdir(parents=True, exist_ok=True)
        new[host].touch()
        assert FILES[host](paths) == new[host] != file


def test_what_an_older_antigravity_has_left_is_not_taken_where_a_newer_one_has_its_folder(tmp_path: Path) -> None:
    for folder in ("antigravity", "config"):
        (tmp_path / ".gemini" / folder).mkdir(parents=True)
    (tmp_path / ".gemini" / "antigravity" / "mcp_config.json").touch()

    paths = Paths("linux", tmp_path, {})
    assert FILES["antigravity"](paths) == tmp_path / ".gemini" / "config" / "mcp_config.json"
