"""Where the hosts keep their files on macOS, Windows and Linux."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders that the hosts' documentation names."""

    home: Path
    config: Path
    """`~/.config`, or what `XDG_CONFIG_HOME` names."""
    applications: Path
    """Where desktop programs keep their settings: Application Support, `%APPDATA%`, or `config`."""
    codex: Path
    project: Path
    """The current folder."""

    @classmethod
    def of_this_machine(cls) -> "Paths":
        """Return those of the user who runs this."""
        return cls.of(sys.platform, Path.home(), os.environ)

    @classmethod
    def of(cls, platform: str, home: Path, environment: Mapping[str, str]) -> "Paths":
        """Return those of a user on `platform`, one of the values of `sys.platform`."""
        config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        applications = {
            "darwin": home / "Library" / "Application Support",
            "win32": Path(environment.get("APPDATA") or home / "AppData" / "Roaming"),
        }.get(platform, config)
        return cls(home, config, applications, Path(environment.get("CODEX_HOME") or home / ".codex"), Path.cwd())

    def zed(self) -> Path:
        """Return Zed's settings file: in `~/.config` but on Windows (https://zed.dev/docs/configuring-zed)."""
        is_windows = self.applications.name == "Roaming"
        return self.applications / "Zed" / "settings.json" if is_windows else self.config / "zed" / "settings.json"

    def opencode(self) -> Path:
        """Return OpenCode's file, with comments or without, whichever is there."""
        folder = self.config / "opencode"
        with_comments = folder / "opencode.jsonc"
        return with_comments if with_comments.exists() else folder / "opencode.json"
