"""An entry as TOML, and set in a TOML text with everything else kept, by tomlkit."""

import json
import tomllib
from typing import Any

from wemasy_mcp.config.merge import member_at
from wemasy_mcp.settings import SettingsError


def render(path: tuple[str, ...], entry: dict[str, Any]) -> str:
    """Return the entry as a table; its values are texts and lists of texts, whose JSON is TOML too."""
    members = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in entry.items()]
    return "\n".join([f"[{'.'.join(path)}]", *members, ""])


def parse(text: str) -> dict[str, Any]:
    """Return what the text holds.

    Raises:
        ValueError: It is no TOML.
    """
    return tomllib.loads(text)


def set_table(text: str, path: tuple[str, ...], entry: dict[str, Any]) -> str:
    """Return `text` with the table at `path` set.

    Raises:
        ValueError: The text is no TOML, or there is no table on the way.
        SettingsError: tomlkit is not installed.
    """
    if member_at(parse(text), path) == entry:
        return text
    try:
        import tomlkit
        from tomlkit.items import Table
    except ImportError:
        raise SettingsError(
            "--write", "needs tomlkit for this host: install `wemasy-mcp[config]`, or paste what `config` prints."
        ) from None
    document = tomlkit.parse(text)
    container: Any = document
    for name in path[:-1]:
        if name not in container:
            container[name] = tomlkit.table(is_super_table=True)
        container = container[name]
        if not isinstance(container, dict):
            raise ValueError(f"{name} is no table")  # noqa: TRY004 - the text is wrong, not a call
    table: Table = tomlkit.table()
    for name, value in entry.items():
        table[name] = value
    container[path[-1]] = table
    return tomlkit.dumps(document)
