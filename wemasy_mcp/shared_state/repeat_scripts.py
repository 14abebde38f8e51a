"""The scripts that Redis runs for repeats across replicas; each is one step that nothing comes between.

Per call there is one hash, about the request that counts: `state` running or ended, its id, its deadline, the number of
calls that are owed its answer, whether other replicas wait for it, and when an identical one before it ended. Those who
wait read the answer at a key of the request's own, so that they never take that of a later request for it.
Times are Redis's own, in milliseconds. A replica that dies leaves `running` behind: past its deadline the outcome stays
unknown, and the key remains, so that repeats are answered with that instead of being sent.
"""

TOLD_SECONDS = 60.0
"""Seconds that an answer is kept for the calls at other replicas that wait for it."""

DROPPED = "dropped"
"""In place of an answer: nothing was sent, because the caller gave up."""

LOST = "lost"
"""In place of an answer: the replica has gone."""

_COMMON = f"""
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function told(id, answer) redis.call('SET', KEYS[1] .. ':' .. id, answer, 'PX', {round(TOLD_SECONDS * 1000)}) end
local function lose(id)
  told(id, 'lost')
  redis.call('HSET', KEYS[1], 'state', 'ended', 'outcome', 'unknown', 'answer', 'lost', 'ended', now)
end
"""

BEGIN = (
    _COMMON
    + """
local call = redis.call('HMGET', KEYS[1], 'state', 'id', 'deadline', 'owed', 'outcome', 'answer', 'ended', 'earlier')
local id, owed, outcome = call[2] or '', tonumber(call[4]) or 0, call[5]
local ended, earlier = tonumber(call[7]) or now, tonumber(call[8]) or -1
local function ago() if earlier < 0 then return -1 end return now - earlier end
if call[1] == 'running' then
  if owed > 0 then redis.call('HINCRBY', KEYS[1], 'owed', -1) end
  if now <= (tonumber(call[3]) or 0) then
    redis.call('HSET', KEYS[1], 'joined', 1)
    return {'wait', id, '', 0, ago()}
  end
  lose(id)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return {'given', id, 'lost', 0, ago()}
elseif call[1] == 'ended' then
  if owed > 0 then
    if owed == 1 and outcome == 'applied' then redis.call('DEL', KEYS[1])
    else redis.call('HINCRBY', KEYS[1], 'owed', -1) end
    return {'given', id, call[6] or '', now - ended, ago()}
  end
  if outcome == 'unknown' then earlier = ended end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'running', 'id', ARGV[1], 'deadline', now + ARGV[2], 'earlier', earlier)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'send', '', '', 0, ago()}
"""
)

TAKE = (
    _COMMON
    + """
local answer = redis.call('GET', KEYS[1] .. ':' .. ARGV[1])
if answer then return {'told', answer} end
local call = redis.call('HMGET', KEYS[1], 'state', 'id', 'deadline')
if call[1] == 'running' and call[2] == ARGV[1] then
  if now <= (tonumber(call[3]) or 0) then return {'wait', ''} end
  lose(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return {'told', 'lost'}
"""
)

END = (
    _COMMON
    + """
local call = redis.call('HMGET', KEYS[1], 'id', 'owed', 'joined', 'earlier')
if call[1] ~= ARGV[1] then return 0 end
if call[3] then told(ARGV[1], ARGV[3]) end
local owed, earlier = tonumber(call[2]) or 0, tonumber(call[4]) or -1
if ARGV[2] == 'unknown' or (ARGV[2] == 'applied' and owed > 0) then
  redis.call('HSET', KEYS[1], 'state', 'ended', 'outcome', ARGV[2], 'answer', ARGV[3], 'ended', now)
  return redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
redis.call('DEL', KEYS[1])
if ARGV[2] == 'not_applied' and earlier >= 0 then
  redis.call('HSET', KEYS[1], 'state', 'ended', 'outcome', 'unknown', 'ended', earlier)
  redis.call('PEXPIRE', KEYS[1], math.max(1, earlier + ARGV[4] - now))
end
return 1
"""
)

OWE = (
    _COMMON
    + """
local call = redis.call('HMGET', KEYS[1], 'state', 'id')
if not call[1] then
  if ARGV[2] == '' then return 0 end
  if ARGV[2] == 'not_applied' then return 1 end
  redis.call('HSET', KEYS[1], 'state', 'ended', 'id', ARGV[1], 'outcome', ARGV[2], 'answer', ARGV[3], 'ended', now)
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
elseif call[2] ~= ARGV[1] or (call[1] == 'running' and ARGV[2] ~= '') then
  return 0
end
redis.call('HINCRBY', KEYS[1], 'owed', 1)
return 1
"""
)

JOIN = """
local call = redis.call('HMGET', KEYS[1], 'id', 'owed')
if call[1] == ARGV[1] and (tonumber(call[2]) or 0) > 0 then redis.call('HINCRBY', KEYS[1], 'owed', -1) end
return 1
"""
