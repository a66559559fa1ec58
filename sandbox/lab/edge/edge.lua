-- What an edge node does that nginx's own directives cannot say. Whatever can differ from one
-- distribution to the next comes in as a table, rendered beside this file: here is no setting.
--
-- A request passes nginx twice. The first pass, `viewer`, is what the viewer meets: rules, the cache
-- key, the headers of the origin request, the cache itself. The second, on loopback, speaks to the
-- origin; it exists because nginx takes the time to keep an answer from that answer's headers
-- before any Lua sees them, and CloudFront's times depend on settings too. So the second pass works
-- the time out and tells the first one in `X-Accel-Expires`. Between the two travel headers named
-- `X-Edge-…`, which CloudFront takes out of viewers' requests anyway.

local edge = {}

local settings

local LONGEST_REQUEST = 20480 -- bytes of request line and headers
local LONGEST_URL = 8192 -- Both: CloudFront Developer Guide, 'Quotas', 'General quotas on distributions'.

-- Errors that are always kept, that are kept if the origin names a time, and whose `no-store` counts.
-- Source: CloudFront Developer Guide, 'HTTP 4xx and 5xx status codes that CloudFront caches'.
local KEPT = { [404] = true, [414] = true, [500] = true, [501] = true, [502] = true, [503] = true, [504] = true }
local KEPT_IF_TIMED = { [400] = true, [403] = true, [405] = true, [412] = true, [415] = true }
local NO_STORE_COUNTS = { [404] = true, [410] = true, [414] = true, [501] = true }
local ERROR_SECONDS = 10

-- Answers that are kept like a 200. Source: the same guide, 'HTTP 3xx status codes'.
local OBJECTS = { [200] = true, [203] = true, [204] = true, [300] = true, [301] = true, [302] = true, [307] = true, [308] = true }

-- Never forwarded, whatever a distribution says; besides what nginx itself takes out.
local REMOVED = { ["trailer"] = true, ["upgrade"] = true, ["keep-alive"] = true,
                  ["x-forwarded-proto"] = true, ["x-real-ip"] = true, ["x-amz-cf-id"] = true }

-- nginx needs these and sends them itself as they have to be, or not at all: `Expect` it answers, `TE`
-- passes for gRPC only.
local OF_THE_CONNECTION = { ["host"] = true, ["connection"] = true, ["content-length"] = true,
                            ["transfer-encoding"] = true, ["expect"] = true, ["te"] = true }

local WEBSOCKET = { ["upgrade"] = true, ["sec-websocket-key"] = true, ["sec-websocket-version"] = true,
                    ["sec-websocket-protocol"] = true, ["sec-websocket-extensions"] = true,
                    ["sec-websocket-accept"] = true }

-- nginx would send these to the next address even after they were sent to one.
local SENT_ONCE = { PUT = true, DELETE = true, OPTIONS = true }

local TITLES = { [400] = "Bad request.", [403] = "Request blocked.", [413] = "Request too large.",
                 [421] = "Misdirected request.", [502] = "The origin could not be reached.",
                 [504] = "The origin did not answer in time." }

-- Values ------------------------------------------------------------------------------------------

local function joined(value, separator)
    return type(value) == "table" and table.concat(value, separator) or value
end

local function chosen(choice, name)
    if choice.kind == "all" then
        return true
    end
    return (choice.names[name] ~= nil) == (choice.kind == "listed")
end

local function forwards(behavior, what, name)
    for _, selection in ipairs(behavior.forwarded) do
        if chosen(selection[what], name) then
            return true
        end
    end
    return false
end

local function forwards_all(behavior, what)
    for _, selection in ipairs(behavior.forwarded) do
        if selection[what].kind == "all" then
            return true
        end
    end
    return false
end

-- Split at a separator and keep the parts whose names are wanted, in their order and as they are.
local function filtered(text, separator, wanted)
    local kept = {}
    for part in text:gmatch("[^" .. separator .. "]+") do
        local name = part:match("^%s*([^=]*)")
        if wanted((name:gsub("%s+$", ""))) then
            kept[#kept + 1] = part:match("^%s*(.*)$")
        end
    end
    return kept
end

local function site_of(name)
    name = (name or ""):lower():gsub(":%d+$", "")
    local found, rest = settings.names[name], name
    while not found and rest do
        rest = rest:match("^[^.]*%.(.+)$")
        found = rest and settings.names["*." .. rest]
    end
    return found
end

local function identify()
    -- As long as CloudFront's: 56 characters of base64, the last two of them padding.
    local seed = ngx.var.request_id
    local bytes = ngx.sha1_bin(seed) .. ngx.sha1_bin(seed .. "2")
    return (ngx.encode_base64(bytes):gsub("+", "-"):gsub("/", "_"))
end

local function id()
    if (ngx.var.edge_id or "") == "" then
        ngx.var.edge_id = identify()
    end
    return ngx.var.edge_id
end

-- Every value of a header, whatever the case of its name, in the order that nginx tells them.
local function values_of(headers, name)
    local found = {}
    for own, value in pairs(headers) do
        if own:lower() == name then
            for _, each in ipairs(type(value) == "table" and value or { value }) do
                found[#found + 1] = each
            end
        end
    end
    return found
end

-- Answers of CloudFront itself ----------------------------------------------------------------------

local function say(status, body)
    ngx.var.edge_own = "1"
    ngx.status = status
    ngx.header["Content-Type"] = "text/html"
    ngx.header["Content-Length"] = #body
    ngx.print(body)
    return ngx.exit(ngx.HTTP_OK)
end

function edge.refuse(status)
    return say(status, string.format([[
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<HTML><HEAD><META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=iso-8859-1">
<TITLE>ERROR: The request could not be satisfied</TITLE>
</HEAD><BODY>
<H1>%d ERROR</H1>
<H2>The request could not be satisfied.</H2>
<HR noshade size="1px">
%s
<HR noshade size="1px">
<PRE>
Generated by cloudfront (CloudFront)
Request ID: %s
</PRE>
</BODY></HTML>
]], status, TITLES[status] or "", id()))
end

local function redirect()
    local get = ngx.var.request_method == "GET" or ngx.var.request_method == "HEAD"
    local status = (get or ngx.req.http_version() < 1.1) and 301 or 307
    ngx.header["Location"] = "https://" .. (ngx.var.host or "") .. ngx.var.request_uri
    local title = status == 301 and "301 Moved Permanently" or "307 Temporary Redirect"
    return say(status, "<html>\n<head><title>" .. title .. "</title></head>\n<body>\n<center><h1>" .. title
        .. "</h1></center>\n<hr><center>CloudFront</center>\n</body>\n</html>\n")
end

-- The viewer's request ------------------------------------------------------------------------------

local function lengths(headers)
    local line = #ngx.var.request_method + #ngx.var.request_uri + #"HTTP/1.1" + 6
    local total = line
    for name, value in pairs(headers) do
        for _, each in ipairs(type(value) == "table" and value or { value }) do
            total = total + #name + #tostring(each) + 4
        end
    end
    return total, #ngx.var.scheme + 3 + #(ngx.var.http_host or "") + #ngx.var.request_uri
end

-- Return the status to refuse a request with, or nothing.
local function fault(behavior, headers)
    local method = ngx.var.request_method
    if not behavior.methods[method] then
        return 403
    end
    local request, url = lengths(headers)
    if request > LONGEST_REQUEST or url > LONGEST_URL then
        return 413
    end
    if method ~= "GET" then
        return nil
    end
    local length = tonumber(ngx.var.http_content_length)
    if ngx.var.http_transfer_encoding or (length and length > 0) then
        return 403
    end
    if ngx.req.http_version() == 2 then
        -- HTTP/2 needs no header to announce a body: only reading tells.
        ngx.req.read_body()
        if ngx.req.get_body_data() or ngx.req.get_body_file() then
            return 403
        end
    end
end

local function encoding_of(behavior)
    if not behavior.encodings then
        return nil
    end
    local asked, found = (ngx.var.http_accept_encoding or ""):lower(), {}
    for _, coding in ipairs(behavior.encodings) do
        for part in asked:gmatch("[^,]+") do
            local name, rest = part:match("^%s*([%w*-]+)(.*)$")
            if name == coding and not rest:match("q=0%s*$") and not rest:match("q=0%.0*%s*$") then
                found[#found + 1] = coding
                break
            end
        end
    end
    return table.concat(found, ",")
end

-- What a `CloudFront-…` header says; nothing where the lab cannot know it.
local function fact(name)
    local agent = (ngx.var.http_user_agent or ""):lower()
    local android, tablet = agent:find("android", 1, true), agent:find("ipad", 1, true) or agent:find("tablet", 1, true)
    local ios = agent:find("iphone", 1, true) or agent:find("ipad", 1, true)
    local tv = agent:find("smart-tv", 1, true) or agent:find("smarttv", 1, true)
    local mobile = not tablet and (agent:find("mobile", 1, true) or agent:find("iphone", 1, true))
    local facts = {
        ["cloudfront-forwarded-proto"] = ngx.var.scheme,
        ["cloudfront-viewer-address"] = ngx.var.remote_addr .. ":" .. ngx.var.remote_port,
        ["cloudfront-viewer-http-version"] = string.format("%.1f", ngx.req.http_version()),
        ["cloudfront-is-android-viewer"] = tostring(not not android),
        ["cloudfront-is-ios-viewer"] = tostring(not not ios),
        ["cloudfront-is-tablet-viewer"] = tostring(not not tablet),
        ["cloudfront-is-mobile-viewer"] = tostring(not not mobile),
        ["cloudfront-is-smarttv-viewer"] = tostring(not not tv),
        ["cloudfront-is-desktop-viewer"] = tostring(not (tablet or mobile or tv)),
    }
    if ngx.var.scheme == "https" then
        facts["cloudfront-viewer-tls"] = ngx.var.ssl_protocol .. ":" .. ngx.var.ssl_cipher .. ":"
            .. (ngx.var.ssl_session_reused == "r" and "sessionReused" or "fullHandshake")
    end
    return facts[name]
end

-- The name as CloudFront writes it: `CloudFront-Is-IOS-Viewer`.
local function cased(name)
    local special = { cloudfront = "CloudFront", ios = "IOS", smarttv = "SmartTV", tls = "TLS", asn = "ASN" }
    return (name:gsub("[^-]+", function(word)
        return special[word] or word:sub(1, 1):upper() .. word:sub(2)
    end))
end

local function query_of(behavior, query)
    if not query or forwards_all(behavior, "query_strings") then
        return query and "?" .. query or ""
    end
    local kept = filtered(query, "&", function(name)
        return forwards(behavior, "query_strings", ngx.unescape_uri(name))
    end)
    return #kept > 0 and "?" .. table.concat(kept, "&") or ""
end

local function key_of(behavior, headers, path, query, cookies, encoding)
    local key = { behavior.distribution, ngx.var.request_method, path }
    local chosen_query = filtered(query or "", "&", function(name)
        return chosen(behavior.key.query_strings, ngx.unescape_uri(name))
    end)
    key[#key + 1] = table.concat(chosen_query, "&")
    local names = {}
    for name in pairs(behavior.key.headers.names or {}) do
        names[name] = true
    end
    if behavior.key.headers.kind == "all" then
        for name in pairs(headers) do
            names[name:lower()] = true
        end
    end
    local sorted = {}
    for name in pairs(names) do
        sorted[#sorted + 1] = name
    end
    table.sort(sorted)
    for _, name in ipairs(sorted) do
        key[#key + 1] = name .. "=" .. (fact(name) or table.concat(values_of(headers, name), ","))
    end
    local chosen_cookies = filtered(cookies, ";", function(name)
        return chosen(behavior.key.cookies, name)
    end)
    table.sort(chosen_cookies)
    key[#key + 1] = table.concat(chosen_cookies, ";")
    key[#key + 1] = encoding or ""
    return table.concat(key, "\n")
end

local function passes(behavior, name, websocket)
    if name == "cookie" or OF_THE_CONNECTION[name] or (websocket and WEBSOCKET[name]) then
        return true
    end
    if REMOVED[name] or name:find("^proxy%-") or name:find("^x%-edge%-") then
        return false
    end
    if name == "authorization" and behavior.legacy then
        local method = ngx.var.request_method
        if method ~= "GET" and method ~= "HEAD" then
            return true
        end
    end
    if name == "accept-encoding" and behavior.encodings then
        return false
    end
    return forwards(behavior, "headers", name)
end

local function set(name, value)
    -- First taken out, so that the new one is written as it is here.
    ngx.req.clear_header(name)
    ngx.req.set_header(name, value)
end

local function rewrite_headers(behavior, headers, cookies, encoding, websocket)
    for name in pairs(headers) do
        if not passes(behavior, name:lower(), websocket) then
            ngx.req.clear_header(name)
        end
    end
    if not forwards_all(behavior, "cookies") and cookies ~= "" then
        local kept = filtered(cookies, ";", function(name)
            return forwards(behavior, "cookies", name)
        end)
        if #kept > 0 then
            set("Cookie", table.concat(kept, "; "))
        else
            ngx.req.clear_header("Cookie")
        end
    end
    if encoding and encoding ~= "" then
        set("Accept-Encoding", encoding)
    end
    if not forwards(behavior, "headers", "user-agent") then
        set("User-Agent", "Amazon CloudFront")
    end
    for _, name in ipairs(behavior.added) do
        local value = fact(name)
        if value then
            set(cased(name), value)
        else
            ngx.req.clear_header(name)
        end
    end
    local addresses = values_of(headers, "x-forwarded-for")
    addresses[#addresses + 1] = ngx.var.remote_addr
    set("X-Forwarded-For", table.concat(addresses, ","))
    local way = values_of(headers, "via")
    way[#way + 1] = string.format("%.1f %s", ngx.req.http_version(), settings.via)
    set("Via", table.concat(way, ", "))
    set("X-Amz-Cf-Id", id())
    for _, header in ipairs(behavior.origin.headers) do
        set(header[1], header[2])
    end
    local host = forwards(behavior, "headers", "host") and ngx.var.http_host
    ngx.req.set_header("X-Edge-Host", host or behavior.origin.domain_name)
end

-- Everything that happens to a request before the cache is asked.
function edge.viewer(name)
    local behavior = settings.behaviors[name]
    local http = ngx.var.scheme == "http"
    if http and behavior.viewer_protocol == "https-only" then
        return edge.refuse(403)
    elseif http and behavior.viewer_protocol == "redirect-to-https" then
        return redirect()
    end
    local asked_in_tls = ngx.var.ssl_server_name
    if asked_in_tls and site_of(asked_in_tls) ~= behavior.distribution then
        return edge.refuse(421)
    end
    local headers = ngx.req.get_headers(0, true)
    local refused = fault(behavior, headers)
    if refused == 413 then
        return ngx.exec("/.edge-413") -- which ends the connection too
    elseif refused then
        return edge.refuse(refused)
    end

    local method = ngx.var.request_method
    local websocket = method == "GET" and ngx.req.http_version() == 1.1
        and (ngx.var.http_upgrade or ""):lower() == "websocket"
    local grpc = behavior.grpc and ngx.req.http_version() == 2
        and (ngx.var.http_content_type or ""):find("^application/grpc")

    -- A custom error page is asked for by nginx itself, by its own path and without a query string.
    local path, query = ngx.var.request_uri:match("^([^?]*)%??(.*)$")
    query = ngx.var.request_uri:find("?", 1, true) and query or nil
    if ngx.req.is_internal() then
        path, query = ngx.var.uri, nil
    elseif path == "/" and behavior.root_object ~= "" then
        path = "/" .. behavior.root_object
    end

    local cookies = table.concat(values_of(headers, "cookie"), "; ")
    local encoding = encoding_of(behavior)
    ngx.var.edge_key = key_of(behavior, headers, path, query, cookies, encoding)
    ngx.var.edge_uri = behavior.origin.path .. path .. query_of(behavior, query)
    rewrite_headers(behavior, headers, cookies, encoding, websocket)

    local scheme = behavior.origin.scheme
    ngx.var.edge_origin = name .. "." .. (scheme == "match-viewer" and ngx.var.scheme or scheme)
    if websocket then
        ngx.var.edge_upgrade = "websocket"
        ngx.var.edge_connection = "Upgrade"
    elseif grpc then
        return ngx.exec("@grpc-" .. name)
    end
end

-- The answer to the viewer --------------------------------------------------------------------------

local WORDS = { HIT = "Hit", STALE = "Hit", UPDATING = "Hit", REVALIDATED = "RefreshHit" }

local function varied(behavior, vary)
    local kept = filtered(joined(vary, ","), ",", function(name)
        local lower = name:lower()
        return lower == "*" or lower == "accept-encoding" or lower == "cookie"
            or forwards(behavior, "headers", lower)
    end)
    return #kept > 0 and table.concat(kept, ", ") or nil
end

function edge.answer()
    local header, status = ngx.header, ngx.status
    local behavior = settings.behaviors[ngx.var.edge_behavior]
    local word = WORDS[ngx.var.upstream_cache_status] or "Miss"
    local own = (ngx.var.edge_own or "") ~= "" or header["X-Edge-Own"]
    local stored = tonumber(header["X-Edge-Stored"])
    header["X-Edge-Stored"] = nil
    header["X-Edge-Own"] = nil

    if own or not header["Server"] then
        header["Server"] = "CloudFront"
    end
    if not header["Date"] then
        header["Date"] = ngx.http_time(ngx.time())
    end
    header["Trailer"] = nil
    if status ~= 101 then
        header["Upgrade"] = nil
    end
    if behavior and not own then
        if not behavior.cookies_pass then
            header["Set-Cookie"] = nil
        end
        if header["Vary"] then
            header["Vary"] = varied(behavior, header["Vary"])
        end
    end
    if word == "Hit" and stored then
        local before = tonumber(joined(header["Age"], "") or "") or 0
        header["Age"] = before + math.max(0, ngx.time() - stored)
    end
    if status >= 400 then
        word = "Error"
    elseif own and status >= 300 then
        word = "Redirect"
    end
    header["X-Cache"] = word .. " from cloudfront"
    local via = joined(header["Via"], ", ")
    header["Via"] = (via and via .. ", " or "") .. "1.1 " .. settings.via
    header["X-Amz-Cf-Pop"] = settings.pop
    header["X-Amz-Cf-Id"] = id()
end

-- To the origin -------------------------------------------------------------------------------------

-- The origin's certificate has to name the origin or the Host that is forwarded. nginx compares one
-- name, so which of the two it is has to be known first. What tells is a handshake: if the
-- certificate that is served for the Host does not name it, the origin's own name is asked for.
local function tls_name(behavior, host)
    local domain = behavior.origin.domain_name
    host = host:gsub(":%d+$", "")
    if host:lower() == domain:lower() then
        return domain
    end
    local known = ngx.shared.edge_tls_names
    local key = domain .. " " .. host
    local name = known:get(key)
    if name then
        return name
    end
    local socket = ngx.socket.tcp()
    socket:settimeouts(behavior.origin.connect_timeout_seconds * 1000, 1000, 1000)
    if not socket:connect(domain, behavior.origin.https_port) then
        return host
    end
    local done, reason = socket:sslhandshake(false, host, true)
    socket:close()
    local mismatch = not done and tostring(reason):find("host mismatch", 1, true)
    name = mismatch and domain or host
    known:set(key, name, 10)
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
    local found = {}
    for part in (joined(header, ",") or ""):lower():gmatch("[^,]+") do
        local name, value = part:match('^%s*([%w-]+)%s*=?%s*"?([^"%s]*)')
        if name then
            found[name] = value
        end
    end
    return found
end

-- For how many seconds an answer is kept.
-- Source: CloudFront Developer Guide, 'Manage how long content stays in the cache', the table there,
-- and 'Control how long CloudFront caches errors'.
local function ttl_of(behavior, status, header)
    local control = directives(header["Cache-Control"])
    local asked = tonumber(control["s-maxage"]) or tonumber(control["max-age"])
    local timed = asked ~= nil
    if not asked and header["Expires"] then
        local ends = ngx.parse_http_time(joined(header["Expires"], ","))
        local from = header["Date"] and ngx.parse_http_time(header["Date"]) or ngx.time()
        asked = ends and math.max(0, ends - from) or 0
    end
    if status >= 400 then
        if not (KEPT[status] or (KEPT_IF_TIMED[status] and timed)) then
            return 0
        elseif control["no-store"] and NO_STORE_COUNTS[status] then
            return 0
        end
        local least = behavior.error_ttls[status] or ERROR_SECONDS
        return math.max(least, math.min(asked or 0, behavior.max_ttl))
    end
    if not OBJECTS[status] then
        return 0
    elseif control["no-store"] or control["no-cache"] or control["private"] then
        return behavior.min_ttl
    elseif joined(header["Vary"], ",") == "*" and behavior.min_ttl == 0 then
        return 0
    elseif asked then
        return math.max(behavior.min_ttl, math.min(asked, behavior.max_ttl))
    end
    return math.max(behavior.min_ttl, behavior.default_ttl)
end

function edge.kept(name)
    local method, status = ngx.var.request_method, ngx.status
    local ttl = 0
    if status < 200 and status ~= 101 then
        -- nginx takes an interim answer for the whole one, and what follows for its body: an answer
        -- without an end. An error is told from that at once.
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
end

function edge.without_interim()
    if ngx.ctx.interim then
        ngx.arg[1], ngx.arg[2] = "", true
    end
end

-- TLS towards viewers -------------------------------------------------------------------------------

-- nginx takes the versions of TLS from the server that is the default of an address, before it knows
-- the name; this hook is earlier.
function edge.hello()
    local hello = require "ngx.ssl.clienthello"
    local name = hello.get_client_hello_server_name()
    local site = name and site_of(name)
    if site then
        hello.set_protocols(settings.protocols[site])
    end
end

function edge.load(path)
    settings = dofile(path)
    return edge
end

return edge
