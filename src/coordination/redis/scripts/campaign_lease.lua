-- KEYS: lease
-- ARGV: node, the highest epoch the database knows, lasts
local epoch, known, lasts = number_at(KEYS[1], 'epoch'), tonumber(ARGV[2]), tonumber(ARGV[3])
local remaining = number_at(KEYS[1], 'until') - now
if remaining > 0 then
    local node = redis.call('HGET', KEYS[1], 'node')
    if node ~= ARGV[1] then
        return {now, 'follower', remaining}
    end
    -- A lease below what the database knows is of a coordination that forgot: it needs a new epoch.
    if epoch >= known then
        redis.call('HSET', KEYS[1], 'until', whole(now + lasts))
        return {now, 'leader', epoch}
    end
end
epoch = math.max(epoch, known) + 1
-- The key is kept when the lease ends, for its epoch.
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'epoch', whole(epoch), 'until', whole(now + lasts))
return {now, 'leader', epoch}
