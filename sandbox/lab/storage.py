"""S3 of the lab: the objects that everybody may read, served by nginx at their buckets' names.

Where it differs from S3: it reads and never writes; what nobody may read and what is not there get
the same 403, as from S3 where the one who asks may not list the bucket. There are no headers of
S3's, no other addresses of a bucket than `BUCKET.s3.REGION.amazonaws.com`, and no IPv6.

Source: Amazon S3 User Guide, 'Virtual hosting of general purpose buckets'; API Reference,
'GetObject', Permissions.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from sandbox.debian import find_program
from sandbox.lab.deployed import DeployedBucket
from sandbox.lab.edge.nginx_text import quoted
from sandbox.lab.program import Program

READY_PORT: Final = 8102
"""Where nginx tells the lab which configuration it serves."""

DENIED: Final = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


def program(
    host: str,
    buckets: Sequence[DeployedBucket],
    certificates: Mapping[frozenset[str], tuple[Path, Path]],
    folder: Path,
) -> Program:
    """Return the program that serves the buckets.

    Args:
        host: The host it runs on.
        buckets: The buckets.
        certificates: Chain and key by the names they cover, that of each bucket among them.
        folder: A folder of its own that exists.
    """
    files = {
        _file(folder, bucket, key): text
        for bucket in buckets
        for key, text in bucket.objects.items()
    }
    sites = "\n".join(
        _site(each, *certificates[frozenset({each.host})], folder) for each in buckets
    )
    version = sha256("".join([sites, *files.values()]).encode()).hexdigest()
    nginx, conf = str(find_program("nginx")), folder / "nginx.conf"
    command = (nginx, "-p", str(folder), "-c", str(conf))
    ask = f"{find_program('curl')} --silent --fail --noproxy '*' --max-time 2 \"$0\""
    return Program(
        name="storage",
        host=host,
        command=command,
        files={conf: _conf(sites, folder, version), **files},
        reload=(*command, "-s", "reload"),
        ready=("/bin/sh", "-c", ask, f"http://127.0.0.1:{READY_PORT}/{version}"),
    )


def _file(folder: Path, bucket: DeployedBucket, key: str) -> Path:
    return folder / f"object-{sha256(f'{bucket.name}/{key}'.encode()).hexdigest()[:32]}"


def _conf(sites: str, folder: Path, version: str) -> str:
    temporary = "\n".join(
        f"    {kind}_temp_path {quoted(folder / kind)};"
        for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    )
    return f"""\
user root root;
daemon off;
worker_processes 1;
pid {quoted(folder / "nginx.pid")};
error_log stderr error;
events {{ }}
http {{
{temporary}
    access_log off;
    default_type text/plain;
    server {{
        listen 127.0.0.1:{READY_PORT};
        location = /{version} {{ return 204; }}
        location / {{ return 404; }}
    }}
{sites}
}}
"""


def _site(bucket: DeployedBucket, chain: Path, key: Path, folder: Path) -> str:
    files = {name: quoted(_file(folder, bucket, name)) for name in sorted(bucket.objects)}
    objects = "\n".join(
        f"        location = {quoted(f'/{name}')} {{ alias {file}; }}"
        for name, file in files.items()
    )
    return f"""\
    server {{
        listen 80;
        listen 443 ssl;
        server_name {quoted(bucket.host)};
        ssl_certificate {quoted(chain)};
        ssl_certificate_key {quoted(key)};
{objects}
        location / {{ default_type application/xml; return 403 {quoted(DENIED)}; }}
    }}
"""
