"""Repeats across replicas: a call that another replica has in progress, or could not deliver, is not sent again here.

There is one Redis hash per call, found by a keyed hash of tool and body; it holds the answer's content encrypted. Both
keys are derived from the account's token, which is not stored there. Whatever Redis does, the worst case is that each
replica relies on what it knows itself.
"""

import hashlib
import json
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

import anyio
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wemasy_mcp.core import errors
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.once.repeats import KEPT_SECONDS, Answer, Elsewhere, canonical, outcome_of
from wemasy_mcp.shared_state.redis_connection import RedisConnection

PREFIX = "wemasy-mcp:repeat:"

PATIENCE_SECONDS = 1.0
"""Maximum wait of a call for Redis to say whether it is a repeat: longer than for a cooldown, because a wrong guess
writes it twice. If Redis is away nothing waits: see `redis_connection`."""

LOOK_SECONDS = 0.05
"""Interval at which a call checks whether another replica has its answer."""

MARGIN_SECONDS = 1.0
"""Extra wait beyond the time that a request may take, after which its replica is assumed to be gone."""

_LOST = "The replica of this server that made the call has gone, and what became of it is not known."

_KEPT = round(KEPT_SECONDS * 1000)

# Times are Redis's own, in milliseconds. A replica that dies leaves `running` behind: past its deadline the outcome
# stays unknown, and the key remains, so that the repeat is answered with that instead of being sent.
_BEGIN = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local call = redis.call('HMGET', KEYS[1], 'state', 'owed', 'outcome', 'ended', 'answer', 'deadline')
local owed = tonumber(call[2]) or 0
local earlier = -1
if call[1] == 'running' then
  if owed > 0 then redis.call('HINCRBY', KEYS[1], 'owed', -1) end
  if now <= (tonumber(call[6]) or 0) then
    redis.call('HINCRBY', KEYS[1], 'waiting', 1)
    return {'wait'}
  end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'state', 'ended', 'outcome', 'unknown', 'ended', now)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return {'lost'}
elseif call[1] == 'ended' then
  local age = now - (tonumber(call[4]) or now)
  if owed > 0 then
    if owed == 1 and call[3] == 'applied' then redis.call('DEL', KEYS[1])
    else redis.call('HINCRBY', KEYS[1], 'owed', -1) end
    return {'given', call[5] or '', age}
  end
  if call[3] == 'unknown' then earlier = age end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'running', 'owner', ARGV[1], 'deadline', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'send', '', earlier}
"""

_TAKE = """
local call = redis.call('HMGET', KEYS[1], 'state', 'outcome', 'answer', 'owed', 'waiting', 'deadline')
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if call[1] == 'running' then
  if now <= (tonumber(call[6]) or 0) then return {'wait'} end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'state', 'ended', 'outcome', 'unknown', 'ended', now)
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
elseif call[1] == 'ended' then
  if call[2] ~= 'unknown' and (tonumber(call[4]) or 0) == 0 and (tonumber(call[5]) or 0) <= 1 then
    redis.call('DEL', KEYS[1])
  else
    redis.call('HINCRBY', KEYS[1], 'waiting', -1)
  end
end
return {'given', call[3] or ''}
"""

_END = """
local call = redis.call('HMGET', KEYS[1], 'owner', 'owed', 'waiting')
if call[1] ~= ARGV[1] then return 0 end
local owed, waiting = tonumber(call[2]) or 0, tonumber(call[3]) or 0
if waiting == 0 and (ARGV[2] == 'not_applied' or (ARGV[2] == 'applied' and owed == 0)) then
  return redis.call('DEL', KEYS[1])
end
local clock = redis.call('TIME')
redis.call('HSET', KEYS[1], 'state', 'ended', 'outcome', ARGV[2], 'answer', ARGV[3],
  'ended', clock[1] * 1000 + math.floor(clock[2] / 1000))
if ARGV[2] == 'not_applied' then redis.call('HDEL', KEYS[1], 'owed') end
return redis.call('PEXPIRE', KEYS[1], ARGV[4])
"""

_OWE = """
local clock = redis.call('TIME')
local state = redis.call('HGET', KEYS[1], 'state')
if not state then
  if ARGV[1] == '' or ARGV[1] == 'not_applied' then return 1 end
  redis.call('HSET', KEYS[1], 'state', 'ended', 'outcome', ARGV[1], 'answer', ARGV[2],
    'ended', clock[1] * 1000 + math.floor(clock[2] / 1000))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
elseif ARGV[1] ~= '' and state == 'running' then return 0 end
redis.call('HINCRBY', KEYS[1], 'owed', 1)
return 1
"""

_JOIN = """
if (tonumber(redis.call('HGET', KEYS[1], 'owed')) or 0) > 0 then redis.call('HINCRBY', KEYS[1], 'owed', -1) end
return 1
"""


@dataclass(frozen=True, slots=True)
class SharedCall:
    """A call as the replicas know it."""

    key: str
    cipher: AESGCM
    owner: str


class RedisRepeats:
    """The replicas' requests in progress, and the answers that they could not deliver."""

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis

    def call(self, token: str, tool: str, body: bytes) -> SharedCall:
        """Return the object that represents a call in every replica. Neither key can be made without the token."""
        secret = hashlib.blake2b(token.encode(), digest_size=32, person=b"repeats key").digest()
        known = hashlib.blake2b(tool.encode() + b"\0" + canonical(body), key=secret, digest_size=32).hexdigest()
        cipher = AESGCM(hashlib.blake2b(token.encode(), digest_size=32, person=b"repeats answer").digest())
        return SharedCall(PREFIX + known, cipher, secrets.token_hex(16))

    async def begin(self, call: SharedCall, seconds: float) -> Elsewhere | None:
        """Return what other replicas know about the call; None means: make the request.

        Args:
            call: The call.
            seconds: Maximum duration of a request.
        """
        milliseconds = round((seconds + MARGIN_SECONDS) * 1000)
        match await self._run(_BEGIN, call, call.owner, milliseconds, _KEPT):
            case [b"wait", *_]:
                return Elsewhere()
            case [b"lost", *_]:
                return Elsewhere(errors.ConnectionLost(_LOST))
            case [b"given", bytes(text), int(age)] if (answer := _opened(call, text)) is not None:
                return Elsewhere(answer, answered_ago=_seconds(age))
            case [b"send", _, int(age)] if age >= 0:
                return Elsewhere(earlier_ago=_seconds(age))
        return None

    async def wait(self, call: SharedCall, seconds: float) -> Answer:
        """Return the answer to the request that another replica has in progress; unknown if that replica is gone."""
        with anyio.move_on_after(seconds + 2 * MARGIN_SECONDS):
            while True:
                await anyio.sleep(LOOK_SECONDS)
                match await self._run(_TAKE, call, _KEPT):
                    case [b"given", bytes(text)]:
                        return _opened(call, text) or errors.ConnectionLost(_LOST)
        return errors.TimedOut()

    async def end(self, call: SharedCall, answer: Answer) -> None:
        """Report to other replicas how a request ended, as far as a call there may ask."""
        await self._run(_END, call, call.owner, outcome_of(answer), _sealed(call, answer), _KEPT)

    async def join(self, call: SharedCall) -> None:
        """Record that a call here joined a request in progress here."""
        await self._run(_JOIN, call)

    async def owe(self, call: SharedCall, answer: Answer | None) -> bool:
        """Record that a call here did not get its answer, for a repeat at any replica; False if Redis is away."""
        outcome, text = (outcome_of(answer), _sealed(call, answer)) if answer is not None else ("", "")
        return bool(await self._run(_OWE, call, outcome, text, _KEPT) == 1)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    async def _run(self, script: str, call: SharedCall, *arguments: str | int) -> Any:
        replies = await self._redis.ask(("EVAL", script, 1, call.key, *arguments))
        return replies[0] if replies else None


def _sealed(call: SharedCall, answer: Answer) -> str:
    """Return the part of an answer that a result shows, encrypted for those who know the token."""
    if isinstance(answer, Reply):
        shown: dict[str, Any] = {"message": answer.message, "data": answer.data, "notes": answer.notes}
    else:
        shown = {
            "error": type(answer).__name__,
            "message": answer.message,
            "status": answer.status,
            "retry_after_seconds": answer.retry_after_seconds,
            "field_errors": answer.field_errors,
            "notes": answer.notes,
        }
    nonce = secrets.token_bytes(12)
    sealed = call.cipher.encrypt(nonce, json.dumps(shown).encode(), call.key.encode())
    return b64encode(nonce + sealed).decode()


def _opened(call: SharedCall, text: bytes) -> Answer | None:
    """Return the answer that was sealed for this very call; None for anything else."""
    try:
        sealed = b64decode(text, validate=True)
        shown = json.loads(call.cipher.decrypt(sealed[:12], sealed[12:], call.key.encode()))
        notes = tuple(shown.pop("notes"))
        if (error := shown.pop("error", None)) is not None:
            return getattr(errors, error)(**shown, notes=notes)  # type: ignore[no-any-return]
        return Reply(shown["message"], shown["data"], None, notes)
    except (InvalidTag, ValueError, TypeError, LookupError, AttributeError):
        return None


def _seconds(milliseconds: int) -> int:
    return round(milliseconds / 1000)
