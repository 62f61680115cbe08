-- KEYS: permit, held (4), day (3)
-- ARGV: attempt, scopes as they were looked up, 1 to take the call out of the day's counts
local scopes = redis.call('HGET', KEYS[1], 'scopes')
if number_at(KEYS[1], 'expires') <= now then
    return {now, 'none'}
end
if scopes ~= ARGV[2] then
    return {now, 'changed'}
end
redis.call('DEL', KEYS[1])
for i = 2, 5 do
    redis.call('ZREM', KEYS[i], ARGV[1])
end
if ARGV[3] == '1' then
    for i = 6, 8 do
        if tonumber(redis.call('GET', KEYS[i]) or '0') > 0 then
            redis.call('DECR', KEYS[i])
        end
    end
end
return {now, 'gone'}
