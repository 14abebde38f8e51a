"""The table of played answers. Faults of the network, the client and the process have tests of their own."""

from faults.broken_answers import BROKEN_CONNECTIONS, BROKEN_HTTP, TOO_MUCH
from faults.odd_bodies import BAD_BODIES, SECRETS, SUCCESSES, VALIDATIONS
from faults.statuses import RATE_LIMITS, STATUSES, USELESS_WAITS
from support.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *BROKEN_CONNECTIONS,
    *TOO_MUCH,
    *BROKEN_HTTP,
    *BAD_BODIES,
    *SUCCESSES,
    *STATUSES,
    *VALIDATIONS,
    *SECRETS,
    *USELESS_WAITS,
    *RATE_LIMITS,
)
