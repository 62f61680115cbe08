-- KEYS: state, rebuild lock, attempts ended since it was taken
-- ARGV: token, lasts
if redis.call('EXISTS', KEYS[1]) == 1 then
    return {now, 'open'}
end
local remaining = number_at(KEYS[2], 'until') - now
if remaining > 0 then
    if redis.call('HGET', KEYS[2], 'token') ~= ARGV[1] then
        return {now, 'busy', remaining}
    end
else
    redis.call('DEL', KEYS[3])
end
local lasts = tonumber(ARGV[2])
redis.call('HSET', KEYS[2], 'token', ARGV[1], 'until', whole(now + lasts))
keep(KEYS[2], lasts)
-- Prolonged with the lock.
if redis.call('EXISTS', KEYS[3]) == 1 then
    keep(KEYS[3], lasts)
end
return {now, 'begun'}
