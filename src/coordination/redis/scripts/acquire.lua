-- KEYS: state, permit, held (4), begun (2), day (3)
-- ARGV: attempt, scopes, lasts, caps of held (4), intervals (2), caps of day (3), how long a day is kept (s)
-- A cap or interval of -1 is none; an interval of -2 allows no call. Everything is checked before anything is written.
local function begin()
    for i = 1, 2 do
        -- Kept for longer than the longest interval, so that a rate that is tightened later holds as well.
        redis.call('SET', KEYS[6 + i], whole(now), 'EX', 32 * 86400)
    end
end

-- The reply if a rate is in the way. The opening counts as a call: what was begun before it is not known.
local function too_soon(i, interval)
    local last = math.max(tonumber(redis.call('GET', KEYS[6 + i]) or '0'), number_at(KEYS[1], 'opened'))
    if now < last + interval then
        return {now, 'refused', 6 + i, last + interval - now}
    end
end

local incarnation = redis.call('HGET', KEYS[1], 'incarnation')
if not incarnation then
    return {now, 'shut'}
end
local expires = number_at(KEYS[2], 'expires')
if expires > now then
    -- A place under a rate lasts for its interval.
    local age, outlived = now - number_at(KEYS[2], 'begun'), false
    for i = 1, 2 do
        local interval = tonumber(ARGV[7 + i])
        if interval >= 0 and age >= interval then
            local refusal = too_soon(i, interval)
            if refusal then
                return refusal
            end
            outlived = true
        end
    end
    if outlived then
        redis.call('HSET', KEYS[2], 'begun', whole(now))
        begin()
    end
    return {now, 'granted', expires - now, incarnation}
end

-- The index of a limit is its place in Limit::ALL.
for i = 1, 3 do
    local cap = tonumber(ARGV[9 + i])
    if cap >= 0 and tonumber(redis.call('GET', KEYS[8 + i]) or '0') >= cap then
        return {now, 'refused', i - 1, -1}
    end
end
for i = 1, 4 do
    local key, cap = KEYS[2 + i], tonumber(ARGV[3 + i])
    redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now))
    local held = redis.call('ZCARD', key)
    if cap >= 0 and held >= cap then
        local in_the_way = redis.call('ZRANGE', key, held - cap, held - cap, 'WITHSCORES')
        local retry = in_the_way[2] and (tonumber(in_the_way[2]) - now) or -1
        return {now, 'refused', 2 + i, retry}
    end
end
for i = 1, 2 do
    local interval = tonumber(ARGV[7 + i])
    if interval == -2 then
        return {now, 'refused', 6 + i, -1}
    end
    if interval >= 0 then
        local refusal = too_soon(i, interval)
        if refusal then
            return refusal
        end
    end
end

local lasts = tonumber(ARGV[3])
expires = now + lasts
redis.call('HSET', KEYS[2], 'scopes', ARGV[2], 'expires', whole(expires), 'begun', whole(now))
keep(KEYS[2], lasts)
for i = 3, 6 do
    redis.call('ZADD', KEYS[i], whole(expires), ARGV[1])
    keep(KEYS[i], lasts)
end
begin()
for i = 9, 11 do
    redis.call('INCR', KEYS[i])
    redis.call('EXPIRE', KEYS[i], ARGV[13])
end
return {now, 'granted', lasts, incarnation}
