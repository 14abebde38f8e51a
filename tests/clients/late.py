"""Calls that Wemasy answers too late, so that they are answered with `pending`, and made again."""

from .published import JOINED, MAY_BE_SAVED, SAVE, failure, memory, saved
from .scenarios import Scenario
from .sessions import DEFAULTS, LATE, PROMPT, Session
from .upstream import SLOW


def _slow(session: Session, seconds: str) -> tuple[Scenario, Scenario]:
    """A call that Wemasy answers too late, and the same call again."""
    key = f"{SLOW} {seconds}"
    pending = failure(
        "pending",
        "Wemasy has not answered yet; the request is still under way.",
        "It may or may not have been saved yet. Send the same call again after 5 seconds: it will report how this one "
        "ended and will not be sent twice.",
        outcome="unknown",
        retryable=True,
        retry_after_seconds=5,
    )
    return (
        Scenario(f"pending after {seconds} s", SAVE, memory(key), pending, session),
        Scenario(
            f"pending after {seconds} s, again", SAVE, memory(key), saved(key, notes=[JOINED]), session, requests=0
        ),
    )


PENDING = _slow(PROMPT, "1.6")
PENDING_AT_DEFAULTS = _slow(DEFAULTS, "8")
"""For clients that give up after five seconds: they hear the truth in time."""

TOO_LATE = Scenario(
    "no answer for 25 s",
    SAVE,
    memory(f"{SLOW} 25"),
    failure("timed_out", "Wemasy did not answer within 20 seconds.", MAY_BE_SAVED, outcome="unknown")
    | {"notes": [JOINED]},
    LATE,
    until_known=True,
)
"""For the same: what they hear when Wemasy misses the server's own deadline."""
