-- The second pass of a request: to the origin, and how long its answer is kept.

local edge, settings, values = ...

local joined = values.joined

-- Errors that are always kept, that are kept if the origin names a time, and whose `no-store` counts.
-- Source: CloudFront Developer Guide, 'HTTP 4xx and 5xx status codes that CloudFront caches'.
local KEPT = { [404] = true, [414] = true, [500] = true, [501] = true, [502] = true, [503] = true, [504] = true }
local KEPT_IF_TIMED = { [400] = true, [403] = true, [405] = true, [412] = true, [415] = true }
local NO_STORE_COUNTS = { [404] = true, [410] = true, [414] = true, [501] = true }
local ERROR_SECONDS = 10

-- Answers that are kept like a 200. Source: the same guide, 'HTTP 3xx status codes'.
local OBJECTS = { [200] = true, [203] = true, [204] = true, [300] = true, [301] = true, [302] = true, [307] = true, [308] = true }

-- nginx would send these to the next address even after they were sent to one.
local SENT_ONCE = { PUT = true, DELETE = true, OPTIONS = true }

-- Return whether a certificate for a host is shown, or nothing and why not. Where the handshake is
-- over at once, `sslhandshake` says true whatever was shown, and the socket is closed: then again.
-- Source: openresty/lua-nginx-module#2506.
local function handshake(origin, host)
    for _ = 1, 10 do
        local socket = ngx.socket.tcp()
        socket:settimeout(origin.connect_timeout_seconds * 1000)
        local done, reason = socket:connect(origin.domain_name, origin.https_port)
        if done then
            done, reason = socket:sslhandshake(false, host, true)
        end
        if not done or socket:send("") then
            socket:close()
            return done, tostring(reason)
        end
    end
    return nil, ""
end

-- The origin's certificate has to name the origin or the Host that is forwarded. nginx compares one
-- name, so which of the two it is has to be known first. A handshake shows it: if the
-- certificate that is served for the Host does not name it, the origin's own name is asked for.
local function tls_name(behavior, host)
    local domain = behavior.origin.domain_name
    host = host:gsub(":%d+$", "")
    if host:lower() == domain:lower() then
        return domain
    end
    local cached = ngx.shared.edge_tls_names
    local key = domain .. " " .. host
    local name = cached:get(key)
    if name then
        return name
    end
    local done, reason = handshake(behavior.origin, host)
    local mismatch = not done and reason:find("host mismatch", 1, true)
    name = mismatch and domain or host
    if done or mismatch then
        cached:set(key, name, 10)
    end
    return name
end

function edge.origin(name, scheme)
    local behavior = settings.behaviors[name]
    ngx.var.edge_host = ngx.var.http_x_edge_host
    if scheme == "https" then
        ngx.var.edge_tls_name = tls_name(behavior, ngx.var.http_x_edge_host)
    end
    if ngx.var.http_upgrade then
        return ngx.exec("@websocket")
    elseif SENT_ONCE[ngx.var.request_method] then
        return ngx.exec("@once")
    end
end

-- The origin did not answer, at none of its addresses. GET and HEAD are tried again; what may have
-- been done once already is not.
function edge.failed(name, status)
    local method, tried = ngx.var.request_method, 0
    for _ in (ngx.var.upstream_addr or ""):gmatch("[^,%s]+:%d+") do
        tried = tried + 1
    end
    local again = tried > 0 and tried < settings.behaviors[name].origin.connect_attempts
    if again and (method == "GET" or method == "HEAD") then
        return ngx.exec("@once")
    end
    ngx.header["X-Edge-Own"] = "1"
    return edge.refuse(status)
end

local function directives(header)
    local values_by_name = {}
    for part in (joined(header, ",") or ""):lower():gmatch("[^,]+") do
        local name, value = part:match('^%s*([%w-]+)%s*=?%s*"?([^"%s]*)')
        if name then
            values_by_name[name] = value
        end
    end
    return values_by_name
end

-- For how many seconds an answer is kept.
-- Source: CloudFront Developer Guide, 'Manage how long content stays in the cache', the table there,
-- and 'Control how long CloudFront caches errors'.
local function ttl_of(behavior, status, header)
    local control = directives(header["Cache-Control"])
    local seconds = tonumber(control["s-maxage"]) or tonumber(control["max-age"])
    local timed = seconds ~= nil
    if not seconds and header["Expires"] then
        local ends = ngx.parse_http_time(joined(header["Expires"], ","))
        local from = header["Date"] and ngx.parse_http_time(header["Date"]) or ngx.time()
        seconds = ends and math.max(0, ends - from) or 0
    end
    if status >= 400 then
        if not (KEPT[status] or (KEPT_IF_TIMED[status] and timed)) then
            return 0
        elseif control["no-store"] and NO_STORE_COUNTS[status] then
            return 0
        end
        local least = behavior.error_ttls[status] or ERROR_SECONDS
        return math.max(least, math.min(seconds or 0, behavior.max_ttl))
    end
    if not OBJECTS[status] then
        return 0
    elseif control["no-store"] or control["no-cache"] or control["private"] then
        return behavior.min_ttl
    elseif joined(header["Vary"], ",") == "*" and behavior.min_ttl == 0 then
        return 0
    elseif seconds then
        return math.max(behavior.min_ttl, math.min(seconds, behavior.max_ttl))
    end
    return math.max(behavior.min_ttl, behavior.default_ttl)
end

function edge.kept(name)
    local method, status = ngx.var.request_method, ngx.status
    local ttl = 0
    if status < 200 and status ~= 101 then
        -- nginx takes an interim answer for the whole one, and what follows for its body: an answer
        -- without an end. An error is recognised at once.
        ngx.ctx.interim = true
        ngx.status = 502
        ngx.header["Content-Length"] = 0
        ngx.header["X-Edge-Own"] = "1"
    end
    if (method == "GET" or method == "HEAD") and status >= 200 then
        ttl = ttl_of(settings.behaviors[name], status, ngx.header)
    end
    ngx.header["X-Accel-Expires"] = tostring(ttl)
    -- What is kept is gathered into buffers on its way; everything else streams.
    ngx.header["X-Accel-Buffering"] = ttl == 0 and "no" or nil
    ngx.header["X-Edge-Stored"] = tostring(ngx.time())
    ngx.header["X-Edge-Kept"] = ttl > 0 and tostring(ttl) or nil
end

function edge.without_interim()
    if ngx.ctx.interim then
        ngx.arg[1], ngx.arg[2] = "", true
    end
end
