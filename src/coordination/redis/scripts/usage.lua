-- KEYS: state, held (fleet, campaign), day (fleet, campaign)
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {now, 'shut'}
end
local usage = {now, 'usage'}
for i = 2, 3 do
    usage[i + 1] = redis.call('ZCOUNT', KEYS[i], '(' .. whole(now), '+inf')
end
for i = 4, 5 do
    usage[i + 1] = tonumber(redis.call('GET', KEYS[i]) or '0')
end
return usage
