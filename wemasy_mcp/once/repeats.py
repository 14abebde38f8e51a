"""The calls that one request answers: requests in progress, and answers that could not be delivered.

The API has no idempotency key, yet calls do get repeated: hosts dispatch one call twice, clients give up after a few
seconds, and models then call again. An accidental repeat is written once; a deliberate one always goes through.
This is bookkeeping only, with no I/O except the clock. It keeps no value that was sent: a request is identified by a
keyed hash.
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
"""Seconds that an undelivered answer is kept for the repeat."""

MAX_REQUESTS = 10_000
"""Maximum number of requests remembered; the oldest is forgotten first."""

Answer = Reply | WemasyError


def outcome_of(answer: Answer) -> str:
    """Return what an answer says about the write."""
    return answer.outcome if isinstance(answer, WemasyError) else "applied"


def canonical(body: bytes) -> bytes:
    """Return the canonical JSON text of a body, whatever the order of the members of the objects in it."""
    # Its top-level members are always in the order of the endpoint's arguments.
    return body if body.count(b"{") == 1 else json.dumps(json.loads(body), sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The knowledge that all replicas have about a call: of a request for it in progress, or of one that has ended."""

    request_id: str = ""
    """The request's id; empty if there is none, and the call must be sent."""
    answer: Answer | None = None
    """The request's answer, which could not be delivered; None while it is in progress."""
    status: int | None = None
    answered_ago: int = 0
    """Seconds since the answer."""
    earlier_ago: int | None = None
    """Seconds since an identical request before it ended with an unknown outcome that was delivered."""


@dataclass(slots=True, eq=False)
class Request:
    """One request to the API, and the calls that wait for its answer."""

    earlier: float | None = None
    """The time at which an identical request ended with an unknown outcome that was delivered."""
    waiting: int = 1
    """Number of calls that wait for the answer."""
    owed: int = 0
    """Number of calls that ended without it. A repeat takes the place of one."""
    shared_owed: int = 0
    """The same for calls of which all replicas know: what is known here serves if the others cannot be asked."""
    kept: "Request | None" = None
    """The ended request with such calls that this one takes the place of."""
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

    @property
    def is_empty(self) -> bool:
        """True if no ended request is remembered."""
        return not self._ended

    def key(self, token: str, tool: str, body: bytes) -> bytes:
        """Return the key of a call: equal for the same token, tool and body, and different in each process."""
        return hashlib.blake2b(
            b"\0".join((token.encode(), tool.encode(), canonical(body))), key=self._secret, digest_size=32
        ).digest()

    def join(self, key: bytes) -> Request | None:
        """Return the request that answers one more call, in progress or ended but undelivered; else None."""
        self.forget_expired()
        request = self._running.get(key) or self._ended.get(key)
        if request is None or (request.answer is not None and not request.owed):
            return None
        request.waiting += 1
        if request.owed:
            request.owed -= 1
        elif request.shared_owed:
            request.shared_owed -= 1
        return request

    def begin(self, key: bytes, request: Request) -> None:
        """Remember a request that is about to be made, for the one call that waits for it."""
        before = self._ended.pop(key, None)
        if before is not None and before.answer is not None and before.ended_at >= self._clock() - KEPT_SECONDS:
            if before.shared_owed:
                request.kept = before
            elif outcome_of(before.answer) == "unknown":
                request.earlier = before.ended_at
        self._running[key] = request
        if len(self._running) + len(self._ended) > MAX_REQUESTS:
            (self._ended or self._running).popitem(last=False)

    def end(self, key: bytes, request: Request, answer: Answer) -> None:
        """Record how a request ended."""
        request.answer = answer
        request.ended_at = self._clock()
        if self._running.get(key) is request:
            del self._running[key]
            self._ended[key] = request
        self._settle(key, request)

    def forget(self, key: bytes, request: Request) -> None:
        """Forget a request in progress that will not be sent: the next call begins another."""
        if self._running.get(key) is request:
            del self._running[key]

    def leave(self, key: bytes, request: Request, *, delivered: bool, is_shared: bool = False) -> None:
        """Record that a call no longer waits: it got the answer, or ended without it, as all replicas know or not."""
        request.waiting -= 1
        request.owed += not delivered and not is_shared
        request.shared_owed += not delivered and is_shared
        self._settle(key, request)

    def age(self, ended_at: float) -> int:
        """Return the whole seconds since `ended_at`."""
        return round(self._clock() - ended_at)

    def _settle(self, key: bytes, request: Request) -> None:
        """Once no call waits any more, keep what a repeat needs to know."""
        if request.answer is None or request.waiting or self._ended.get(key) is not request:
            return
        outcome = outcome_of(request.answer)
        if (request.owed or request.shared_owed) and outcome != "not_applied":
            return
        # Nothing was written, or every caller knows: only the time of what may have been written remains.
        del self._ended[key]
        unknown_at = request.ended_at if outcome == "unknown" else request.earlier
        if outcome != "applied" and unknown_at is not None:
            self._ended[key] = Request(waiting=0, answer=_UNKNOWN, ended_at=unknown_at)
            if unknown_at is request.earlier:
                # The oldest come first, and this one is older than the request.
                self._ended.move_to_end(key, last=False)

    def forget_expired(self) -> None:
        """Forget what has been kept for `KEPT_SECONDS`."""
        limit = self._clock() - KEPT_SECONDS
        while self._ended and next(iter(self._ended.values())).ended_at < limit:
            self._ended.popitem(last=False)


class _Unknown(WemasyError):
    code = "unknown"
    default_message = ""


_UNKNOWN = _Unknown()
