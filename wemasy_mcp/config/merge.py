"""Keeps what the user added to an entry being replaced: environment variables, headers and above all the token."""

import re
from typing import Any

from wemasy_mcp.config.server_spec import ServerSpec, Transport
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.pasted_token import read_token

_STARTED = ("env", "environment", "env_vars", "envFile")
_REACHED = ("headers", "http_headers", "env_http_headers", "bearer_token_env_var")
_REFERENCE = re.compile(r"(?i:Bearer )?\s*(\$|\{(env|file):|%\w+%|op://).*")
"""The forms in which any of the hosts refers to a value elsewhere."""

_MAX_SHOWN = 100


def member_at(found: Any, path: tuple[str, ...]) -> Any:
    """Return the member at `path` in a host's parsed file; None if there is none."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def holds_secret(members: dict[str, Any], spec: ServerSpec) -> bool:
    """Return whether the entry contains one of the spec's secrets itself, not a placeholder or reference."""
    names = {name.casefold() for secret in spec.secrets for name in (secret.variable, secret.header)}
    groups = [members.get(name) for name in ("env", "environment", "headers", "http_headers")]
    values = [
        value
        for group in groups
        if isinstance(group, dict)
        for name, value in group.items()
        if name.casefold() in names
    ]
    return any(isinstance(value, str) and not _REFERENCE.match(value) and not _is_unfilled(value) for value in values)


def merge_entry(
    old: object, new: dict[str, Any], transport: Transport, *, gives_token: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return the members of the new entry merged with those of the old one, and the names of those kept.

    Args:
        old: The entry in the file; anything else if there is none.
        new: The members to write.
        transport: Only what belongs to it is kept: a URL's headers mean nothing to a program.
        gives_token: True if `new` holds a token; a placeholder or reference never replaces what the user put there.
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
    # Header names are not case-sensitive (RFC 9110, section 5.1); neither are variables on Windows.
    same = {name.casefold(): name for name in after}
    merged: dict[str, Any] = {}
    kept = []
    for name, value in before.items():
        other = same.get(name.casefold())
        if other is None or (not gives_token and not _is_unfilled(value) and value != after[other]):
            merged[name] = value
            kept.append(name)
        else:
            merged[other] = after[other]
    named = {name.casefold() for name in merged}
    return merged | {name: value for name, value in after.items() if name.casefold() not in named}, kept


def _is_unfilled(value: object) -> bool:
    """Return whether a value is empty or an unreplaced placeholder; a reference to a value elsewhere is neither."""
    if not isinstance(value, str) or _REFERENCE.match(value):
        return False
    try:
        read_token(value)
    except ValueError:
        return True
    return False
