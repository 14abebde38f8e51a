"""Repeats across replicas: a call that another replica has in progress, or could not deliver, is not sent again here.

`repeat_scripts` says what Redis holds. Whatever Redis does, the worst case is that each replica relies on what it knows
itself.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import anyio

from wemasy_mcp.core import errors
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.once.repeats import KEPT_SECONDS, Answer, Elsewhere, outcome_of
from wemasy_mcp.shared_state.redis_connection import Command, RedisConnection
from wemasy_mcp.shared_state.repeat_scripts import BEGIN, DROPPED, END, JOIN, OWE, TAKE
from wemasy_mcp.shared_state.shared_call import GONE, SharedCall

PATIENCE_SECONDS = 1.0
"""Maximum wait of a call for Redis to say whether it is a repeat: longer than for a cooldown, because a wrong guess
writes it twice. If Redis is away nothing waits: see `redis_connection`."""

LOOK_SECONDS = 0.05
"""Interval at which a call checks whether another replica has its answer."""

MARGIN_SECONDS = 1.0
"""Extra wait beyond the time that a request may take, after which its replica is assumed to be gone."""

_KEPT = round(KEPT_SECONDS * 1000)

RETRY_SECONDS = 1.0
"""Interval at which Redis is told again how a request ended, until it answers."""

MAX_UNREPORTED = 10_000
"""Maximum number of calls of which Redis must still be told how they ended; the oldest is forgotten first."""

MAX_PER_CALL = 4
"""Maximum number of requests for one call of which Redis must still be told."""


@dataclass(slots=True)
class _Unreported:
    """What Redis must still be told about a call."""

    commands: list[Command] = field(default_factory=list)
    until: float = field(default_factory=lambda: time.monotonic() + KEPT_SECONDS)


class RedisRepeats:
    """The replicas' requests in progress, and the answers that they could not deliver."""

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis
        self._unreported: OrderedDict[str, _Unreported] = OrderedDict()
        self._retrying: asyncio.Task[None] | None = None

    def call(self, token: str, tool: str, body: bytes) -> SharedCall:
        """Return the object that represents a call in every replica."""
        return SharedCall.of(token, tool, body)

    async def begin(self, call: SharedCall, request_id: str, seconds: float) -> Elsewhere | None:
        """Return what is known about the call; None if Redis is away.

        If no request is known, this one counts as in progress from now on.

        Args:
            call: The call.
            request_id: The id of the request that will be made for it.
            seconds: Maximum duration of a request.
        """
        milliseconds = round((seconds + MARGIN_SECONDS) * 1000)
        match await self._run(BEGIN, call, request_id, milliseconds, _KEPT):
            case [b"wait", bytes(known_id), _, _, int(earlier)]:
                return Elsewhere(_id(known_id), earlier_ago=_ago(earlier))
            case [b"given", bytes(known_id), bytes(text), int(age), int(earlier)]:
                if (told := call.opened(text)) is not None:
                    answer, status = told
                    return Elsewhere(_id(known_id), answer, status, _ago(age) or 0, _ago(earlier))
                return Elsewhere()
            case [b"send", _, _, _, int(earlier)]:
                return Elsewhere(earlier_ago=_ago(earlier))
        return None

    async def wait(self, call: SharedCall, request_id: str, seconds: float) -> Elsewhere:
        """Return how another replica's request ended; unknown if that replica is gone; no answer if it sent nothing."""
        with anyio.move_on_after(seconds + 2 * MARGIN_SECONDS):
            while True:
                await anyio.sleep(LOOK_SECONDS)
                match await self._run(TAKE, call, request_id, _KEPT):
                    case [b"told", bytes(text)] if text == DROPPED.encode():
                        return Elsewhere(request_id)
                    case [b"told", bytes(text)]:
                        answer, status = call.opened(text) or (errors.ConnectionLost(GONE), None)
                        return Elsewhere(request_id, answer, status)
        return Elsewhere(request_id, errors.TimedOut())

    async def end(self, call: SharedCall, request_id: str, answer: Answer, status: int | None) -> None:
        """Report to other replicas how a request ended, as far as a call there may ask."""
        await self._report(call, request_id, outcome_of(answer), call.sealed(answer, status))

    async def drop(self, call: SharedCall, request_id: str) -> None:
        """Report that a request was not sent: a call at another replica that waits for it makes one of its own."""
        await self._report(call, request_id, "not_applied", DROPPED)

    async def join(self, call: SharedCall, request_id: str) -> None:
        """Record that a call here joined a request in progress here."""
        await self._run(JOIN, call, request_id)

    async def owe(self, call: SharedCall, request_id: str, answer: Answer | None, status: int | None) -> bool:
        """Record that a call here did not get its answer, for a repeat at any replica; False if it is not recorded."""
        outcome, text = (outcome_of(answer), call.sealed(answer, status)) if answer is not None else ("", "")
        return bool(await self._run(OWE, call, request_id, outcome, text, _KEPT) == 1)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._retrying is not None:
            self._retrying.cancel()
        await self._redis.aclose()

    async def _run(self, script: str, call: SharedCall, *arguments: str | int) -> Any:
        # What Redis has not been told about this call comes first: otherwise it would count as still in progress.
        unreported = self._unreported_about(call.key)
        replies = await self._redis.ask(*unreported, ("EVAL", script, 1, call.key, *arguments))
        if replies is None:
            return None
        self._reported(call.key, unreported)
        return replies[-1]

    async def _report(self, call: SharedCall, request_id: str, outcome: str, text: str) -> None:
        """Tell Redis how a request ended, again and again while it is away: until then it counts as in progress."""
        command: Command = ("EVAL", END, 1, call.key, request_id, outcome, text, _KEPT)
        commands = self._unreported.setdefault(call.key, _Unreported()).commands
        commands.append(command)
        del commands[:-MAX_PER_CALL]
        if len(self._unreported) > MAX_UNREPORTED:
            self._unreported.popitem(last=False)
        if not await self._flush(call.key) and self._retrying is None:
            self._retrying = asyncio.create_task(self._retry())

    async def _flush(self, key: str) -> bool:
        commands = self._unreported_about(key)
        if commands and await self._redis.ask(*commands) is None:
            return False
        self._reported(key, commands)
        return True

    async def _retry(self) -> None:
        try:
            while self._unreported:
                await anyio.sleep(RETRY_SECONDS)
                for key, unreported in list(self._unreported.items()):
                    if time.monotonic() > unreported.until:
                        self._unreported.pop(key, None)
                    elif not await self._flush(key):
                        # What concerns this key alone must not keep the others waiting.
                        self._unreported.move_to_end(key)
                        break
        finally:
            self._retrying = None

    def _unreported_about(self, key: str) -> tuple[Command, ...]:
        return tuple(self._unreported[key].commands) if key in self._unreported else ()

    def _reported(self, key: str, commands: tuple[Command, ...]) -> None:
        if (unreported := self._unreported.get(key)) is not None:
            unreported.commands[:] = [command for command in unreported.commands if command not in commands]
            if not unreported.commands:
                del self._unreported[key]


def _id(name: bytes) -> str:
    """Return the id of a request, which anyone who can write to Redis may have chosen."""
    return sanitize(name.decode(errors="replace"), limit=36)


def _ago(milliseconds: int) -> int | None:
    return None if milliseconds < 0 else round(milliseconds / 1000)
