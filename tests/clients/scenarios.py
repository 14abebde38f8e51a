"""What each client is asked to call, and what must reach whoever asked: the published interface, typed in."""

from dataclasses import dataclass
from typing import Any

from api_document import SAVE_MEMORY, UPDATE_CONNECTION

from .sessions import DEFAULTS, HURRIED, LATE, MAIN, PROMPT, UNCONFIGURED, WITHOUT_NULLS, Session
from .upstream import LOST, SILENT, SLOW

SAVE, UPDATE = SAVE_MEMORY.tool, UPDATE_CONNECTION.tool

EVERY_ERROR = "every error"
"""How a deviation names every scenario whose result is an error."""

JOINED = "The same call was already under way: it was not sent again, and this is its answer."

_LIMITS = {"limit": 60, "remaining": 57}

_MAY_BE_SAVED = (
    "It may or may not have been saved. Do not send it again: it could be stored twice. Tell the user that the outcome "
    "is unknown."
)


@dataclass(frozen=True)
class Scenario:
    """One call and its whole result."""

    name: str
    tool: str
    arguments: dict[str, Any]
    result: dict[str, Any]
    session: Session = MAIN
    requests: int = 1
    """How many requests the API sees for it."""
    repaired: dict[str, Any] | None = None
    """The body that the API receives where it is not the arguments."""
    until_known: bool = False
    """Whether the call is made again for as long as its result is `pending`."""

    @property
    def body(self) -> dict[str, Any]:
        """The body that the API receives."""
        return self.arguments if self.repaired is None else self.repaired

    @property
    def is_error(self) -> bool:
        """Whether its result is an error."""
        return not self.result["success"]


def memory(key: str) -> dict[str, Any]:
    """Return the arguments that save a memory under this key."""
    return {"kind": "fact", "key": key, "value": "#3B82F6"}


def saved(key: str, **more: Any) -> dict[str, Any]:
    """Return the result of saving a memory."""
    return {"success": True, "data": {"id": 7, "kind": "fact", "key": key}, "rate_limit": _LIMITS} | more


def updated(name: str, **more: Any) -> dict[str, Any]:
    """Return the result of updating a connection, and taking its model away."""
    data = {"id": 5, "name": name, "model_name": None}
    return {"success": True, "message": "Connection updated.", "data": data, "rate_limit": _LIMITS} | more


def failure(
    code: str, message: str, hint: str, *, rate_limit: dict[str, int] | None = None, **more: Any
) -> dict[str, Any]:
    """Return the result of a call that failed; nothing was saved unless `more` says otherwise."""
    error = {"code": code, "message": message, "outcome": "not_applied", "retryable": False} | more | {"hint": hint}
    return {"success": False, "error": error} | ({"rate_limit": rate_limit} if rate_limit else {})


SAVED = Scenario("saved", SAVE, memory("company_primary_color"), saved("company_primary_color"))

REPAIRED = Scenario(
    "repaired",
    SAVE,
    {
        "kind": "vector",
        "key": 7,
        "embedding": [0.0231, -0.0412],
        "metadata": '{"source": "brand_guidelines"}',
        "wait_for_previous": True,
    },
    saved(
        "7",
        data={"id": 7, "kind": "vector", "key": "7"},
        notes=[
            'key 7 was sent as the text "7".',
            "embedding was given as a list and sent as its JSON text.",
            "metadata was given as JSON text and sent as what it holds.",
        ],
    ),
    repaired={
        "kind": "vector",
        "key": "7",
        "embedding": "[0.0231,-0.0412]",
        "metadata": {"source": "brand_guidelines"},
    },
)

LIMITED = Scenario(
    "429",
    SAVE,
    memory("limited"),
    failure(
        "rate_limited",
        "Too Many Attempts.",
        "Nothing was saved. Send the same call again after 42 seconds.",
        rate_limit={"limit": 60, "remaining": 0},
        status=429,
        retryable=True,
        retry_after_seconds=42,
    ),
)

_WITHOUT_MODEL = {"connection_id": 5, "name": "Without a model"}

NULL_SENT = Scenario(
    "null sent",
    UPDATE,
    _WITHOUT_MODEL,
    updated("Without a model"),
    repaired=_WITHOUT_MODEL | {"model_name": None},
)
NULL_DROPPED = Scenario("null dropped", UPDATE, _WITHOUT_MODEL, updated("Without a model"), WITHOUT_NULLS)

GIVEN = (
    SAVED,
    Scenario(
        "null",
        UPDATE,
        {"connection_id": 5, "name": "Key v2", "model_name": None},
        updated("Key v2"),
    ),
    Scenario(
        "text like JSON",
        SAVE,
        {"kind": "fact", "key": "[1, 2]", "value": '{"theme": "dark"}', "metadata": None},
        saved("[1, 2]"),
    ),
    Scenario("an emoji", SAVE, memory("👩🏽‍💻") | {"value": "👩🏽‍💻 née Zoë"}, saved("👩🏽‍💻")),
)
"""Calls whose arguments arrive at the API as they are."""

SCENARIOS = (
    *GIVEN,
    Scenario(
        "updated",
        UPDATE,
        {"connection_id": "5", "name": "Key v3", "model_name": None},
        updated("Key v3", notes=['connection_id "5" was read as 5.']),
        repaired={"connection_id": 5, "name": "Key v3", "model_name": None},
    ),
    REPAIRED,
    Scenario(
        "422",
        SAVE,
        memory("refused"),
        failure(
            "validation_failed",
            "The key field is invalid. (and 1 more error)",
            "Nothing was saved. Correct the fields named in field_errors and call again.",
            status=422,
            field_errors={
                "key": ["The key field is invalid."],
                "metadata.source": ["The source must be a string."],
            },
        ),
    ),
    Scenario(
        "401",
        SAVE,
        memory("unknown-token"),
        failure(
            "unauthenticated",
            "Unauthenticated.",
            "Nothing was saved. The user, not you, must put a valid token in WEMASY_API_TOKEN and restart the server.",
            rate_limit=_LIMITS,
            status=401,
        ),
    ),
    Scenario(
        "403",
        SAVE,
        memory("forbidden"),
        failure(
            "forbidden",
            "This action is unauthorized.",
            "Nothing was saved. The token lacks the permission for this; the user must grant it in Wemasy.",
            rate_limit=_LIMITS,
            status=403,
        ),
    ),
    Scenario(
        "`success: false`",
        SAVE,
        memory("declined"),
        failure(
            "rejected",
            "Your plan holds no more memories.",
            "Nothing was saved. Sending the same call again will not help.",
            rate_limit=_LIMITS,
            status=200,
        ),
    ),
    Scenario(
        "500",
        SAVE,
        memory("broken"),
        failure("server_failed", "Wemasy had an internal error.", _MAY_BE_SAVED, status=500, outcome="unknown"),
    ),
    Scenario(
        "lost answer",
        SAVE,
        memory(LOST),
        failure(
            "connection_lost", "The connection broke before the answer was complete.", _MAY_BE_SAVED, outcome="unknown"
        ),
    ),
    # Last of its session: from here on the server keeps calls back for the 42 seconds.
    LIMITED,
    Scenario(
        "time-out",
        SAVE,
        memory(SILENT),
        failure("timed_out", "Wemasy did not answer within 2 seconds.", _MAY_BE_SAVED, outcome="unknown"),
        HURRIED,
    ),
    Scenario(
        "not configured",
        SAVE,
        memory("company_primary_color"),
        failure(
            "not_configured",
            "WEMASY_API_TOKEN is not set; put your Wemasy API token there. It is set in the environment of this server "
            "(in most hosts the `env` of its entry), or in the file named with --env-file.",
            "Nothing was saved. The user must fix the setting and restart the server.",
        ),
        UNCONFIGURED,
        requests=0,
    ),
)


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
    failure("timed_out", "Wemasy did not answer within 20 seconds.", _MAY_BE_SAVED, outcome="unknown")
    | {"notes": [JOINED]},
    LATE,
    until_known=True,
)
"""For the same: what they hear when Wemasy misses the server's own deadline."""
