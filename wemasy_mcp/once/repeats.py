"""Which calls one request answers: what is under way, and what could not be delivered.

The API has no idempotency key, and the world repeats: hosts dispatch one call twice, clients give up after a few
seconds, and models then call again. A repeat that nobody chose is written once; one on purpose always goes through.
Bookkeeping only, without I/O but the clock. It keeps no value that was sent: a request is known by a keyed hash.
"""

import hashlib
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.core.protocol import Reply

KEPT_SECONDS = 600.0
"""How long an answer that could not be delivered is kept for the repeat."""

MAX_REQUESTS = 10_000
"""How many requests are remembered; the oldest is forgotten first."""

Answer = Reply | WemasyError


def outcome_of(answer: Answer) -> str:
    """Return what an answer says about the write."""
    return answer.outcome if isinstance(answer, WemasyError) else "applied"


def canonical(body: bytes) -> bytes:
    """Return the one JSON text of a body, in whatever order the members of the objects in it were given."""
    # Its own members are in the order of the endpoint's arguments.
    return body if body.count(b"{") == 1 else json.dumps(json.loads(body), sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What other replicas know of a call."""

    answer: Answer | None = None
    """An answer that could not be delivered there; without one, and without `earlier_ago`, a request is under way."""
    answered_ago: int = 0
    """Seconds since that answer."""
    earlier_ago: int | None = None
    """Seconds since an identical request ended with an unknown outcome that was delivered: nothing is under way."""


@dataclass(slots=True, eq=False)
class Request:
    """One request to the API, and the calls that its answer is for."""

    earlier: float | None = None
    """When an identical request ended with an unknown outcome that was delivered."""
    waiting: int = 1
    """Calls that wait for the answer."""
    owed: int = 0
    """Calls that ended without it. A repeat takes the place of one."""
    answer: Answer | None = None
    ended_at: float = 0.0


class Repeats:
    """The requests of this process.

    Args:
        clock: Counts seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._running: OrderedDict[bytes, Request] = OrderedDict()
        self._ended: OrderedDict[bytes, Request] = OrderedDict()

    def key(self, account: str, tool: str, body: bytes) -> bytes:
        """Return what stands for a call: equal for the same account, tool and body, and new in each process."""
        return hashlib.blake2b(
            b"\0".join((account.encode(), tool.encode(), canonical(body))), key=self._secret, digest_size=32
        ).digest()

    def join(self, key: bytes) -> Request | None:
        """Return the request that answers one more call: under way, or ended and not delivered. Else None."""
        self._forget_expired()
        request = self._running.get(key) or self._ended.get(key)
        if request is None or (request.answer is not None and not request.owed):
            return None
        request.waiting += 1
        request.owed = max(0, request.owed - 1)
        return request

    def begin(self, key: bytes, request: Request) -> None:
        """Remember a request that is about to be made, for the one call that waits for it."""
        before = self._ended.pop(key, None)
        if before is not None and before.answer is not None and outcome_of(before.answer) == "unknown":
            request.earlier = before.ended_at
        self._running[key] = request
        if len(self._running) + len(self._ended) > MAX_REQUESTS:
            (self._ended or self._running).popitem(last=False)

    def end(self, key: bytes, request: Request, answer: Answer) -> None:
        """Note how a request ended."""
        request.answer = answer
        request.ended_at = self._clock()
        if self._running.get(key) is request:
            del self._running[key]
            self._ended[key] = request
        self._settle(key, request)

    def leave(self, key: bytes, request: Request, *, delivered: bool) -> None:
        """Note that a call no longer waits: it got the answer, or it ended without."""
        request.waiting -= 1
        request.owed += not delivered
        self._settle(key, request)

    def age(self, ended_at: float) -> int:
        """Return the whole seconds since then."""
        return round(self._clock() - ended_at)

    def _settle(self, key: bytes, request: Request) -> None:
        """Keep what a repeat needs to know, once no call waits any more."""
        if request.answer is None or request.waiting or self._ended.get(key) is not request:
            return
        outcome = outcome_of(request.answer)
        if outcome == "unknown" or (outcome == "applied" and request.owed):
            return
        # Nothing was written, or all who asked know: no trace is left but an earlier one.
        del self._ended[key]
        if outcome == "not_applied" and request.earlier is not None:
            self._ended[key] = Request(waiting=0, answer=_UNKNOWN, ended_at=request.earlier)

    def _forget_expired(self) -> None:
        limit = self._clock() - KEPT_SECONDS
        while self._ended and next(iter(self._ended.values())).ended_at < limit:
            self._ended.popitem(last=False)


class _Unknown(WemasyError):
    code = "unknown"
    default_message = ""


_UNKNOWN = _Unknown()
