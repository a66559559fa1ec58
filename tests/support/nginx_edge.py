"""A real nginx in front of an API on loopback, with what people write into its configuration.

    with nginx_edge(origin, tmp_path, "client_max_body_size 1m;") as way:
        ...  # https://api.example.com at way.address:way.port, trusting origin.ca

It passes everything on as CloudFront does, but for what it is told: names the client in
X-Forwarded-For and itself in Via, and keeps nothing.
"""

import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rollout.probe.model import Way
from support.lab_origin import LoopbackOrigin, free_port, own_loopback_address

NAME: Final = "api.example.com"

START_SECONDS: Final = 10.0

RIGHT: Final = """
client_max_body_size 0;
proxy_request_buffering off;
proxy_buffering off;
underscores_in_headers on;
ignore_invalid_headers off;
proxy_read_timeout 120s;
proxy_send_timeout 120s;
client_body_timeout 120s;
keepalive_timeout 120s;
large_client_header_buffers 8 32k;
client_header_buffer_size 32k;
"""
"""What nginx has to be told to pass everything on."""


def configuration(origin: LoopbackOrigin, folder: Path, way: Way, changed: str, http2: bool) -> str:
    chain, key = origin.trust.issue([NAME])
    names = {line.split()[0] for line in changed.splitlines() if line.strip()}
    kept = [line for line in RIGHT.splitlines() if line and line.split()[0] not in names]
    http = "\n".join(kept)
    return f"""
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $hop {{ default Upgrade; "" Keep-Alive; }}
  {http}
  {changed}
  server {{
    listen {way.address}:{way.port} ssl{" http2" if http2 else ""};
    ssl_certificate {chain};
    ssl_certificate_key {key};
    location / {{
      proxy_pass https://{origin.address}:{origin.https};
      proxy_ssl_server_name on;
      proxy_ssl_name {NAME};
      proxy_http_version 1.1;
      proxy_redirect off;
      proxy_pass_header Server;
      proxy_pass_header Date;
      proxy_set_header Host $http_host;
      proxy_set_header Connection $hop;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header TE "";
      proxy_set_header Via "2.0 lab.cloudfront.net (CloudFront)";
    }}
  }}
}}
"""


@contextmanager
def nginx_edge(
    origin: LoopbackOrigin, folder: Path, changed: str = "", *, http2: bool = False
) -> Generator[Way]:
    """Run nginx as cdn in front of an API.

    Args:
        origin: The API.
        folder: For its files.
        changed: Directives of the level `http`, which replace those of `RIGHT`.
        http2: Whether it speaks HTTP/2 as well.
    """
    address = own_loopback_address()
    way = Way("cdn", "IPv4", NAME, address, free_port(address))
    file = folder / "nginx.conf"
    file.write_text(configuration(origin, folder, way, changed, http2))
    process = subprocess.Popen(
        ["nginx", "-c", str(file), "-e", str(folder / "error.log"), "-g", "daemon off;"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (folder / "nginx.pid").exists():
            assert process.poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield way
    finally:
        process.terminate()
        process.wait()
