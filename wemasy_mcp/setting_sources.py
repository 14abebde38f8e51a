"""The sources of settings: flags, the environment, a file. One unusable setting does not affect the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from wemasy_mcp.misspelt import misspelt
from wemasy_mcp.settings import Settings, SettingsError, expand_home, reason_of, variable_of


@dataclass(frozen=True, slots=True)
class Reading:
    """The settings that could be read, and the reasons why others could not."""

    settings: Settings
    """The settings; one that cannot be used has its default here."""
    problems: tuple[SettingsError, ...]
    misspelt: tuple[str, ...]
    """A sentence for each variable that looks like a setting but is not."""

    def problem_with(self, field: str) -> SettingsError | None:
        """Return the reason why a setting cannot be used; None if it can."""
        return next((problem for problem in self.problems if problem.variable == variable_of(field)), None)

    def verify(self) -> Settings:
        """Return the settings.

        Raises:
            SettingsError: Names the first setting that cannot be used, and holds the further ones.
        """
        if self.problems:
            first, *further = self.problems
            raise SettingsError(first.variable, first.problem, further)
        return self.settings


def load_settings(env_file: Path | None = None, **flags: Any) -> Settings:
    """Return the settings: flags, then the environment, then `env_file`, then the defaults.

    Raises:
        SettingsError: Names the first variable (or flag) that cannot be used, and holds the further ones.
    """
    return read_settings(env_file, **flags).verify()


def read_settings(env_file: Path | None = None, **flags: Any) -> Reading:
    """Return the settings that can be read; one that cannot does not affect the others."""
    environment = EnvSettingsSource(Settings)
    values = {**environment(), **flags}
    names = dict(environment.env_vars)
    problems: list[SettingsError] = []
    if env_file is not None:
        try:
            file = read_env_file(env_file)
        except SettingsError as error:
            problems.append(error)
        else:
            values = {**file(), **values}
            names = {**file.env_vars, **names}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        bad = {str(one["loc"][0]): _problem(one["msg"]) for one in details}
        problems += [SettingsError(variable_of(field), problem) for field, problem in bad.items()]
        settings = Settings(**{name: value for name, value in values.items() if name not in bad})
    return Reading(settings, tuple(problems), tuple(_sentences(names)))


def read_env_file(path: Path) -> DotEnvSettingsSource:
    """Return the settings in a file.

    Raises:
        SettingsError: The file cannot be read as text.
    """
    path = Path(expand_home(str(path)))
    if not path.is_file():
        raise SettingsError("--env-file", f"names no file: {path}")
    try:
        return DotEnvSettingsSource(Settings, env_file=path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("--env-file", f"cannot be read: {path} ({reason_of(error)})") from None


def unknown_settings(names: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Return the variables that look like settings but are not, each with the setting that may be meant."""
    return misspelt(names, map(variable_of, Settings.model_fields))


def _sentences(names: Mapping[str, str | None]) -> list[str]:
    return [
        f"{name} is set, but no setting has that name{f'; did you mean {meant}?' if meant else '.'}"
        for name, meant in unknown_settings(names)
    ]


def _problem(message: str) -> str:
    # pydantic's "Input should be less than 600", "Value error, is empty …"
    return message.removeprefix("Value error, ").removeprefix("Input ")
