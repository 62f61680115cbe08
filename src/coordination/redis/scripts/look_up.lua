-- KEYS: rebuild lock, attempts ended since it was taken, permit
-- ARGV: attempt
-- The first half of giving a permit back: says what the permit counts under, so that the second can declare its keys.
local lock_until = number_at(KEYS[1], 'until')
if lock_until > now then
    redis.call('SADD', KEYS[2], ARGV[1])
    keep(KEYS[2], lock_until - now)
end
if number_at(KEYS[3], 'expires') <= now then
    return {now, 'none'}
end
return {now, 'held', redis.call('HGET', KEYS[3], 'scopes')}
