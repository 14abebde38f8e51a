"""What each client is asked to call, and what must reach whoever asked: the published interface, typed in."""

from dataclasses import dataclass
from typing import Any

from api_document import SAVE_MEMORY, UPDATE_CONNECTION

from .upstream import HELD, SILENT, SLOW

SAVE, UPDATE = SAVE_MEMORY.tool, UPDATE_CONNECTION.tool

_LIMITS = {"limit": 60, "remaining": 57}


@dataclass(frozen=True)
class Session:
    """How a server is set up for some of the calls."""

    name: str
    settings: dict[str, str]
    transports: tuple[str, ...] = ("stdio", "sse", "streamable-http")


TOKEN = {"WEMASY_API_TOKEN": "a-token-for-tests"}

MAIN = Session("main", TOKEN | {"WEMASY_TIMEOUT_SECONDS": "60"})
HURRIED = Session("hurried", TOKEN | {"WEMASY_TIMEOUT_SECONDS": "2"})
# Without a token SSE and streamable HTTP refuse to start.
UNCONFIGURED = Session("unconfigured", {}, ("stdio",))
WITHOUT_NULLS = Session("without-nulls", TOKEN | {"WEMASY_NULL_ARGUMENTS": "drop"})

# Each call is answered after a second at the latest.
PROMPT = Session("prompt", TOKEN | {"WEMASY_ANSWER_SECONDS": "1"})
DEFAULTS = Session("defaults", TOKEN)

SESSIONS = (MAIN, HURRIED, UNCONFIGURED, WITHOUT_NULLS, PROMPT, DEFAULTS)


@dataclass(frozen=True)
class Scenario:
    """One call and its whole result."""

    name: str
    tool: str
    arguments: dict[str, Any]
    result: dict[str, Any]
    session: Session = MAIN


def _memory(key: str, **more: Any) -> dict[str, Any]:
    return {"kind": "fact", "key": key, "value": "#3B82F6"} | more


def _failure(rate_limit: dict[str, int] | None = None, **error: Any) -> dict[str, Any]:
    return {"success": False, "error": error} | ({"rate_limit": rate_limit} if rate_limit else {})


SAVED = Scenario(
    "saved",
    SAVE,
    _memory("company_primary_color"),
    {"success": True, "data": {"id": 7, "kind": "fact", "key": "company_primary_color"}, "rate_limit": _LIMITS},
)

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
    {
        "success": True,
        "data": {"id": 7, "kind": "vector", "key": "7"},
        "rate_limit": _LIMITS,
        "notes": [
            'key 7 was sent as the text "7".',
            "embedding was given as a list and sent as its JSON text.",
            "metadata was given as JSON text and sent as what it holds.",
        ],
    },
)

REPAIRED_BODY = {
    "kind": "vector",
    "key": "7",
    "embedding": "[0.0231,-0.0412]",
    "metadata": {"source": "brand_guidelines"},
}

LIMITED = Scenario(
    "429",
    SAVE,
    _memory("limited"),
    _failure(
        {"limit": 60, "remaining": 0},
        code="rate_limited",
        message="Too Many Attempts.",
        status=429,
        outcome="not_applied",
        retryable=True,
        retry_after_seconds=42,
        hint="Nothing was saved. Send the same call again after 42 seconds.",
    ),
)

_LEFT_OUT = {"connection_id": 5, "name": "Without a model"}
_UPDATED = {
    "success": True,
    "message": "Connection updated.",
    "data": {"id": 5, "name": "Without a model", "model_name": None},
    "rate_limit": _LIMITS,
}

NULL_SENT = Scenario("null sent", UPDATE, _LEFT_OUT, _UPDATED)
NULL_DROPPED = Scenario("null dropped", UPDATE, _LEFT_OUT, _UPDATED, session=WITHOUT_NULLS)

SCENARIOS = (
    SAVED,
    Scenario(
        "updated",
        UPDATE,
        {"connection_id": "5", "name": "Key v2", "model_name": None},
        {
            "success": True,
            "message": "Connection updated.",
            "data": {"id": 5, "name": "Key v2", "model_name": None},
            "rate_limit": _LIMITS,
            "notes": ['connection_id "5" was read as 5.'],
        },
    ),
    REPAIRED,
    Scenario(
        "422",
        SAVE,
        _memory("refused"),
        _failure(
            code="validation_failed",
            message="The key field is invalid. (and 1 more error)",
            status=422,
            outcome="not_applied",
            retryable=False,
            hint="Nothing was saved. Correct the fields named in field_errors and call again.",
            field_errors={
                "key": ["The key field is invalid."],
                "metadata.source": ["The source must be a string."],
            },
        ),
    ),
    Scenario(
        "401",
        SAVE,
        _memory("unknown-token"),
        _failure(
            _LIMITS,
            code="unauthenticated",
            message="Unauthenticated.",
            status=401,
            outcome="not_applied",
            retryable=False,
            hint="Nothing was saved. The user, not you, must put a valid token in WEMASY_API_TOKEN and restart the "
            "server.",
        ),
    ),
    Scenario(
        "500",
        SAVE,
        _memory("broken"),
        _failure(
            code="server_failed",
            message="Wemasy had an internal error.",
            status=500,
            outcome="unknown",
            retryable=False,
            hint="It may or may not have been saved. Do not send it again: it could be stored twice. Tell the user "
            "that the outcome is unknown.",
        ),
    ),
    # Last of its session: from here on the server keeps calls back for the 42 seconds.
    LIMITED,
    Scenario(
        "time-out",
        SAVE,
        _memory(SILENT),
        _failure(
            code="timed_out",
            message="Wemasy did not answer within 2 seconds.",
            outcome="unknown",
            retryable=False,
            hint="It may or may not have been saved. Do not send it again: it could be stored twice. Tell the user "
            "that the outcome is unknown.",
        ),
        session=HURRIED,
    ),
    Scenario(
        "not configured",
        SAVE,
        _memory("company_primary_color"),
        _failure(
            code="not_configured",
            message="WEMASY_API_TOKEN is not set; put your Wemasy API token there. It is set in the environment of "
            "this server (in most hosts the `env` of its entry), or in the file named with --env-file.",
            outcome="not_applied",
            retryable=False,
            hint="Nothing was saved. The user must fix the setting and restart the server.",
        ),
        session=UNCONFIGURED,
    ),
)


def _slow(session: Session, seconds: str) -> tuple[Scenario, Scenario]:
    """A call that Wemasy answers too late, and the same call again."""
    key = f"{SLOW} {seconds}"
    pending = _failure(
        code="pending",
        message="Wemasy has not answered yet; the request is still under way.",
        outcome="unknown",
        retryable=True,
        retry_after_seconds=5,
        hint="It may or may not have been saved yet. Send the same call again after 5 seconds: it will report how "
        "this one ended and will not be sent twice.",
    )
    saved = SAVED.result | {
        "data": {"id": 7, "kind": "fact", "key": key},
        "notes": ["The same call was already under way: it was not sent again, and this is its answer."],
    }
    return (
        Scenario(f"pending after {seconds} s", SAVE, _memory(key), pending, session),
        Scenario(f"pending after {seconds} s, again", SAVE, _memory(key), saved, session),
    )


PENDING = _slow(PROMPT, "1.6")
PENDING_AT_DEFAULTS = _slow(DEFAULTS, "8")
"""For clients that give up after five seconds: they hear the truth in time."""

CANCELLED = "cancelled"
REPEATED = "repeated after a cancellation"
HELD_MEMORY = {"kind": "fact", "key": HELD}
