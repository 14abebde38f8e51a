"""Changes a host's file completely or not at all, and keeps a copy of the original."""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wemasy_mcp.settings import SettingsError

MAX_BYTES = 4 * 2**20
"""Larger than any host's settings."""

_MAX_BACKUPS = 1000
_OPEN_ELSEWHERE = frozenset({5, 32, 33})
"""Windows error numbers: access denied, sharing violation, lock violation."""
_ATTEMPTS = 10
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Edited:
    """The new text of a file, and a flag that it holds a secret and is for the user alone."""

    text: str
    is_private: bool = False


def read_file(path: Path) -> bytes | None:
    """Return the content of a host's file; None if there is none.

    Raises:
        SettingsError: It cannot be read, or is not a regular file of at most `MAX_BYTES`.
    """
    try:
        found = path.stat()
        is_regular = stat.S_ISREG(found.st_mode)
        # One byte more than allowed: a file may grow, or report no size, as in /proc.
        content = b""
        if is_regular:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(str(path), f"cannot be read: {error.strerror}.") from None
    except ValueError:
        raise SettingsError(str(path), "cannot be the name of a file.") from None
    if not is_regular:
        raise SettingsError(str(path), "is not a regular file.")
    if len(content) > MAX_BYTES:
        raise SettingsError(str(path), f"is larger than {MAX_BYTES // 2**20} MiB.")
    return content


def decode(content: bytes) -> str:
    """Return the text of a host's file without its byte order mark; empty if it is only white space.

    Raises:
        ValueError: It is not UTF-8.
    """
    try:
        text = content.removeprefix(BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8; save it as UTF-8") from None
    return text if text.strip() else ""


def find_redirected(path: Path) -> Path | None:
    """Return the place where Windows really keeps the file, if that is the private folder of a packaged Python.

    See https://docs.python.org/3/using/windows.html, "Redirection of local data, registry, and temporary paths".
    """
    real = path.resolve()
    is_private = any(part.startswith("PythonSoftwareFoundation.") for part in real.parts)
    return real if is_private and real != path.absolute() else None


def change(path: Path, edit: Callable[[str], Edited]) -> Path | None:
    """Replace the file's text with the result of `edit`; return the path of the old file's copy, if there was one.

    Links are followed. Mode and owner stay, even when root writes; a new or private file, and its copy, are for
    the owner alone.

    Args:
        path: The file; it and its folders are created if missing.
        edit: May raise ValueError if the text is not valid for the host's file. It is given an empty text for a
            file that is missing or holds only white space.

    Raises:
        SettingsError: The file cannot be read, understood or written. It is unchanged.
    """
    before = read_file(path)
    try:
        edited = edit(decode(before or b""))
    except SettingsError:
        raise
    except ValueError as error:
        raise SettingsError(str(path), f"cannot be parsed ({error}); it was not changed.") from None
    after = edited.text.encode()
    try:
        target = path.resolve()
        mode = 0o600 if before is None else target.stat().st_mode & 0o777
        if edited.is_private:
            mode &= 0o600
        if after == before:
            target.chmod(mode)
            return None
        owner = _make_folders(target.parent) if before is None else target.stat()
        backup = None if before is None else _keep(target, before, mode, owner)
        try:
            _replace(target, before, after, mode, owner)
        except OSError:
            if backup is not None:
                backup.unlink()
            raise
    except OSError as error:
        raise SettingsError(str(path), f"cannot be written: {_explain(error)}; it was not changed.") from None
    return backup


def _explain(error: OSError) -> str:
    is_open = getattr(error, "winerror", None) in _OPEN_ELSEWHERE
    return f"{error.strerror} (if a program has it open, close that first)" if is_open else str(error.strerror)


def _make_folders(folder: Path) -> os.stat_result:
    """Create the missing parts of `folder` for the owner of the existing part, and return that owner."""
    missing = [folder]
    while not missing[-1].exists():
        missing.append(missing[-1].parent)
    owner = missing.pop().stat()
    for one in reversed(missing):
        one.mkdir()
        _give(one, owner)
    return owner


def _keep(target: Path, content: bytes, mode: int, owner: os.stat_result) -> Path:
    for number in range(1, _MAX_BACKUPS):
        backup = target.with_name(f"{target.name}.bak{number}")
        with contextlib.suppress(FileExistsError):
            _write_new(backup, content, mode, owner)
            return backup
    raise OSError(0, f"there are already {_MAX_BACKUPS} copies next to it")


def _replace(target: Path, before: bytes | None, after: bytes, mode: int, owner: os.stat_result) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        _write_new(draft, after, mode, owner)
        # The host may have written in the meantime, and its changes must not be lost.
        if (target.read_bytes() if target.exists() else None) != before:
            raise OSError(0, "another program has just changed it")
        _put_in_place(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    with contextlib.suppress(PermissionError):  # Windows cannot open folders
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _put_in_place(draft: Path, target: Path) -> None:
    if sys.platform == "win32":
        # A program that scans what was just written holds it open for a moment.
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(PermissionError):
                draft.replace(target)
                return
            time.sleep(0.1)
    draft.replace(target)


def _write_new(path: Path, content: bytes, mode: int, owner: os.stat_result) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _give(path, owner)
    # After the write, and not through the mode of `open`, which the umask reduces.
    path.chmod(mode)


def _give(path: Path, owner: os.stat_result) -> None:
    # Only root can give a file away, and only root needs to: it writes into other people's folders.
    if sys.platform != "win32" and os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)
