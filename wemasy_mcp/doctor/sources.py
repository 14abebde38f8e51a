"""Where each setting comes from: the environment, the file, or the default. Secrets are shown by their length only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import EnvSettingsSource

from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.setting_sources import read_env_file, unknown_settings
from wemasy_mcp.settings import Settings, variable_of

Source = Literal["environment", "env file", "default"]

_MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is in force."""

    variable: str
    source: Source
    shown: str
    """The value, or what stands for a secret; empty where it is not set or cannot be used."""


class Sources:
    """What the environment and the file say, as pydantic-settings reads them."""

    def __init__(self, env_file: Path | None, environment_name: str = "the environment") -> None:
        self.environment_name = environment_name
        environment = EnvSettingsSource(Settings)
        file = read_env_file(env_file) if env_file else None
        self._environment = environment()
        self._file = file() if file else {}
        self._names = {**(file.env_vars if file else {}), **environment.env_vars}

    def source_of(self, field: str) -> Source:
        """Return where the setting's value comes from: the environment wins."""
        if field in self._environment:
            return "environment"
        return "env file" if field in self._file else "default"

    def raw(self, field: str) -> object:
        """Return the value as it was given, None where it was not."""
        return self._environment.get(field, self._file.get(field))

    def secrets(self) -> list[str]:
        """Return what was given as a secret, to be taken out of what is shown."""
        fields = [field for field, info in Settings.model_fields.items() if "SecretStr" in str(info.annotation)]
        return [value for field in fields if isinstance(value := self.raw(field), str)]

    def unknown(self) -> list[tuple[str, str]]:
        """Return the variables that look like settings and are not, each with the setting that may be meant."""
        return unknown_settings(self._names)

    def settings(self, read: Settings | None) -> list[Setting]:
        """Return every setting; values only of settings that could be `read`."""
        return [
            Setting(variable_of(field), self.source_of(field), "" if read is None else shown(getattr(read, field)))
            for field in Settings.model_fields
        ]


def shown(value: object) -> str:
    """Return what may be shown of a value."""
    if value is None or value == ():
        return ""
    if isinstance(value, SecretStr):
        return f"set ({len(value)} characters)"
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return sanitize(text, limit=_MAX_SHOWN)
