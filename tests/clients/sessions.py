"""How the server is set up for the calls: each session has a server of its own."""

from dataclasses import dataclass

TOKEN = {"WEMASY_API_TOKEN": "a-token-for-tests"}

PATIENT_SECONDS = 60.0
"""The client's own limit where nothing is asked about it, so that on a busy machine a server has the time to start."""

LIMIT_SECONDS = 5.0
"""The client's own limit, where it is set. Long enough for a server to start: some clients apply it to that, too."""


@dataclass(frozen=True)
class Session:
    """How a server is set up for some of the calls."""

    name: str
    settings: dict[str, str]
    transports: tuple[str, ...] = ("stdio", "sse", "streamable-http")
    lane: str = ""
    """Sessions of different lanes run side by side, so that what waits does not keep the others waiting."""
    limit_seconds: float | None = PATIENT_SECONDS
    """The client's own limit on a call; None for its default."""
    may_break: bool = False
    """Whether the client may fail, also when it closes the session. Such a session is the last."""


MAIN = Session("main", TOKEN | {"WEMASY_TIMEOUT_SECONDS": "60"})
# Without a token SSE and streamable HTTP refuse to start.
UNCONFIGURED = Session("unconfigured", {}, ("stdio",))
WITHOUT_NULLS = Session("without-nulls", TOKEN | {"WEMASY_NULL_ARGUMENTS": "drop"})

HURRIED = Session("hurried", TOKEN | {"WEMASY_TIMEOUT_SECONDS": "2"}, lane="waiting")
# Each call is answered after a second at the latest.
PROMPT = Session("prompt", TOKEN | {"WEMASY_ANSWER_SECONDS": "1"}, lane="waiting")
# The server waits as long as it may: the client gives up.
_PATIENT = TOKEN | {"WEMASY_TIMEOUT_SECONDS": "60", "WEMASY_ANSWER_SECONDS": "60"}
PATIENT = Session("patient", _PATIENT, lane="patient", limit_seconds=LIMIT_SECONDS)

DEFAULTS = Session("defaults", TOKEN, lane="defaults", limit_seconds=None)
# Over one transport: it takes the whole of the server's own deadline.
LATE = Session("late", TOKEN, ("stdio",), lane="late", limit_seconds=None)

# The client gives up, and repeats the call by itself: as it is by default, and with the account of repeats turned off.
JOINING = Session("joining", _PATIENT, ("stdio",), lane="joining", limit_seconds=LIMIT_SECONDS)
SENDING = Session("sending", _PATIENT | {"WEMASY_REPEATS": "send"}, ("stdio",), "sending", LIMIT_SECONDS)

KILLED = Session("killed", _PATIENT, may_break=True)

SESSIONS = (MAIN, UNCONFIGURED, WITHOUT_NULLS, HURRIED, PROMPT, PATIENT, DEFAULTS, LATE, JOINING, SENDING, KILLED)
