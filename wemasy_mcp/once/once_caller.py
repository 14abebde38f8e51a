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
from typing import Any

from pydantic import SecretStr

from wemasy_mcp.core.client import Attempt, Caller
from wemasy_mcp.core.errors import InternalError, Pending, ShuttingDown, Unreachable, WemasyError
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.once.other_replicas import OtherReplicas
from wemasy_mcp.once.repeats import Answer, Repeats, outcome_of
from wemasy_mcp.once.replicas import Replicas
from wemasy_mcp.once.running import NOT_SENT, Running, note_given, note_joined

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
"""Maximum `retry_after_seconds` of a pending call: the repeat itself waits for the answer."""

LAST_WORDS_SECONDS = 0.5
"""Maximum time for requests that were ended to report what is known about them."""

EXPIRY_SECONDS = 60.0
"""Interval at which a process that gets no calls forgets what has been kept long enough."""


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
        self._is_patient = answer_seconds >= timeout_seconds
        self._repeats = repeats or Repeats()
        self._replicas = replicas
        self._others = None if replicas is None else OtherReplicas(replicas, timeout_seconds)
        self._tasks: set[asyncio.Task[None]] = set()
        self._expiry: asyncio.TimerHandle | None = None
        self.prepare = caller.prepare

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
            note_joined(attempt)
            if self._replicas is not None:
                self._spawn(self._replicas.join(request.shared, request.attempt.request_id))
        else:
            note_given(attempt, self._repeats.age(request.ended_at))
        delivered = False
        try:
            answer = await self._wait(key, request, attempt)
            delivered = attempt.client_is_there()
        except asyncio.CancelledError:
            self._give_up(key, request, attempt)
            raise
        finally:
            if request.dropped is None:
                self._leave(key, request, delivered=delivered)
            attempt.adopt(request.attempt)
        if request.earlier is not None and not endpoint.idempotent:
            seconds = self._repeats.age(request.earlier)
            attempt.notes.append(f"An identical call {seconds} seconds ago may also have been {endpoint.done}.")
        if isinstance(answer, WemasyError):
            raise copy.copy(answer)
        return answer

    def stop(self) -> None:
        """End the calls in progress, each with a truthful answer, and send no more."""
        self._caller.stop()
        if self._others is not None:
            self._others.stop()

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
        answer: Answer | None = None
        try:
            answer = await self._answer(request, ask)
            if self._replicas is not None and not request.is_elsewhere:
                # Before any caller has it, who may then make the same call on purpose at another replica.
                await self._replicas.end(request.shared, attempt.request_id, answer, attempt.status)
        finally:
            if answer is None:
                answer = self._cut_off(request)
            self._repeats.end(key, request, answer)
            for waiter in request.waiters:
                _wake(waiter)
            for report, code in request.reports:
                report(attempt, outcome_of(answer), code)
            # Kept for the repeat.
            request.attempt = attempt.facts()

    def _cut_off(self, request: Running) -> WemasyError:
        """Return the answer to a request whose task was cancelled."""
        attempt = request.attempt
        answer = request.dropped or (ShuttingDown() if attempt.sent else Unreachable(NOT_SENT))
        if self._replicas is not None and not request.is_elsewhere:
            if request.dropped is not None:
                self._spawn(self._replicas.drop(request.shared, attempt.request_id))
            else:
                self._spawn(self._replicas.end(request.shared, attempt.request_id, answer, attempt.status))
        return answer

    async def _answer(self, request: Running, ask: Callable[[], Awaitable[Reply]]) -> Answer:
        try:
            if self._others is not None and (found := await self._others.answer(request)) is not None:
                return found
            return await ask()
        except WemasyError as error:
            # Kept for ten minutes, so without the frames, which hold the token and the values.
            error.__context__ = None
            return error.with_traceback(None)
        except Exception:
            logger.exception("internal error")
            return InternalError()

    def _leave(self, key: bytes, request: Running, *, delivered: bool) -> None:
        if delivered:
            self._repeats.leave(key, request, delivered=True)
            return
        if self._expiry is None:
            self._expire()
        if self._replicas is None:
            self._repeats.leave(key, request, delivered=False)
        else:
            self._spawn(self._owe(self._replicas, key, request))

    async def _owe(self, replicas: Replicas, key: bytes, request: Running) -> None:
        """Keep an undelivered answer, and record it where any replica finds it."""
        attempt = request.attempt
        is_shared = await replicas.owe(request.shared, attempt.request_id, request.answer, attempt.status)
        self._repeats.leave(key, request, delivered=False, is_shared=is_shared)

    def _expire(self) -> None:
        """Forget what has been kept long enough, and look again later while anything may be kept."""
        self._repeats.forget_expired()
        self._expiry = None
        if self._tasks or not self._repeats.is_empty:
            self._expiry = asyncio.get_running_loop().call_later(EXPIRY_SECONDS, self._expire)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that outlives the call that began it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _wait(self, key: bytes, request: Running, attempt: Attempt) -> Answer:
        """Return the answer; if none has come in time, raise an error that says what is known."""
        if request.answer is None:
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            request.waiters.append(waiter)
            # By the deadline the request itself has ended, and says what is known.
            patience = None if self._is_patient else loop.call_later(self._answer_seconds, _wake, waiter)
            try:
                await waiter
            finally:
                if patience is not None:
                    patience.cancel()
        if request.answer is not None:
            return request.answer
        if request.is_droppable:
            # This answer can be final, for all that joined, because the request will not be sent.
            unreached = Unreachable(f"Wemasy could not be reached within {self._answer_seconds:g} seconds.")
            self._drop(key, request, unreached)
            raise unreached
        request.is_promised = True
        request.reports.append((attempt.report, Pending.code))
        left = self._timeout_seconds - (time.monotonic() - request.started_at)
        raise Pending(retry_after_seconds=max(1, math.ceil(min(left, RETRY_SECONDS))))

    def _give_up(self, key: bytes, request: Running, attempt: Attempt) -> None:
        """Remove a cancelled call: a request that has begun continues, and its outcome is logged once it is known."""
        if request.is_droppable and request.waiting == 1:
            self._drop(key, request, Unreachable(NOT_SENT))
            return
        attempt.runs_on = True
        if request.answer is None:
            request.reports.append((attempt.report, "cancelled"))
        else:
            attempt.report(request.attempt, outcome_of(request.answer), "cancelled")

    def _drop(self, key: bytes, request: Running, answer: Unreachable) -> None:
        """Give up a request of which nothing was sent. The same call made from now on begins another."""
        request.dropped = answer
        self._repeats.forget(key, request)
        # What the other replicas answer must be heard: they may have handed something over.
        if not request.is_asking:
            request.task.cancel()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
