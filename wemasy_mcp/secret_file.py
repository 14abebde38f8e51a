"""A secret's file that is read again when it changes, so that a secret can be rotated without a restart."""

import logging
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import SecretStr

from wemasy_mcp.pasted_token import read_token
from wemasy_mcp.settings import Settings, SettingsError, reason_of, variable_of

logger = logging.getLogger(__name__)

MAX_SECRET_FILE = 65_536
"""Maximum characters read from a secret's file."""

Value = TypeVar("Value")
_Version = tuple[int, int, int, int]


class SecretFile(Generic[Value]):
    """A value that is read from a file, and again when the file changes.

    If the file can no longer be used, its last value stays in force, and the log says why.

    Args:
        path: Checked on every use; Kubernetes replaces a secret with a symbolic link of the same name.
        read: Reads the file again.

    Raises:
        SettingsError: The file cannot be used at the start.
    """

    def __init__(self, path: Path, read: Callable[[], Value]) -> None:
        self._path = path
        self._read = read
        self._version = self._look()
        self._value = read()

    def value(self) -> Value:
        """Return the current value of the file."""
        version = self._look()
        if version not in {None, self._version}:
            self._version = version
            try:
                self._value = self._read()
            except SettingsError as error:
                logger.warning("%s The previous content stays in force.", error)
            else:
                logger.info("%s changed and was reloaded", self._path)
        return self._value

    def _look(self) -> _Version | None:
        """Return the file's version; None if it is not a regular file, because a pipe can be read only once."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (
            (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns) if stat.S_ISREG(found.st_mode) else None
        )


def follow_api_token(settings: Settings) -> Callable[[], SecretStr]:
    """Return a function that returns the current Wemasy API token: its file may be rewritten.

    Raises:
        SettingsError: There is no usable token at the start.
    """
    if settings.api_token is None and (path := settings.api_token_file) is not None:
        return SecretFile(path, lambda: api_token(settings)).value
    token = api_token(settings)
    return lambda: token


def api_token(settings: Settings) -> SecretStr:
    """Return the Wemasy API token.

    Raises:
        SettingsError: There is no token, or its file cannot be used.
    """
    if settings.api_token is not None:
        return settings.api_token
    if settings.api_token_file is not None:
        variable = variable_of("api_token_file")
        try:
            return SecretStr(read_token(read_secret_file(settings.api_token_file, variable)))
        except SettingsError:
            raise
        except ValueError as error:
            raise SettingsError(variable, f"names a file whose content {error}") from None
    raise SettingsError(variable_of("api_token"), "is not set; put your Wemasy API token there.")


def read_secret_file(path: Path, variable: str) -> str:
    """Return the text of a secret's file.

    Raises:
        SettingsError: It cannot be read as a short text.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MAX_SECRET_FILE + 1)
    except (OSError, ValueError) as error:
        raise SettingsError(variable, f"names a file that cannot be read: {path} ({reason_of(error)})") from None
    if len(text) > MAX_SECRET_FILE:
        raise SettingsError(variable, f"names a file of more than {MAX_SECRET_FILE} characters: {path}")
    return text
