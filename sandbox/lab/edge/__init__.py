"""A CloudFront edge node as the real nginx, configured from the distributions as they are deployed.

It knows only what CloudFront's API says, so a distribution that caches, drops headers
or has no IPv6 does so here. Several nodes are several of these programs, each with a cache of its
own in its folder.

What is documented of CloudFront is followed. **Where it differs from the real one:**

- *Between viewer and edge.* No HTTP/3. HTTP/2 is offered for all distributions if any has it
  (`unsupported` says so). A TLS handshake by a name on no distribution gets the certificate of
  `*.cloudfront.net` if there is one, else it is refused. `OPTIONS *` is a bad request.
- *Headers of requests.* Names keep their case and repeated ones their number and order, but `Host`,
  `Connection`, those of the body and those that the edge sets come where nginx puts them. Where an
  answer may be kept (also for an error only), `If-…` and `Range` come first, once, in their usual
  case.
- *Headers of answers.* `X-Accel-…`, `X-Edge-…` and `Keep-Alive` of the origin are dropped, and so
  are trailers; an origin without `Server` gets `Server: CloudFront`. The lab's API sends no
  103 to a node, as if it were dropped here; of another's nginx takes it for the answer: 502.
- *The cache.* GET and HEAD are kept apart; OPTIONS is never kept. Parts (206) are not kept. An
  answer that is kept reaches its first viewer in pieces of the buffers' size. Requests for the same
  object are not collapsed. A 200 that CloudFront would keep for 0 seconds and ask for again with
  its `ETag` is not kept at all. `Age` counts from the first answer, also after a refresh.
  Invalidations are not carried out, and a stale object is served during an origin's errors without
  asking less often.
- *To the origin.* One connection for each request; none is kept alive, though the header says so.
  GET and HEAD are tried again; POST and PATCH only at other addresses and only while nothing was
  sent; all else is tried once, a refused connection included. A WebSocket handshake may take as
  long as its idle time. Whether the origin's certificate names the `Host` that is forwarded or the
  origin itself is found out by a handshake of its own, once in ten seconds for each pair. A body
  that came in pieces and was there at once goes on with a length.
- *Compression.* gzip only, and also where the origin sent no length.
- *`CloudFront-…` headers.* What needs a database of addresses (country, city, ASN …) is not sent.
  Devices are recognised by a few words of `User-Agent`.
- *Custom error pages* are asked for like any other object; if one is missing, its own error is
  shown with the status that was asked for.

What is not there at all is named by `unsupported`.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from sandbox.debian import find_program
from sandbox.lab.deployed import Deployed
from sandbox.lab.edge.limits import unsupported
from sandbox.lab.edge.lua import settings_lua
from sandbox.lab.edge.render import DEFAULT_CERTIFICATE, ORIGIN_PORT, nginx_conf
from sandbox.lab.edge.sites import sites
from sandbox.lab.program import Program

BOTH_SERVE_SECONDS: Final = 0.2
"""How long old workers may go on accepting beside new ones, twice over. Source: nginx,
`src/os/unix/ngx_process_cycle.c`: the old get the signal 100 ms after the new started."""

LUA_FILES: Final = ("edge.lua", "to_origin.lua", "values.lua")

__all__ = ["DEFAULT_CERTIFICATE", "program", "unsupported"]


def program(  # noqa: PLR0917 - what the lab knows of a node, each of another type
    host: str,
    deployed: Deployed,
    certificates: Mapping[str, tuple[Path, Path]],
    ca: Path,
    resolver: str,
    folder: Path,
) -> Program:
    """Return the program of one edge node.

    It listens on ports 80 and 443 of every address of its host, over IPv6 only if a distribution
    has it, and on a port of 127.0.0.1.

    Args:
        host: The host it runs on; `edge-1` is the node `LAB1` in its answers.
        deployed: Distributions and their policies.
        certificates: Chain and key of each viewer certificate by its ARN, and by
            `DEFAULT_CERTIFICATE` those of `*.cloudfront.net`. The names of a distribution whose
            certificate is missing get no TLS handshake.
        ca: Certificates of the authorities that origins' certificates are verified against, PEM.
        resolver: IPv4 address of the DNS server that origins are asked of.
        folder: A folder of its own that exists: configuration, cache, access log.
    """
    served = sites(deployed)
    nginx, conf = str(find_program("nginx")), folder / "nginx.conf"
    command = (nginx, "-p", str(folder), "-c", str(conf))
    lua = {folder / "settings.lua": settings_lua(served, host)} | {
        folder / name: Path(__file__).with_name(name).read_text() for name in LUA_FILES
    }

    def rendered(version: str) -> str:
        return nginx_conf(served, certificates, ca, resolver, folder, version=version)

    version = sha256("".join([rendered(""), *lua.values()]).encode()).hexdigest()
    curl = find_program("curl")
    ask = f"{curl} --silent --fail --noproxy '*' --max-time 2 \"$0\""
    return Program(
        name="edge",
        host=host,
        command=command,
        files={conf: rendered(version), **lua},
        reload=(*command, "-s", "reload"),
        # New workers serve for a tenth of a second before the old ones get the signal to end.
        ready=(
            *("/bin/sh", "-c", f"{ask} && sleep {BOTH_SERVE_SECONDS} && {ask}"),
            f"http://127.0.0.1:{ORIGIN_PORT}/{version}",
        ),
    )
