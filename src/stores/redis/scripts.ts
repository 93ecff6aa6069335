import { hash } from "node:crypto";

/** A script and the name Redis knows it by, computed beforehand so that no start-up step is needed. */
export interface RedisScript {
  readonly source: string;
  readonly sha: string;
}

/** The time of Redis, epoch milliseconds; ARGV[1] is added to it, for tests. */
const CLOCK = `
local time = redis.call('TIME')
local offset = tonumber(ARGV[1])
local now = time[1] * 1000 + math.floor(time[2] / 1000) + offset
`;

/**
 * A record is the JSON array of `packed.ts`; nothing in it is a nested JSON value, so cjson can take it apart and put it
 * together without reinterpreting a field.
 */
const RECORD = `
${CLOCK}
local HASH, PREVIOUS, PREVIOUS_UNTIL, CREATED, ROTATED, AUTHENTICATED, SEEN, EXPIRES, ABSOLUTE, OWNER, DEVICE, HEAD =
  2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12

local function find(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local ok, record = pcall(cjson.decode, text)
  if not ok or type(record) ~= 'table' or record[1] ~= '1' or #record < HEAD then return nil end
  if (tonumber(record[EXPIRES]) or 0) <= now then return nil end
  return record, text
end
`;

/** What the scripts share that change a record. */
const WRITING = `
${RECORD}
local function text_of(moment)
  return string.format('%.0f', moment)
end

local function admits(record, presented)
  return presented == record[HASH] or (presented == record[PREVIOUS] and now < tonumber(record[PREVIOUS_UNTIL]))
end

local function expire(record, idle, absolute)
  if absolute == false then record[ABSOLUTE] = '0' elseif absolute then record[ABSOLUTE] = text_of(now + absolute) end
  local ends, last = now + idle, tonumber(record[ABSOLUTE])
  if last > 0 and last < ends then ends = last end
  record[SEEN], record[EXPIRES] = text_of(now), text_of(ends)
end

local function save(key, record)
  redis.call('SET', key, cjson.encode(record), 'PXAT', offset == 0 and record[EXPIRES] or text_of(record[EXPIRES] - offset))
end
`;

/**
 * Members whose session was written. One of these that cannot be found has ended; of the others nothing is known yet,
 * until the time for writing is over and whoever filed them must have died.
 */
const SETTLED = `
local function settled()
  local members = {}
  for _, selector in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local since = redis.call('HGET', KEYS[3], selector)
    if not since or now - since >= 10000 then members[#members + 1] = selector end
  end
  return members
end
`;

/** KEYS session; ARGV offset, presented, next, grace, change, most fields, most bytes. With `next` empty: a patch. */
export const CHANGE = script(`
${WRITING}
local presented, next, grace = ARGV[2], ARGV[3], tonumber(ARGV[4])
local change = cjson.decode(ARGV[5])
local record, text = find(KEYS[1])
if not record then return {'gone'} end
if next ~= '' and grace == 0 and record[HASH] == next and record[PREVIOUS] == presented then return {'ok'} end
if not admits(record, presented) then return {'stale'} end
if next ~= '' and presented ~= record[HASH] and next ~= record[HASH] then return {'rotated'} end

local place = {}
for at = HEAD + 1, #record, 2 do place[record[at]] = at end
for at = 1, #(change.expect or {}), 2 do
  local stored = place[change.expect[at]]
  if (stored and record[stored + 1] or false) ~= change.expect[at + 1] then return {'expected', text} end
end

if change.keep or change.unset then
  local kept, left = change.keep and {} or place, {}
  for _, key in ipairs(change.keep or {}) do kept[key] = place[key] end
  for _, key in ipairs(change.unset or {}) do kept[key] = nil end
  for at = 1, HEAD do left[at] = record[at] end
  place = {}
  for at = HEAD + 1, #record, 2 do
    if kept[record[at]] then
      place[record[at]] = #left + 1
      left[#left + 1], left[#left + 2] = record[at], record[at + 1]
    end
  end
  record = left
end
if change.set then
  for at = 1, #change.set, 2 do
    local stored = place[change.set[at]]
    if not stored then
      stored = #record + 1
      record[stored], place[change.set[at]] = change.set[at], stored
    end
    record[stored + 1] = change.set[at + 1]
  end
  local bytes = 0
  for at = HEAD + 1, #record do bytes = bytes + #record[at] end
  if (#record - HEAD) / 2 > tonumber(ARGV[6]) or bytes > tonumber(ARGV[7]) then return {'too-large'} end
end

local owner = record[OWNER]
if next ~= '' and presented == record[HASH] then
  record[PREVIOUS], record[HASH], record[PREVIOUS_UNTIL], record[ROTATED] = presented, next, text_of(now + grace), text_of(now)
end
if change.idle then expire(record, change.idle, change.absolute) end
if change.owner then record[OWNER] = change.owner end
if change.elapsed then record[AUTHENTICATED] = text_of(now - change.elapsed) end
if change.device then record[DEVICE] = change.device end
save(KEYS[1], record)
if owner ~= record[OWNER] then return {'ok', owner} end
return {'ok'}
`);

/** KEYS session; ARGV offset, hash, owner, device, elapsed (-1: no claim), idle, absolute (0: none), field, text, … */
export const CREATE = script(`
${WRITING}
if redis.call('EXISTS', KEYS[1]) == 1 then return {'selector'} end
local elapsed, absolute = tonumber(ARGV[5]), tonumber(ARGV[7])
local born = text_of(now)
local authenticated = elapsed < 0 and '0' or text_of(now - elapsed)
local record = {'1', ARGV[2], '', '0', born, born, authenticated, born, '0', '0', ARGV[3], ARGV[4]}
expire(record, tonumber(ARGV[6]), absolute > 0 and absolute)
for at = 8, #ARGV do record[#record + 1] = ARGV[at] end
save(KEYS[1], record)
return {'ok'}
`);

/** KEYS session. Answers the record as it is, and the time in seconds and microseconds: whoever asked takes both apart. */
export const READ = script(`
local time = redis.call('TIME')
return {redis.call('GET', KEYS[1]), time[1], time[2]}
`);

/** KEYS session; ARGV offset, presented, idle, every. */
export const TOUCH = script(`
${WRITING}
local record = find(KEYS[1])
if not record then return {'gone'} end
if not admits(record, ARGV[2]) then return {'stale'} end
if now >= record[SEEN] + tonumber(ARGV[4]) then
  expire(record, tonumber(ARGV[3]))
  save(KEYS[1], record)
end
return {'ok'}
`);

/** KEYS session; ARGV offset, owner. Only if `owner` is empty or the session's. Answers the owner, whose index has to be told. */
export const DESTROY = script(`
${RECORD}
local record = find(KEYS[1])
if ARGV[2] ~= '' and not (record and record[OWNER] == ARGV[2]) then return {'gone'} end
redis.call('DEL', KEYS[1])
if not record then return {'gone'} end
return {'ok', record[OWNER]}
`);

/**
 * KEYS index, mark, pending; ARGV offset, selector, elapsed, most sessions (0: any number), overflow. Files a session
 * under its owner and answers how long ago all of the owner's sessions were ended, and which ones the limit ends.
 *
 * The index is a sorted set of selectors by the beginning of their authentication. A session may end without its index
 * hearing of it; so with overflow "check" the answer to one too many is the settled index: which are still there?
 */
export const ENLIST = script(`
${CLOCK}
${SETTLED}
local mark = redis.call('GET', KEYS[2])
local age = mark and tostring(now - mark) or ''
local most = tonumber(ARGV[4])
local ended = {}
local isListed = redis.call('ZSCORE', KEYS[1], ARGV[2])
if most > 0 then
  local over = redis.call('ZCARD', KEYS[1]) + (isListed and 0 or 1) - most
  if over > 0 then
    if ARGV[5] == 'check' then return {'check', settled()} end
    if ARGV[5] == 'refuse' then return {'limit'} end
    for _, selector in ipairs(redis.call('ZRANGE', KEYS[1], 0, over)) do
      if selector ~= ARGV[2] and #ended < over then ended[#ended + 1] = selector end
    end
    for _, selector in ipairs(ended) do redis.call('ZREM', KEYS[1], selector) end
  end
end
redis.call('ZADD', KEYS[1], now - tonumber(ARGV[3]), ARGV[2])
if not isListed then redis.call('HSET', KEYS[3], ARGV[2], string.format('%.0f', now)) end
return {'ok', age, ended}
`);

/** KEYS index, mark, pending; ARGV offset, selector. The session is written: is it still filed, and how long ago were all ended? */
export const CONFIRM = script(`
${CLOCK}
local mark = redis.call('GET', KEYS[2])
redis.call('HDEL', KEYS[3], ARGV[2])
if not redis.call('ZSCORE', KEYS[1], ARGV[2]) then return {'limit'} end
return {'ok', mark and tostring(now - mark) or ''}
`);

/** KEYS index, mark, pending; ARGV offset, spared, selector… Takes sessions out of the index but those filed in the last `spared` ms and not written yet. */
export const DELIST = script(`
${CLOCK}
local removed = 0
for at = 3, #ARGV do
  local since = redis.call('HGET', KEYS[3], ARGV[at])
  if not since or now - since >= tonumber(ARGV[2]) then
    removed = removed + redis.call('ZREM', KEYS[1], ARGV[at])
    redis.call('HDEL', KEYS[3], ARGV[at])
  end
end
return removed
`);

/** KEYS index, mark, pending; ARGV offset, lifetime of the mark in ms. Marks that all sessions are being ended, and names them. */
export const MARK = script(`
${CLOCK}
redis.call('SET', KEYS[2], string.format('%.0f', now), 'PX', ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1)
`);

/** KEYS index, mark, pending; ARGV offset. All but those that are being written just now. */
export const MEMBERS = script(`
${CLOCK}
${SETTLED}
return settled()
`);

/** KEYS session; ARGV offset. */
export const IS_LIVE = script(`
${RECORD}
return find(KEYS[1]) and 1 or 0
`);

/** A script with its name. */
export function script(source: string): RedisScript {
  return { source, sha: hash("sha1", source) };
}
