"""What each client is asked to call, and what must reach whoever asked."""

from dataclasses import dataclass
from typing import Any

from .published import LIMITS, MAY_BE_SAVED, SAVE, UPDATE, failure, memory, saved, updated
from .sessions import HURRIED, MAIN, UNCONFIGURED, WITHOUT_NULLS, Session
from .upstream import LOST, SILENT

EVERY_ERROR = "every error"
"""How a deviation names every scenario whose result is an error."""


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
            rate_limit=LIMITS,
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
            rate_limit=LIMITS,
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
            rate_limit=LIMITS,
            status=200,
        ),
    ),
    Scenario(
        "500",
        SAVE,
        memory("broken"),
        failure("server_failed", "Wemasy had an internal error.", MAY_BE_SAVED, status=500, outcome="unknown"),
    ),
    Scenario(
        "lost answer",
        SAVE,
        memory(LOST),
        failure(
            "connection_lost", "The connection broke before the answer was complete.", MAY_BE_SAVED, outcome="unknown"
        ),
    ),
    # Last of its session: from here on the server keeps calls back for the 42 seconds.
    LIMITED,
    Scenario(
        "time-out",
        SAVE,
        memory(SILENT),
        failure("timed_out", "Wemasy did not answer within 2 seconds.", MAY_BE_SAVED, outcome="unknown"),
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
