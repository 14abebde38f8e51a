"""In how many ways each client is run, and what it is asked to call in each."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from .catalogue import Client, Deviation, Mode
from .late import PENDING, PENDING_AT_DEFAULTS, TOO_LATE
from .scenarios import EVERY_ERROR, NULL_DROPPED, NULL_SENT, SCENARIOS, Scenario


@dataclass(frozen=True)
class Case:
    """A client, how it is set, and what it speaks."""

    client: Client
    mode: Mode
    transport: str

    @property
    def cancels(self) -> bool:
        """Whether the server learns that a call was cancelled."""
        return self.transport in self.mode.cancels_over

    @property
    def tells_that_it_gives_up(self) -> bool:
        """Whether the server learns that the client's own limit has ended a call."""
        return self.transport in self.mode.gives_up_over

    def deviations(self, name: str, *, is_error: bool = False) -> list[Deviation]:
        """Return what `client.toml` says of one scenario over this transport in this mode."""
        names = {name, EVERY_ERROR} if is_error else {name}
        return [
            deviation
            for deviation in self.client.deviations
            if names.intersection(deviation.scenarios)
            and self.transport in deviation.over
            and (not deviation.modes or self.mode.name in deviation.modes)
            and (not deviation.before_python or sys.version_info < deviation.before_python)
        ]

    def is_masked(self, name: str, *, is_error: bool = False) -> bool:
        """Return whether a scenario's result does not reach the program or the model whole."""
        return any(deviation.masks for deviation in self.deviations(name, is_error=is_error))

    def requests(self, name: str, usual: int, *, is_error: bool = False) -> int:
        """Return how many requests the API sees for one call."""
        said = (deviation.requests for deviation in self.deviations(name, is_error=is_error))
        return next((requests for requests in said if requests is not None), usual)

    def __str__(self) -> str:
        return "-".join(part for part in (self.client.id, self.mode.name, self.transport) if part)


def cases_of(clients: tuple[Client, ...]) -> tuple[Case, ...]:
    """Return every way in which each client is run."""
    return tuple(
        Case(client, mode, transport)
        for client in clients
        for mode in client.modes
        for transport in client.transports
        if transport in mode.over
    )


def scenarios_of(case: Case) -> Iterator[Scenario]:
    """Yield the calls whose whole result is judged."""
    nulls = (NULL_SENT, NULL_DROPPED) if case.client.fills_nulls else ()
    late = (*PENDING_AT_DEFAULTS, TOO_LATE) if case.client.is_hurried else ()
    for scenario in (*nulls, *SCENARIOS, *PENDING, *late):
        if case.transport in scenario.session.transports:
            yield scenario
