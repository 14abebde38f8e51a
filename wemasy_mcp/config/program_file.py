"""Changes a host's file whole or not at all, with a copy of it as it was."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from wemasy_mcp.settings import SettingsError

_MAX_BACKUPS = 1000


def change(path: Path, edit: Callable[[str], str]) -> Path | None:
    """Replace the file's text by what `edit` makes of it, and return where the old one is kept, if there was one.

    A link is followed, the file's mode is kept, and a new file is for the user alone, because it may hold a token.

    Args:
        path: The file; it and its folders are made if missing.
        edit: May raise ValueError: the text is not what the host's file should be. It is given an empty text for a
            file that is missing or blank.

    Raises:
        SettingsError: The file cannot be read, understood or written. It is as it was.
    """
    target = path.resolve()
    try:
        before = target.read_bytes()
    except FileNotFoundError:
        before = None
    except OSError as error:
        raise SettingsError(str(path), f"cannot be read: {error.strerror}.") from None
    try:
        after = _edited(before or b"", edit)
    except SettingsError:
        raise
    except ValueError as error:
        raise SettingsError(str(path), f"cannot be understood ({error}); it is left as it was.") from None
    if after == before:
        return None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600 if before is None else target.stat().st_mode & 0o777
        backup = None if before is None else _keep(target, before, mode)
        _replace(target, before, after, mode)
    except OSError as error:
        raise SettingsError(str(path), f"cannot be written: {error.strerror}; it is left as it was.") from None
    return backup


def _edited(before: bytes, edit: Callable[[str], str]) -> bytes:
    mark = b"\xef\xbb\xbf"
    has_mark = before.startswith(mark)
    text = before.removeprefix(mark).decode()
    return (mark if has_mark else b"") + edit(text if text.strip() else "").encode()


def _keep(target: Path, content: bytes, mode: int) -> Path:
    for number in range(1, _MAX_BACKUPS):
        backup = target.with_name(f"{target.name}.bak{number}")
        with contextlib.suppress(FileExistsError):
            _write_new(backup, content, mode)
            return backup
    raise OSError(0, f"there are {_MAX_BACKUPS} copies beside it")


def _replace(target: Path, before: bytes | None, after: bytes, mode: int) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        _write_new(draft, after, mode)
        # The host may have written meanwhile, and what it wrote must not be lost.
        if (target.read_bytes() if target.exists() else None) != before:
            raise OSError(0, "another program has just changed it")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    # After the write, and not through the mode of `open`, which the umask cuts.
    path.chmod(mode)
