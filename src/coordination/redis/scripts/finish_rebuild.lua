-- KEYS: state, rebuild lock, attempts ended since it was taken, then for each permit: permit, held (4); then days
-- ARGV: token, how many permits, how many days, how long a day is kept (s), then for each permit: attempt, scopes,
-- lasts; then the calls of each day
local holds = redis.call('HGET', KEYS[2], 'token') == ARGV[1] and number_at(KEYS[2], 'until') > now
if redis.call('EXISTS', KEYS[1]) == 1 or not holds then
    return {now, 'refused'}
end
local key, argument = 3, 4
for _ = 1, tonumber(ARGV[2]) do
    local permit, attempt, scopes = KEYS[key + 1], ARGV[argument + 1], ARGV[argument + 2]
    local lasts = tonumber(ARGV[argument + 3])
    local known = redis.call('SISMEMBER', KEYS[3], attempt) == 1 or number_at(permit, 'expires') > now
    if lasts > 0 and not known then
        redis.call('HSET', permit, 'scopes', scopes, 'expires', whole(now + lasts), 'begun', whole(now))
        keep(permit, lasts)
        for i = 2, 5 do
            redis.call('ZADD', KEYS[key + i], whole(now + lasts), attempt)
            keep(KEYS[key + i], lasts)
        end
    end
    key, argument = key + 5, argument + 3
end
for i = 1, tonumber(ARGV[3]) do
    redis.call('SET', KEYS[key + i], ARGV[argument + i], 'EX', ARGV[4])
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[1], 'incarnation', ARGV[1] .. '@' .. whole(now), 'opened', whole(now))
return {now, 'opened'}
