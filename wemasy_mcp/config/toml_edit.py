"""An entry as TOML, and set by tomlkit in a TOML text with everything else kept."""

import json
import tomllib
from typing import Any

from wemasy_mcp.config.merge import member_at
from wemasy_mcp.settings import SettingsError

MAX_LENGTH = 2**18
"""Both parsers need minutes for megabytes, and hosts' files are kilobytes."""


def render(path: tuple[str, ...], entry: dict[str, Any]) -> str:
    """Return the entry as a table."""
    members = [f"{name} = {_literal(value)}" for name, value in entry.items()]
    return "\n".join([f"[{'.'.join(path)}]", *members, ""])


def _literal(value: object) -> str:
    """Return a text, a list of texts, or a table of texts as TOML; the JSON of the first two is also TOML."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_literal(one)}' for name, one in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)


def parse(text: str) -> dict[str, Any]:
    """Return the parsed text.

    Raises:
        ValueError: It is not TOML, or longer than `MAX_LENGTH`.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"it is longer than {MAX_LENGTH:,} characters")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def set_table(text: str, path: tuple[str, ...], entry: dict[str, Any]) -> str:
    """Return `text` with the table at `path` set.

    Raises:
        ValueError: The text is not TOML, or a value on the path is not a table.
        SettingsError: tomlkit is not installed.
    """
    if member_at(parse(text), path) == entry:
        return text
    try:
        import tomlkit
        from tomlkit.items import Table
    except ImportError:
        raise SettingsError(
            "--write",
            "needs tomlkit for this host: install it here (`pip install tomlkit`), or paste what `config` prints.",
        ) from None
    document = tomlkit.parse(text)
    container: Any = document
    for name in path[:-1]:
        if name not in container:
            container[name] = tomlkit.table(is_super_table=True)
        container = container[name]
        if not isinstance(container, dict):
            raise ValueError(f"{name} is not a table")  # noqa: TRY004 - the text is wrong, not a call
    table: Table = tomlkit.table()
    for name, value in entry.items():
        table[name] = value
    container[path[-1]] = table
    after = tomlkit.dumps(document)
    return after.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in text else after
