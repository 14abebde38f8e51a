"""The source of each setting: the environment, the file, or the default. Secrets are shown only by their length."""

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
    """One setting as it is in effect."""

    variable: str
    source: Source
    shown: str
    """The value, or a substitute for a secret; empty if it is not set or cannot be used."""


class Sources:
    """The settings in the environment and the file, as pydantic-settings reads them."""

    def __init__(self, env_file: Path | None, environment_name: str = "the environment") -> None:
        self.environment_name = environment_name
        environment = EnvSettingsSource(Settings)
        file = read_env_file(env_file) if env_file else None
        self._environment = environment()
        self._file = file() if file else {}
        self._names = {**(file.env_vars if file else {}), **environment.env_vars}

    def source_of(self, field: str) -> Source:
        """Return the source of the setting's value: the environment takes precedence."""
        if field in self._environment:
            return "environment"
        return "env file" if field in self._file else "default"

    def raw(self, field: str) -> object:
        """Return the value as given; None if it was not."""
        return self._environment.get(field, self._file.get(field))

    def secrets(self) -> list[str]:
        """Return the secrets that were given, to be removed from the output."""
        fields = [field for field, info in Settings.model_fields.items() if "SecretStr" in str(info.annotation)]
        return [value for field in fields if isinstance(value := self.raw(field), str)]

    def unknown(self) -> list[tuple[str, str]]:
        """Return the variables that look like settings but are not, each with the setting that may be meant."""
        return unknown_settings(self._names)

    def settings(self, read: Settings | None) -> list[Setting]:
        """Return every setting, with values only for those that could be `read`."""
        return [
            Setting(variable_of(field), self.source_of(field), "" if read is None else shown(getattr(read, field)))
            for field in Settings.model_fields
        ]


def shown(value: object) -> str:
    """Return the part of a value that may be shown."""
    if value is None or value == ():
        return ""
    if isinstance(value, SecretStr):
        return f"set ({len(value)} characters)"
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return sanitize(text, limit=_MAX_SHOWN)
