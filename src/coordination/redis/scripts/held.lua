-- KEYS: state, held in the fleet
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {now, 'shut'}
end
return {now, 'held', redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. whole(now), '+inf')}
