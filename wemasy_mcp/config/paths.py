"""The locations of the hosts' files on macOS, Windows and Linux."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wemasy_mcp.settings import SettingsError


def is_windows() -> bool:
    """Return whether this is Windows; all other systems have file modes, and shells that quote alike."""
    return str(sys.platform) == "win32"


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders that the hosts' documentation names."""

    platform: str
    """One of the values of `sys.platform`."""
    home: Path
    environment: Mapping[str, str]

    @classmethod
    def of_this_machine(cls) -> "Paths":
        """Return the paths of the current user.

        Raises:
            SettingsError: The location of the user's files is unknown.
        """
        try:
            return cls(sys.platform, Path.home(), os.environ)
        except RuntimeError:
            variable = "USERPROFILE" if sys.platform == "win32" else "HOME"
            raise SettingsError(
                variable, "is not set, so the host's file cannot be found; name it with --file."
            ) from None

    @property
    def is_windows(self) -> bool:
        """True if the hosts' folders are those of Windows."""
        return self.platform == "win32"

    @property
    def config(self) -> Path:
        """`~/.config`, or the folder in `XDG_CONFIG_HOME`."""
        return self._folder("XDG_CONFIG_HOME", ".config")

    @property
    def applications(self) -> Path:
        """The folder for desktop programs' settings: Application Support, `%APPDATA%`, or `config`."""
        if self.is_windows:
            return self._folder("APPDATA", "AppData", "Roaming")
        return self.home / "Library" / "Application Support" if self.platform == "darwin" else self.config

    @property
    def project(self) -> Path:
        """The current folder.

        Raises:
            SettingsError: It was deleted.
        """
        try:
            return Path.cwd()
        except OSError:
            raise SettingsError("--file", "is needed: the current folder no longer exists.") from None

    def claude_desktop(self) -> Path:
        """Return Claude Desktop's file; on Windows its package has a private copy of `%APPDATA%`.

        See https://github.com/anthropics/claude-code/issues/26073.
        """
        file = Path("Claude", "claude_desktop_config.json")
        packages = self._folder("LOCALAPPDATA", "AppData", "Local") / "Packages"
        private = sorted(packages.glob("Claude_*/LocalCache/Roaming")) if self.is_windows else []
        return pick_existing(*(folder / file for folder in private or [self.applications]))

    def zed(self) -> Path:
        """Return Zed's settings file: in `~/.config` except on Windows (https://zed.dev/docs/configuring-zed)."""
        return (self.applications / "Zed" if self.is_windows else self.config / "zed") / "settings.json"

    def devin(self) -> Path:
        """Return Devin's file (https://docs.devin.ai/cli/extensibility/mcp/configuration)."""
        return (self.applications if self.is_windows else self.config) / "devin" / "mcp_config.json"

    def codex(self) -> Path:
        """Return Codex's file (https://developers.openai.com/codex/config)."""
        return self._folder("CODEX_HOME", ".codex") / "config.toml"

    def copilot(self) -> Path:
        """Return Copilot CLI's file."""
        return self._folder("COPILOT_HOME", ".copilot") / "mcp-config.json"

    def kimi(self) -> Path:
        """Return Kimi Code's file."""
        return self._folder("KIMI_CODE_HOME", ".kimi-code") / "mcp.json"

    def cline(self) -> Path:
        """Return Cline's file: that of all its programs, or that of the older extension if only that one exists."""
        if named := self.environment.get("CLINE_MCP_SETTINGS_PATH"):
            return Path(named)
        shared = self.home / ".cline" / "data" / "settings" / "cline_mcp_settings.json"
        extension = self.applications.joinpath("Code", "User", "globalStorage", "saoudrizwan.claude-dev", "settings")
        return pick_existing(shared, extension / shared.name)

    def antigravity(self) -> Path:
        """Return Antigravity's file: the one shared by its programs, or that of a version before 2.0."""
        shared, older = (self.home / ".gemini" / folder / "mcp_config.json" for folder in ("config", "antigravity"))
        # A version that shares the folder does not read what an older one has left.
        return older if older.exists() and not shared.parent.exists() else shared

    def opencode(self) -> Path:
        """Return OpenCode's file, with or without comments, whichever exists."""
        return pick_existing(*(self.config / "opencode" / f"opencode.{suffix}" for suffix in ("json", "jsonc")))

    def amp(self) -> Path:
        """Return Amp's file, with or without comments, whichever exists; the same folder on every system."""
        return pick_existing(*(self.home / ".config" / "amp" / f"settings.{suffix}" for suffix in ("json", "jsonc")))

    def _folder(self, variable: str, *usual: str) -> Path:
        return Path(self.environment.get(variable) or self.home.joinpath(*usual))


def pick_existing(usual: Path, *others: Path) -> Path:
    """Return the first of the files that exists, else the usual one."""
    return next((file for file in (usual, *others) if file.exists()), usual)
