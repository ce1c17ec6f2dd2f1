"""Every step that must be atomic, as Lua. No script can fail half-way: all checks come before any write.

Only commands of Redis 6.2 are used. Scripts reply with a word first; what follows it is said at each.
"""

from __future__ import annotations

RECOVER = """
-- One page of pending entries becomes ours: our own from before, or those idle under whatever name (a former self
-- of ours may have been handed one after we looked).
-- KEYS stream; ARGV group, consumer, idle ms (-1: our own), start, count, ids handed out already ...
-- -> where to go on ('' at the end), {id, deliveries, fields}; no fields: gone from the stream, and left pending
local stream, group, me, idle = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local start, count = ARGV[4], tonumber(ARGV[5])
local handed = {}
for i = 6, #ARGV do handed[ARGV[i]] = true end
local page
if idle < 0 then
  page = redis.call('XPENDING', stream, group, start, '+', count, me)
else
  page = redis.call('XPENDING', stream, group, 'IDLE', idle, start, '+', count)
end
local found = {}
for _, pending in ipairs(page) do
  local id, deliveries = pending[1], pending[4] + 1
  if not handed[id] then
    local entry = redis.call('XRANGE', stream, id, id)[1]
    if entry then redis.call('XCLAIM', stream, group, me, 0, id, 'RETRYCOUNT', deliveries, 'JUSTID') end
    found[#found + 1] = {id, deliveries, entry and entry[2] or {}}
  end
end
return {#page == count and '(' .. page[#page][1] or '', found}
"""

RENEW = """
-- Entries still pending for us start anew: not idle, never delivered. The others come back.
-- KEYS stream; ARGV group, consumer, ids ...
local lost = {}
for i = 3, #ARGV do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if pending and pending[2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', 0, 'RETRYCOUNT', 0, 'JUSTID')
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
"""

DEAD_LETTER = """
-- KEYS dead stream, mark of the entry, and the event stream unless it lives in another slot of a cluster;
-- ARGV mark ms, group, entry id, field, value ...  -> 1 when added now, else 0
local added = 0
if redis.call('EXISTS', KEYS[2]) == 0 then
  local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))
  redis.call('SET', KEYS[2], id, 'PX', ARGV[1])
  added = 1
end
if KEYS[3] then redis.call('XACK', KEYS[3], ARGV[2], ARGV[3]) end
return added
"""

APPLY = """
-- Shared by ACCEPT and WRITE. KEYS 1 event, 2 known, 3 open, 4 outbox.
-- ARGV 1 key, 2 revision, 3 write id, 4 closed, 5 head, 6 record ms, 7 known ms;
-- from `at`: number and list of fields to set (name, value), then number and list of notes.
local function apply(at)
  redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'write', ARGV[3])
  local last = at + tonumber(ARGV[at]) * 2
  for i = at + 1, last, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  at = last + 1
  for i = at + 1, at + tonumber(ARGV[at]) do
    redis.call('XADD', KEYS[4], '*', 'key', ARGV[1], 'note', ARGV[i])
  end
  if ARGV[4] == '1' then
    redis.call('SREM', KEYS[3], ARGV[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[6])
    redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[7])
  else
    redis.call('SADD', KEYS[3], ARGV[1])
    redis.call('PERSIST', KEYS[1])
  end
end
"""

ACCEPT = (
    APPLY
    + """
-- KEYS 5 accounts, 6 recent; ARGV 8 account, 9 accepted ms, 10 recent max, 11 ... as `apply`
-- -> {'known', fields} | {'closed', head} when only the head is left | {'accepted'}
local stored = redis.call('HGETALL', KEYS[1])
if #stored > 0 then return {'known', stored} end
local head = redis.call('GET', KEYS[2])
if head then return {'closed', head} end
apply(11)
redis.call('SADD', KEYS[5], ARGV[8])
redis.call('ZADD', KEYS[6], ARGV[9], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[6], 0, -1 - tonumber(ARGV[10]))
return {'accepted'}
"""
)

WRITE = (
    APPLY
    + """
-- KEYS 5 lease, 6 pauses, 7 order ids; ARGV 8 lease value, 9 base revision, 10 base write id ('': not known),
-- 11 pause fields to look at: their number, 12 ... them, then number and list of (client id, order id), then
-- as `apply`.  -> {'lease'} | {'revision', stored, stored write id} | {'paused', pause} | {'written'}
-- The lease comes first: whoever lost it must not send, even when his write arrived.
if redis.call('GET', KEYS[5]) ~= ARGV[8] then return {'lease'} end
local stored = redis.call('HMGET', KEYS[1], 'revision', 'write')
if stored[2] == ARGV[3] then return {'written'} end
if stored[1] ~= ARGV[9] or (ARGV[10] ~= '' and stored[2] ~= ARGV[10]) then
  return {'revision', stored[1] or 'none', stored[2] or ''}
end
local at = 11
local last = at + tonumber(ARGV[at])
for i = at + 1, last do
  local pause = redis.call('HGET', KEYS[6], ARGV[i])
  if pause then return {'paused', pause} end
end
at = last + 1
last = at + tonumber(ARGV[at]) * 2
for i = at + 1, last, 2 do
  local highest = tonumber(redis.call('HGET', KEYS[7], ARGV[i]) or '0')
  if tonumber(ARGV[i + 1]) > highest then redis.call('HSET', KEYS[7], ARGV[i], ARGV[i + 1]) end
end
apply(last + 1)
return {'written'}
"""
)

ACQUIRE = """
-- KEYS lease, fence; ARGV owner, ms.  -> the token, or 0 while another holds it
-- An owner is a name and, after '#', the number of its start: a later start takes over from an earlier one.
local function parts(owner)
  local name, start = string.match(owner, '^(.*)#(%d+)$')
  return name or owner, tonumber(start or 0)
end
local held = redis.call('GET', KEYS[1])
if held then
  local token, owner = string.match(held, '^(%d+):(.*)$')
  if owner == ARGV[1] then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return tonumber(token)
  end
  local name, start = parts(owner)
  local our_name, our_start = parts(ARGV[1])
  if name ~= our_name or our_start <= start then return 0 end
end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], token .. ':' .. ARGV[1], 'PX', ARGV[2])
return token
"""

RENEW_LEASE = """
-- KEYS lease; ARGV value, ms.  -> 1, or 0 when it is no longer this one
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

RELEASE = """
-- KEYS lease; ARGV value
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

LOGINS = """
-- Every processor's name, the accounts of its login, and how many ms ago it was last heard of. One that tells its name
-- is heard of now; while it has no accounts to tell, those it told before stay.
-- KEYS logins; ARGV ms after which one is forgotten, name ('': only ask), accounts separated by blanks
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function told(name)
  local at, accounts = string.match(redis.call('HGET', KEYS[1], name) or '0 ', '^(%d+) (.*)$')
  return tonumber(at), accounts
end
if ARGV[2] ~= '' then
  local accounts = ARGV[3]
  if accounts == '' then accounts = select(2, told(ARGV[2])) end
  redis.call('HSET', KEYS[1], ARGV[2], string.format('%.0f %s', now, accounts))
end
local found = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  local at, accounts = told(name)
  if now - at > tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], name)
  else
    found[#found + 1] = {name, accounts, math.max(0, now - at)}
  end
end
return found
"""

LIFT = """
-- KEYS pauses; ARGV field, the pause as it must stand there.  -> 1, or 0 when it does not
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
"""

CREATE_GROUP = """
-- KEYS stream; ARGV group.  Harmless when the group is there.
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP') then return made end
return 1
"""
