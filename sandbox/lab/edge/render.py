"""nginx's configuration for one edge node, and the table that its Lua file reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sandbox.lab.edge.edge_behavior import EdgeBehavior, EdgeOrigin, EdgeSite
from sandbox.lab.edge.lua import lua
from sandbox.lab.edge.nginx_text import indented, quoted, regex

MODULES: Final = Path("/usr/lib/nginx/modules")
"""Where Debian's packages put what nginx loads."""

LUA_PATH: Final = "/usr/share/lua/5.1/?.lua"
"""Where Debian's package lua-resty-core is; nginx's Lua module does not start without it."""

ORIGIN_PORT: Final = 8080
"""Port on 127.0.0.1 of the second pass, the one that speaks to origins."""

DEFAULT_CERTIFICATE: Final = "cloudfront"
"""Key of the certificate for `*.cloudfront.net` among the viewer certificates. Without it a TLS
handshake by a distribution's own name, or by none, is refused."""

MOST_BODY: Final = "50g"
"""Source: CloudFront Developer Guide, 'Quotas': file size for GET, POST and PUT requests."""

WEBSOCKET_IDLE_SECONDS: Final = 600
"""Source: CloudFront Developer Guide, 'Quotas on WebSockets': connection timeout (idle)."""

COMPRESSED_TYPES: Final = " ".join(
    Path(__file__).with_name("compressed_types.txt").read_text().split()
)
"""Source: CloudFront Developer Guide, 'Serve compressed files', 'File types that CloudFront
compresses'."""

Certificates = Mapping[str, tuple[Path, Path]]
"""Chain and key of viewer certificates by ARN."""


def nginx_conf(
    sites: Sequence[EdgeSite],
    certificates: Certificates,
    ca: Path,
    resolver: str,
    folder: Path,
    *,
    version: str,
) -> str:
    """Return the whole of an edge node's `nginx.conf`.

    The path `/<version>` of `ORIGIN_PORT` is there in no other version.
    """
    # Long because it is one file: the text is read as nginx reads it, from the top.
    http2 = any(site.http2 for site in sites)
    ipv6 = any(site.ipv6 for site in sites)
    # One name is served once; two distributions of one name cannot be deployed.
    servers = "\n".join(
        _viewer_server(site, names, _certificate(arn, certificates), http2=http2)
        for site in sites
        for names, arn in (((site.name,), DEFAULT_CERTIFICATE), (site.aliases, site.certificate))
        if names
    )
    origins = "\n".join(
        _origin_server(behavior, scheme, ca)
        for site in sites
        for behavior in site.behaviors
        for scheme in behavior.origin.schemes
    )
    return f"""\
load_module {MODULES / "ndk_http_module.so"};
load_module {MODULES / "ngx_http_lua_module.so"};

user root root;
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {quoted(folder / "nginx.pid")};
error_log stderr error;

events {{
    worker_connections 4096;
}}

http {{
    log_format edge '$time_iso8601 $remote_addr "$host" "$request" $status '
                    '"$sent_http_x_cache" $sent_http_x_amz_cf_id';
    access_log {quoted(folder / "access.log")} edge;
    client_body_temp_path {quoted(folder / "body")};
    proxy_temp_path {quoted(folder / "proxy")};
    fastcgi_temp_path {quoted(folder / "fastcgi")};
    scgi_temp_path {quoted(folder / "scgi")};
    uwsgi_temp_path {quoted(folder / "uwsgi")};
    types {{ }}
    default_type "";

    lua_package_path "{LUA_PATH};;";
    lua_shared_dict edge_tls_names 1m;
    lua_shared_dict edge_kept 4m;
    lua_ssl_trusted_certificate {quoted(ca)};
    lua_ssl_verify_depth 9;
    lua_ssl_protocols TLSv1 TLSv1.1 TLSv1.2;
    lua_socket_log_errors off;
    init_by_lua_block {{
        edge = loadfile({lua(str(folder / "edge.lua"))})({lua(str(folder))})
    }}

    # Headers reach the other side as they are.
    underscores_in_headers on;
    ignore_invalid_headers off;
    server_tokens off;
    proxy_pass_header Server;
    proxy_pass_header Date;
    proxy_redirect off;
    # Lua counts to CloudFront's limits; what it never sees is far beyond them.
    large_client_header_buffers 8 64k;
    client_max_body_size {MOST_BODY};
    merge_slashes off;
    absolute_redirect off;

    # Bodies pass as they come, in both directions. Only answers that are kept are gathered.
    proxy_http_version 1.1;
    proxy_request_buffering off;
    proxy_buffer_size 64k;
    proxy_buffers 16 16k;
    proxy_busy_buffers_size 64k;
    tcp_nodelay on;

    # Over IPv4 only, at run time, for as long as DNS says.
    resolver {resolver} ipv6=off;

    proxy_cache_path {quoted(folder / "cache")} levels=1:2 keys_zone=edge:8m inactive=1d
                     max_size=256m use_temp_path=off;
    proxy_cache_key $edge_key;
    proxy_cache_methods GET HEAD;
    proxy_cache_convert_head off;
    proxy_cache_revalidate on;

    # Names as long as DNS allows; and the one way to write a dollar where nginx looks for a name.
    server_names_hash_bucket_size 512;
    geo $edge_dollar {{
        default "$";
    }}

    # A stale copy is asked for again by its own marks, everything else by the viewer's.
    map $upstream_cache_etag$upstream_cache_last_modified $edge_if_none_match {{
        "" $http_if_none_match;
        default $upstream_cache_etag;
    }}
    map $upstream_cache_etag$upstream_cache_last_modified $edge_if_modified_since {{
        "" $http_if_modified_since;
        default $upstream_cache_last_modified;
    }}

    ssl_ciphers DEFAULT:@SECLEVEL=0;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;

    # The first pass -------------------------------------------------------------------------------

    # Nobody's names.
    server {{
        server_name "";
{indented(_listens(certificate=True, http2=http2, ipv6=ipv6, default=True))}
{indented(_certificate(DEFAULT_CERTIFICATE, certificates))}
{indented(_VIEWER_VARIABLES)}
{indented(_OWN_ERRORS)}
        location / {{
            content_by_lua_block {{ edge.refuse(403) }}
        }}
    }}

{servers}
    # The second pass ------------------------------------------------------------------------------

    upstream edge_origin {{
        server 127.0.0.1:{ORIGIN_PORT};
    }}

    server {{
        listen 127.0.0.1:{ORIGIN_PORT} default_server;
        access_log off;
        location = /{version} {{ return 204; }}
        location / {{ return 404; }}
    }}

{origins}}}
"""


_VIEWER_VARIABLES: Final = """\
set $edge_id "";
set $edge_own "";
set $edge_behavior "";
set $edge_key "";
set $edge_uri "";
set $edge_origin "";
set $edge_upgrade "";
set $edge_connection close;
ssl_client_hello_by_lua_block { edge.hello() }
header_filter_by_lua_block { edge.answer() }"""

# nginx's own refusals of what it cannot read look like CloudFront's. 494 and 414: too large for any
# buffer; 405: TRACE and CONNECT; 495 to 497: TLS where there should be none, and the other way
# round. Not named locations: nginx does not go to those while it knows of no path.
_OWN_ERRORS: Final = """\
error_page 400 495 496 497 = /.edge-400;
error_page 405 = /.edge-403;
error_page 413 414 494 = /.edge-413;
error_page 500 502 504 = /.edge-502;
location = /.edge-400 { internal; content_by_lua_block { edge.refuse(400) } }
location = /.edge-403 { internal; content_by_lua_block { edge.refuse(403) } }
location = /.edge-413 { internal; keepalive_timeout 0; content_by_lua_block { edge.refuse(413) } }
location = /.edge-502 { internal; content_by_lua_block { edge.refuse(502) } }"""

_TO_ORIGIN_SERVER: Final = """\
proxy_set_header Host $edge_origin;
proxy_set_header Connection $edge_connection;
proxy_set_header Upgrade $edge_upgrade;
proxy_read_timeout 1h;
proxy_send_timeout 1h;"""

# nginx takes these out of a request whose answer may be kept, and out of nothing else.
_KEPT_CONDITIONS: Final = """\
proxy_set_header If-None-Match $edge_if_none_match;
proxy_set_header If-Modified-Since $edge_if_modified_since;
proxy_set_header If-Match $http_if_match;
proxy_set_header If-Unmodified-Since $http_if_unmodified_since;
proxy_set_header If-Range $http_if_range;
proxy_set_header Range $http_range;
proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Charset Expires Cache-Control
                     Set-Cookie Vary;
proxy_cache edge;
proxy_cache_bypass $edge_upgrade;
proxy_no_cache $edge_upgrade;"""


def _viewer_server(site: EdgeSite, names: Sequence[str], certificate: str, *, http2: bool) -> str:
    # In the locations: there they take the place of what the server says of nginx's own errors,
    # which an origin's errors are not.
    pages = "".join(
        f"error_page {code} ={shown} {quoted(path.replace('$', '${edge_dollar}'))};\n"
        for code, path, shown in site.error_pages
    )
    pages = f"proxy_intercept_errors on;\n{pages}" if pages else ""
    locations = "\n".join(_viewer_location(behavior, pages) for behavior in site.behaviors)
    text = f"""\
server_name {" ".join(names)};
{_listens(certificate=True, http2=http2, ipv6=site.ipv6, default=False)}
{certificate}
{_VIEWER_VARIABLES}
{_OWN_ERRORS}

{locations}"""
    return f"    server {{\n{indented(text)}\n    }}\n"


def _listens(*, certificate: bool, http2: bool, ipv6: bool, default: bool) -> str:
    last = " default_server" if default else ""
    tls = (" ssl" if certificate else "") + (" http2" if http2 else "")
    families = ["0.0.0.0", "[::]"] if ipv6 else ["0.0.0.0"]  # noqa: S104 - the edge is public
    only = {"[::]": " ipv6only=on" if default else ""}
    return "\n".join(
        f"listen {address}:{port}{last}{more}{only.get(address, '')};"
        for address in families
        for port, more in ((80, ""), (443, tls))
    )


def _certificate(key: str, certificates: Certificates) -> str:
    if key not in certificates:
        return "ssl_reject_handshake on;"
    chain, private_key = certificates[key]
    return f"ssl_certificate {quoted(chain)};\nssl_certificate_key {quoted(private_key)};"


def _viewer_location(behavior: EdgeBehavior, pages: str) -> str:
    where = "/" if behavior.pattern is None else f"~ {quoted(regex(behavior.pattern))}"
    kept = f"{_KEPT_CONDITIONS}\n" if behavior.keeps_something else ""
    # An object whose time is over is better than an error of the origin.
    kept += (
        "proxy_cache_use_stale error timeout http_500 http_502 http_503 http_504;\n"
        if max(behavior.max_ttl, behavior.min_ttl) > 0
        else ""
    )
    gzip = f"gzip on;\ngzip_proxied any;\ngzip_http_version 1.0;\ngzip_min_length 1000;\n{_TYPES}\n"
    body = f"""\
set $edge_behavior {behavior.name};
rewrite_by_lua_block {{ edge.viewer("{behavior.name}") }}
{_TO_ORIGIN_SERVER}
{pages}{kept}{gzip if behavior.compress else ""}proxy_pass http://edge_origin$edge_uri;"""
    return f"location {where} {{\n{indented(body, 1)}\n}}\n"


_TYPES: Final = f"gzip_types {' '.join(COMPRESSED_TYPES.replace('text/html ', '').split())};"


def _origin_server(behavior: EdgeBehavior, scheme: str, ca: Path) -> str:
    origin = behavior.origin
    target = f"proxy_pass {scheme}://$edge_domain:{origin.port(scheme)}$request_uri;"
    text = f"""\
listen 127.0.0.1:{ORIGIN_PORT};
server_name {behavior.name}.{scheme};
access_log off;
recursive_error_pages on;
error_page 502 = @refused;
error_page 504 = @late;
set $edge_id $http_x_amz_cf_id;
set $edge_own "";
set $edge_host "";
set $edge_tls_name "";
set $edge_domain {origin.domain_name};
header_filter_by_lua_block {{ edge.kept("{behavior.name}") }}
body_filter_by_lua_block {{ edge.without_interim() }}

proxy_set_header Host $edge_host;
proxy_set_header X-Edge-Host "";
proxy_set_header Connection Keep-Alive;
proxy_buffering off;
proxy_next_upstream off;
proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Charset X-Accel-Expires
                     X-Accel-Buffering Expires Cache-Control Set-Cookie Vary;
resolver_timeout {origin.connect_timeout_seconds}s;
proxy_connect_timeout {origin.connect_timeout_seconds}s;
proxy_read_timeout {origin.read_timeout_seconds}s;
proxy_send_timeout {origin.read_timeout_seconds}s;
{_origin_tls(origin, ca) if scheme == "https" else ""}\
location / {{
    rewrite_by_lua_block {{ edge.origin("{behavior.name}", "{scheme}") }}
    proxy_next_upstream error timeout;
    proxy_next_upstream_tries {origin.connect_attempts};
    {target}
}}
location @once {{
    {target}
}}
location @websocket {{
    proxy_set_header Host $edge_host;
    proxy_set_header X-Edge-Host "";
    proxy_set_header Connection Upgrade;
    proxy_set_header Upgrade $http_upgrade;
    proxy_read_timeout {WEBSOCKET_IDLE_SECONDS}s;
    proxy_send_timeout {WEBSOCKET_IDLE_SECONDS}s;
    {target}
}}
location @refused {{ content_by_lua_block {{ edge.failed("{behavior.name}", 502) }} }}
location @late {{ content_by_lua_block {{ edge.failed("{behavior.name}", 504) }} }}"""
    return f"    server {{\n{indented(text)}\n    }}\n"


def _origin_tls(origin: EdgeOrigin, ca: Path) -> str:
    return f"""\
proxy_ssl_server_name on;
proxy_ssl_name $edge_tls_name;
proxy_ssl_verify on;
proxy_ssl_verify_depth 9;
proxy_ssl_trusted_certificate {quoted(ca)};
proxy_ssl_protocols {" ".join(origin.tls_protocols)};
proxy_ssl_ciphers DEFAULT:@SECLEVEL=0;
proxy_ssl_session_reuse off;
"""
