-- Put before every script. Time is the server's own, in microseconds; every reply begins with it and a word.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- A whole number as text: tostring would write 1.8e+15.
local function whole(number)
    return string.format('%.0f', number)
end

local function number_at(key, field)
    return tonumber(redis.call('HGET', key, field) or '0')
end

-- Keeps a key for at least so many microseconds and a second more, so that no key outlives its use.
local function keep(key, us)
    local ms = math.ceil(us / 1000) + 1000
    if redis.call('PTTL', key) < ms then
        redis.call('PEXPIRE', key, whole(ms))
    end
end
