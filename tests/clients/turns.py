"""Which clients a run is for: those of every run, and one of the other groups, which take turns by date."""

import os
from collections.abc import Mapping
from datetime import date

from .catalogue import Client

ALWAYS = "always"

GROUP = "WEMASY_CLIENT_GROUP"
"""The variable that names the group of this run, or `all`; without it the date does."""

NAMES = "WEMASY_CLIENTS"
"""The variable that names the only clients of this run, by their directories; `python -m tests.clients` sets it."""

RECORD = "WEMASY_CLIENT_RECORD"
"""The variable that has the run keep what it sees, in the clients' directories; set by the same command."""


def groups_of(clients: tuple[Client, ...]) -> list[str]:
    """Return the groups that take turns."""
    return sorted({client.group for client in clients} - {ALWAYS})


def turn_of(day: date, groups: list[str]) -> str:
    """Return the group of a day."""
    return groups[day.toordinal() % len(groups)] if groups else ALWAYS


def select(clients: tuple[Client, ...], today: date, environment: Mapping[str, str] = os.environ) -> tuple[Client, ...]:
    """Return the clients of this run.

    Raises:
        ValueError: A variable names what is not there.
    """
    if names := environment.get(NAMES, "").split():
        return named(clients, names)
    groups = groups_of(clients)
    group = environment.get(GROUP) or turn_of(today, groups)
    if group not in (*groups, ALWAYS, "all"):
        raise ValueError(f"{GROUP}: there is no group {group}; there are {', '.join((*groups, 'all'))}.")
    return tuple(client for client in clients if group == "all" or client.group in (ALWAYS, group))


def named(clients: tuple[Client, ...], names: list[str]) -> tuple[Client, ...]:
    """Return the clients with these names, of directories or groups.

    Raises:
        ValueError: There is none of a name.
    """
    for name in names:
        if not any(name in (client.id, client.group) for client in clients):
            raise ValueError(f"There is no client or group {name}; `python -m tests.clients --list` shows them.")
    return tuple(client for client in clients if client.id in names or client.group in names)
