"""The requests that other replicas of this server make, for calls that are repeated here."""

import asyncio
import time

from wemasy_mcp.core.errors import ShuttingDown
from wemasy_mcp.once.repeats import Answer, Elsewhere, Request
from wemasy_mcp.once.replicas import Replicas
from wemasy_mcp.once.running import JOINED, Running, note_given, note_joined


class OtherReplicas:
    """Finds the answer to a call that another replica has, or will have.

    Args:
        replicas: What the replicas tell each other.
        timeout_seconds: Time by which a request has ended.
    """

    def __init__(self, replicas: Replicas, timeout_seconds: float) -> None:
        self._replicas = replicas
        self._timeout_seconds = timeout_seconds
        self._following: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    async def answer(self, request: Running) -> Answer | None:
        """Return the answer to the same call made elsewhere or before; None if the request must be made here."""
        attempt = request.attempt
        own_id = attempt.request_id
        kept, request.kept = request.kept, None
        while True:
            request.is_asking = True
            found = await self._replicas.begin(request.shared, own_id, self._timeout_seconds)
            request.is_asking = False
            if request.dropped is not None:
                await self._give_back(request, found)
                return request.dropped
            if found is None:
                return _kept_here(kept, request)
            if found.request_id or found.earlier_ago is not None:
                request.earlier = None if found.earlier_ago is None else time.monotonic() - found.earlier_ago
            if not found.request_id:
                return None
            # From here on, only the outcome of the other request may be reported.
            request.is_elsewhere = attempt.sent = True
            attempt.request_id, attempt.status = found.request_id, found.status
            if found.answer is not None:
                note_given(attempt, found.answered_ago)
                return found.answer
            note_joined(attempt)
            found = await self._follow(request)
            if found.answer is not None:
                attempt.status = found.status
                return found.answer
            # That replica sent nothing, because its own caller gave up.
            attempt.notes.remove(JOINED)
            request.is_elsewhere = attempt.sent = False
            attempt.request_id = own_id

    def stop(self) -> None:
        """Wait for no other replica any more."""
        self._is_stopping = True
        for task in self._following:
            task.cancel()

    async def _follow(self, request: Running) -> Elsewhere:
        """Return how the request of another replica ended, or that this server stops before that is known."""
        request_id = request.attempt.request_id
        if self._is_stopping:
            return Elsewhere(request_id, ShuttingDown())
        self._following.add(request.task)
        try:
            return await self._replicas.wait(request.shared, request_id, self._timeout_seconds)
        finally:
            self._following.discard(request.task)

    async def _give_back(self, request: Running, found: Elsewhere | None) -> None:
        """Undo what was recorded for a call that gave up meanwhile."""
        request.is_elsewhere = True
        if found is None or not found.request_id:
            await self._replicas.drop(request.shared, request.attempt.request_id)
        else:
            await self._replicas.owe(request.shared, found.request_id, found.answer, found.status)


def _kept_here(kept: Request | None, request: Running) -> Answer | None:
    """Return the undelivered answer that the replicas share, from this process's memory: they cannot be asked."""
    if not isinstance(kept, Running) or kept.answer is None:
        return None
    request.is_elsewhere = True
    request.shared_owed, request.earlier = kept.shared_owed - 1, kept.earlier
    request.attempt.adopt(kept.attempt)
    note_given(request.attempt, round(time.monotonic() - kept.ended_at))
    return kept.answer
