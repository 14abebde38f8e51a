"""Calls that are answered in time and written once: the request runs on when its caller gives up, and repeats join it.

Around any `Caller`. Which calls share a request is decided by `repeats`; here are the tasks and the waiting.
"""

import asyncio
import copy
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import SecretStr

from wemasy_mcp.core.client import Attempt, Caller
from wemasy_mcp.core.cooldown import account_key
from wemasy_mcp.core.errors import InternalError, Pending, ShuttingDown, Unreachable, WemasyError
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.core.repeats import Answer, Repeats, Request, outcome_of
from wemasy_mcp.endpoints.base import Endpoint

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
"""What a pending call's `retry_after_seconds` is at most: the repeat waits for the answer itself."""

LAST_WORDS_SECONDS = 0.5
"""How long requests that were ended may take to say what is known of them."""

_NOT_SENT = "The call was given up before it was sent."


@dataclass(slots=True, eq=False)
class Running(Request):
    """A request with the task that makes it."""

    attempt: Attempt = field(kw_only=True)
    """Of the call that began it; once it has ended, only what is known of the request."""
    started_at: float = field(default_factory=time.monotonic)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    task: asyncio.Task[None] = field(init=False)
    reports: list[tuple[Callable[[Attempt, str, str], None], str]] = field(default_factory=list)
    """How the calls that ended without the answer log what became of it, and under which code."""


class OnceCaller:
    """Calls the API through `caller`, each intent once.

    Args:
        caller: Makes the requests.
        answer_seconds: When a call is answered at the latest, though the API has not answered.
        timeout_seconds: When a request has ended at the latest.
        repeats: What is under way and what could not be delivered.
    """

    def __init__(
        self, caller: Caller, *, answer_seconds: float, timeout_seconds: float, repeats: Repeats | None = None
    ) -> None:
        self._caller = caller
        self._answer_seconds = answer_seconds
        self._timeout_seconds = timeout_seconds
        self._repeats = repeats or Repeats()
        self._tasks: set[asyncio.Task[None]] = set()
        self.prepare = caller.prepare
        self.stop = caller.stop

    async def call(
        self, endpoint: Endpoint, body: bytes, *, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Reply:
        """Return what the API confirmed: to this request, or to the one that this call repeats.

        Raises:
            WemasyError: Anything else, with what is known about the write.
        """
        key = self._repeats.key(account_key(token.get_secret_value()), endpoint.tool, body)
        request = self._repeats.join(key)
        if not isinstance(request, Running):
            request = self._begin(key, endpoint, body, token, user_agent, attempt)
        elif request.answer is None:
            attempt.notes.append("The same call was already under way: it was not sent again, and this is its answer.")
        else:
            seconds = self._repeats.age(request.ended_at)
            attempt.notes.append(
                f"The same call was made before, and its answer of {seconds} seconds ago could not be delivered: "
                "this is that answer, and nothing was sent again."
            )
        delivered = False
        try:
            answer = await self._wait(request, attempt)
            delivered = attempt.client_is_there()
        except asyncio.CancelledError:
            self._give_up(request, attempt)
            raise
        finally:
            self._repeats.leave(key, request, delivered=delivered)
            attempt.adopt(request.attempt)
        if request.earlier is not None and not endpoint.idempotent:
            seconds = self._repeats.age(request.earlier)
            attempt.notes.append(f"An identical call {seconds} seconds ago may have been {endpoint.done}, too.")
        if isinstance(answer, WemasyError):
            raise copy.copy(answer)
        return answer

    async def finish(self, seconds: float) -> None:
        """Let the requests that run on without a caller end, for at most `seconds`; then end them."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        self.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_WORDS_SECONDS)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._caller.aclose()

    def _begin(
        self, key: bytes, endpoint: Endpoint, body: bytes, token: SecretStr, user_agent: str, attempt: Attempt
    ) -> Running:
        request = Running(attempt=attempt)
        self._repeats.begin(key, request)

        async def run() -> None:
            answer: Answer = ShuttingDown()
            try:
                answer = await self._caller.call(endpoint, body, token=token, user_agent=user_agent, attempt=attempt)
            except WemasyError as error:
                # Kept for ten minutes: without the frames, which hold the token and the values.
                answer = error.with_traceback(None)
                answer.__context__ = None
            except asyncio.CancelledError:
                if not attempt.sent:
                    answer = Unreachable(_NOT_SENT)
                raise
            except Exception:
                logger.exception("internal error")
                answer = InternalError()
            finally:
                self._repeats.end(key, request, answer)
                for waiter in request.waiters:
                    _wake(waiter)
                for report, code in request.reports:
                    report(attempt, outcome_of(answer), code)
                # Kept for the repeat without the answer's bytes and what belongs to the call.
                request.attempt = Attempt(request_id=attempt.request_id, sent=attempt.sent, status=attempt.status)

        # A task of its own: the request outlives the call that began it.
        request.task = asyncio.create_task(run())
        self._tasks.add(request.task)
        request.task.add_done_callback(self._tasks.discard)
        return request

    async def _wait(self, request: Running, attempt: Attempt) -> Answer:
        """Return the answer, or what is true when none has come in time."""
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
            # Whoever waits no longer may be told the truth for good: it will not be sent.
            request.task.cancel()
            raise Unreachable(f"Wemasy could not be reached within {self._answer_seconds:g} seconds.")
        request.reports.append((attempt.report, Pending.code))
        left = self._timeout_seconds - (time.monotonic() - request.started_at)
        raise Pending(retry_after_seconds=max(1, math.ceil(min(left, RETRY_SECONDS))))

    def _give_up(self, request: Running, attempt: Attempt) -> None:
        """Take a cancelled call out: a request that has begun runs on, and its outcome is logged when it is known."""
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
