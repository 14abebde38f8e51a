"""Calls answered in time and written once: the request continues when its caller gives up, and repeats join it.

Wraps any `Caller`. `repeats` decides which calls share a request; the tasks and the waiting are here.
"""

import asyncio
import copy
import functools
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import SecretStr

from wemasy_mcp.core.client import Attempt, Caller
from wemasy_mcp.core.errors import InternalError, Pending, ShuttingDown, Unreachable, WemasyError
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.observability.metrics import instruments
from wemasy_mcp.once.repeats import Answer, Elsewhere, Repeats, Request, outcome_of

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
"""Maximum `retry_after_seconds` of a pending call: the repeat itself waits for the answer."""

LAST_WORDS_SECONDS = 0.5
"""Maximum time for requests that were ended to report what is known about them."""

_JOINED = "The same call was already under way: it was not sent again, and this is its answer."
_GIVEN = (
    "The same call was made before, and its answer of {seconds} seconds ago could not be delivered: "
    "this is that answer, and nothing was sent again."
)
_NOT_SENT = "The call was given up before it was sent."


class Replicas(Protocol):
    """The knowledge about repeats that the replicas of this server share. No method raises, and none takes long."""

    def call(self, token: str, tool: str, body: bytes) -> Any:
        """Return the object that represents a call in every replica."""

    async def begin(self, call: Any, seconds: float) -> Elsewhere | None:
        """Return what other replicas know about the call; None means: make the request, which may take `seconds`."""

    async def wait(self, call: Any, seconds: float) -> Answer:
        """Return the answer to the request that another replica has in progress; it may take `seconds`."""

    async def end(self, call: Any, answer: Answer) -> None:
        """Report to the other replicas how a request ended."""

    async def join(self, call: Any) -> None:
        """Record that a call here joined a request in progress here."""

    async def owe(self, call: Any, answer: Answer | None) -> bool:
        """Record that a call here did not get its answer; return whether the other replicas know."""

    async def aclose(self) -> None:
        """Close the connection."""


@dataclass(slots=True, eq=False)
class Running(Request):
    """A request and the task that makes it."""

    attempt: Attempt = field(kw_only=True)
    """The attempt of the call that began it; once the request has ended, only what is known about it."""
    shared: Any = None
    """The object that represents it in every replica."""
    started_at: float = field(default_factory=time.monotonic)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    task: asyncio.Task[None] = field(init=False)
    is_elsewhere: bool = False
    """True if another replica makes it."""
    reports: list[tuple[Callable[[Attempt, str, str], None], str]] = field(default_factory=list)
    """For each call that ended without the answer: the function that logs the outcome, and the code to log it under."""


class OnceCaller:
    """Calls the API through `caller`, once per intent.

    Args:
        caller: Makes the requests.
        answer_seconds: Time after which a call is answered even if the API has not answered.
        timeout_seconds: Time by which a request has ended.
        repeats: The requests in progress, and the answers that could not be delivered.
        replicas: The same for all replicas, if they share it.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        answer_seconds: float,
        timeout_seconds: float,
        repeats: Repeats | None = None,
        replicas: Replicas | None = None,
    ) -> None:
        self._caller = caller
        self._answer_seconds = answer_seconds
        self._timeout_seconds = timeout_seconds
        self._repeats = repeats or Repeats()
        self._replicas = replicas
        self._tasks: set[asyncio.Task[None]] = set()
        self.prepare = caller.prepare
        self.stop = caller.stop

    async def call(
        self, endpoint: Endpoint, body: bytes, *, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Reply:
        """Return what the API confirmed, for this request or for the one that this call repeats.

        Raises:
            WemasyError: In all other cases, with what is known about the write.
        """
        key = self._repeats.key(token.get_secret_value(), endpoint.tool, body)
        request = self._repeats.join(key)
        if not isinstance(request, Running):
            request = self._begin(key, endpoint, body, token, user_agent, attempt)
        elif request.answer is None:
            instruments().repeats.add(1, {"wemasy.repeat": "joined"})
            attempt.notes.append(_JOINED)
            if self._replicas is not None:
                self._spawn(self._replicas.join(request.shared))
        else:
            instruments().repeats.add(1, {"wemasy.repeat": "given_again"})
            attempt.notes.append(_GIVEN.format(seconds=self._repeats.age(request.ended_at)))
        delivered = False
        try:
            answer = await self._wait(request, attempt)
            delivered = attempt.client_is_there()
        except asyncio.CancelledError:
            self._give_up(request, attempt)
            raise
        finally:
            if delivered or self._replicas is None:
                self._repeats.leave(key, request, delivered=delivered)
            else:
                self._spawn(self._owe(self._replicas, key, request))
            attempt.adopt(request.attempt)
        if request.earlier is not None and not endpoint.idempotent:
            seconds = self._repeats.age(request.earlier)
            attempt.notes.append(f"An identical call {seconds} seconds ago may also have been {endpoint.done}.")
        if isinstance(answer, WemasyError):
            raise copy.copy(answer)
        return answer

    async def finish(self, seconds: float) -> None:
        """Wait at most `seconds` for requests that continue without a caller; then end them."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        self.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_WORDS_SECONDS)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._caller.aclose()
        if self._replicas is not None:
            await self._replicas.aclose()

    def _begin(
        self, key: bytes, endpoint: Endpoint, body: bytes, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Running:
        request = Running(attempt=attempt)
        self._repeats.begin(key, request)
        if self._replicas is not None:
            request.shared = self._replicas.call(token.get_secret_value(), endpoint.tool, body)
        ask = functools.partial(self._caller.call, endpoint, body, token=token, user_agent=user_agent, attempt=attempt)
        request.task = self._spawn(self._run(key, request, ask))
        return request

    async def _run(self, key: bytes, request: Running, ask: Callable[[], Awaitable[Reply]]) -> None:
        """Make the request, and report how it ended to the calls that wait, those that left, and the other replicas."""
        attempt = request.attempt
        answer: Answer = ShuttingDown()
        try:
            answer = await self._answer(request, ask)
        except asyncio.CancelledError:
            if not attempt.sent:
                answer = Unreachable(_NOT_SENT)
            raise
        finally:
            self._repeats.end(key, request, answer)
            for waiter in request.waiters:
                _wake(waiter)
            for report, code in request.reports:
                report(attempt, outcome_of(answer), code)
            # Kept for the repeat.
            request.attempt = attempt.facts()
            if self._replicas is not None and not request.is_elsewhere:
                self._spawn(self._replicas.end(request.shared, answer))

    async def _answer(self, request: Running, ask: Callable[[], Awaitable[Reply]]) -> Answer:
        try:
            if self._replicas is not None and (found := await self._elsewhere(self._replicas, request)) is not None:
                return found
            return await ask()
        except WemasyError as error:
            # Kept for ten minutes, so without the frames, which hold the token and the values.
            error.__context__ = None
            return error.with_traceback(None)
        except Exception:
            logger.exception("internal error")
            return InternalError()

    async def _elsewhere(self, replicas: Replicas, request: Running) -> Answer | None:
        """Return the answer to the same call made by another replica; None if the request must be made here."""
        found = await replicas.begin(request.shared, self._timeout_seconds)
        if found is None:
            return None
        if found.earlier_ago is not None:
            request.earlier = time.monotonic() - found.earlier_ago
            return None
        # From here on, only the outcome of the other replica's request may be reported.
        request.is_elsewhere = request.attempt.sent = True
        if found.answer is None:
            instruments().repeats.add(1, {"wemasy.repeat": "joined"})
            request.attempt.notes.append(_JOINED)
            return await replicas.wait(request.shared, self._timeout_seconds)
        instruments().repeats.add(1, {"wemasy.repeat": "given_again"})
        request.attempt.notes.append(_GIVEN.format(seconds=found.answered_ago))
        return found.answer

    async def _owe(self, replicas: Replicas, key: bytes, request: Running) -> None:
        """Keep an undelivered answer where any replica finds it; failing that, here."""
        is_kept = await replicas.owe(request.shared, request.answer)
        self._repeats.leave(key, request, delivered=is_kept)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that outlives the call that began it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _wait(self, request: Running, attempt: Attempt) -> Answer:
        """Return the answer; if none has come in time, raise an error that says what is known."""
        if request.answer is None:
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            request.waiters.append(waiter)
            patience = loop.call_later(self._answer_seconds, _wake, waiter)
            try:
                await waiter
            finally:
                patience.cancel()
        if request.answer is not None:
            return request.answer
        if self._is_unsent_and_unshared(request):
            # No other call waits for it, so this answer can be final: the request will not be sent.
            request.task.cancel()
            raise Unreachable(f"Wemasy could not be reached within {self._answer_seconds:g} seconds.")
        request.reports.append((attempt.report, Pending.code))
        left = self._timeout_seconds - (time.monotonic() - request.started_at)
        raise Pending(retry_after_seconds=max(1, math.ceil(min(left, RETRY_SECONDS))))

    def _give_up(self, request: Running, attempt: Attempt) -> None:
        """Remove a cancelled call: a request that has begun continues, and its outcome is logged once it is known."""
        if self._is_unsent_and_unshared(request):
            request.task.cancel()
            return
        attempt.runs_on = True
        if request.answer is None:
            request.reports.append((attempt.report, "cancelled"))
        else:
            attempt.report(request.attempt, outcome_of(request.answer), "cancelled")

    def _is_unsent_and_unshared(self, request: Running) -> bool:
        return request.answer is None and not request.attempt.sent and request.waiting == 1 and not request.owed


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
