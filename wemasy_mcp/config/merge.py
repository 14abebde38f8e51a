"""What an entry that is replaced hands on: the variables and headers that the user put there, a token above all."""

from typing import Any

from wemasy_mcp.config.server_spec import PLACEHOLDERS, Transport
from wemasy_mcp.core.sanitize import sanitize

_STARTED = ("env", "environment", "env_vars", "envFile")
_REACHED = ("headers", "http_headers", "env_http_headers", "bearer_token_env_var")
_EMPTY = {"", *PLACEHOLDERS.values(), *(f"Bearer {placeholder}" for placeholder in PLACEHOLDERS.values())}

_MAX_SHOWN = 100


def member_at(found: Any, path: tuple[str, ...]) -> Any:
    """Return the member at `path` of what a host's file holds, None where there is none."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def merge_entry(
    old: object, new: dict[str, Any], transport: Transport, *, gives_token: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return the members of the new entry with those of the old one, and the names of what was kept.

    Args:
        old: The entry that is in the file; anything if it is none.
        new: The members to write.
        transport: Only what belongs to it is handed on: the headers of a URL mean nothing to a program.
        gives_token: Whether `new` holds a token; a placeholder or a reference never replaces what the user put there.
    """
    members, kept = dict(new), list[str]()
    given = old if isinstance(old, dict) else {}
    for name in _STARTED if transport == "stdio" else _REACHED:
        before, after = given.get(name), members.get(name)
        if isinstance(before, dict) and isinstance(after, dict | None):
            members[name], names = _merge(before, after or {}, gives_token=gives_token)
            kept += names
        elif isinstance(before, list) and isinstance(after, list | None):
            members[name] = [*before, *(item for item in after or () if item not in before)]
            kept += [str(item) for item in before if item not in (after or ())]
        elif isinstance(before, str) and before not in {"", after}:
            members[name] = before
            kept.append(name)
    return members, [sanitize(name, limit=_MAX_SHOWN) for name in kept]


def _merge(before: dict[str, Any], after: dict[str, Any], *, gives_token: bool) -> tuple[dict[str, Any], list[str]]:
    # The names of headers differ in case only to the eye (RFC 9110, section 5.1), and so do variables on Windows.
    same = {name.casefold(): name for name in after}
    merged: dict[str, Any] = {}
    kept = []
    for name, value in before.items():
        other = same.get(name.casefold())
        if other is None or (not gives_token and value not in _EMPTY and value != after[other]):
            merged[name] = value
            kept.append(name)
        else:
            merged[other] = after[other]
    named = {name.casefold() for name in merged}
    return merged | {name: value for name, value in after.items() if name.casefold() not in named}, kept
