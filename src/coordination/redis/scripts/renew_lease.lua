-- KEYS: lease
-- ARGV: node, epoch, lasts (0 resigns)
local holds = redis.call('HGET', KEYS[1], 'node') == ARGV[1]
    and redis.call('HGET', KEYS[1], 'epoch') == ARGV[2]
    and number_at(KEYS[1], 'until') > now
if not holds then
    return {now, 'lost'}
end
redis.call('HSET', KEYS[1], 'until', whole(now + tonumber(ARGV[3])))
return {now, 'held'}
