-- Texts of headers, what a behavior selects of them, and what `CloudFront-…` headers say.

local values = {}

function values.joined(value, separator)
    return type(value) == "table" and table.concat(value, separator) or value
end

function values.chosen(choice, name)
    if choice.kind == "all" then
        return true
    end
    return (choice.names[name] ~= nil) == (choice.kind == "listed")
end

function values.forwards(behavior, what, name)
    for _, selection in ipairs(behavior.forwarded) do
        if values.chosen(selection[what], name) then
            return true
        end
    end
    return false
end

function values.forwards_all(behavior, what)
    for _, selection in ipairs(behavior.forwarded) do
        if selection[what].kind == "all" then
            return true
        end
    end
    return false
end

-- Split at a separator and keep the parts whose names pass, in their order and as they are.
function values.filtered(text, separator, passes)
    local kept = {}
    for part in text:gmatch("[^" .. separator .. "]+") do
        local name = part:match("^%s*([^=]*)")
        if passes((name:gsub("%s+$", ""))) then
            kept[#kept + 1] = part:match("^%s*(.*)$")
        end
    end
    return kept
end

-- Every value of a header, in any case of its name, in the order that nginx has them.
function values.values_of(headers, name)
    local all = {}
    for own, value in pairs(headers) do
        if own:lower() == name then
            for _, each in ipairs(type(value) == "table" and value or { value }) do
                all[#all + 1] = each
            end
        end
    end
    return all
end

-- What a `CloudFront-…` header says; nothing where the lab cannot know it.
function values.fact(name)
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
function values.cased(name)
    local special = { cloudfront = "CloudFront", ios = "IOS", smarttv = "SmartTV", tls = "TLS", asn = "ASN" }
    return (name:gsub("[^-]+", function(word)
        return special[word] or word:sub(1, 1):upper() .. word:sub(2)
    end))
end

return values
