"""The settings of the proxy pool."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from components.proxy.nginx import MOST_CONNECTIONS
from components.proxy.upgrades import MOST_NODES_PER_REGION, REGIONS
from components.settings import values
from components.settings.fields import Group, Says

HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443


class Proxies(Group):
    """A pool of IPv6 proxies on DigitalOcean, which the old path's AAAA records lead to."""

    regions: Annotated[
        tuple[
            Annotated[
                str,
                AfterValidator(values.region),
                Says(f"one of {', '.join(REGIONS)}", "fra1"),
            ],
            ...,
        ],
        AfterValidator(values.not_empty),
        Says(f"a list of 1 to {len(REGIONS)} different regions of DigitalOcean", '["fra1"]'),
    ]
    """Where the proxies are, best near the load balancer. Their order means nothing, and a change
    leaves the proxies of the other regions as they are. Removing one takes two deployments: the
    first takes its proxies out of DNS, the next deletes them."""
    nodes_per_region: Annotated[int, Field(ge=1, le=MOST_NODES_PER_REGION), Says(example="1")] = 1
    """How many proxies each region has. With only one in all, IPv6 users fall back to
    `whenAllFail` each time it is upgraded."""
    reserved_ipv6_quota: Annotated[
        int, Field(ge=1, le=len(REGIONS) * MOST_NODES_PER_REGION), Says(example="3")
    ] = 3
    """How many reserved addresses the DigitalOcean account may have, which is one for each proxy.
    DigitalOcean allows three until you ask its support for more."""
    size: Annotated[
        str,
        Field(pattern="^[a-z0-9-]+$"),
        Says("the slug of a droplet size", "s-1vcpu-1gb"),
    ] = "s-1vcpu-1gb"
    """What each droplet is made of. Changing it replaces the droplets, one after the other."""
    image: Annotated[
        Literal["debian-12-x64", "debian-13-x64"],
        Says(example="debian-12-x64"),
    ] = "debian-12-x64"
    """What each droplet boots. Changing it replaces the droplets, one after the other."""
    ports: Annotated[
        tuple[
            Annotated[
                int,
                AfterValidator(values.proxy_port),
                Says(
                    "an integer from 1 to 65535, but not 22, 53, 8100 or 8101, which are the "
                    "droplet's own",
                    "443",
                ),
            ],
            ...,
        ],
        AfterValidator(values.not_empty),
        Says("a list of one or more different ports", "[443]"),
    ] = (443,)
    """TCP ports that are served; each leads to the same port of the load balancer. Add 80 if users
    get a redirect there today."""
    connections: Annotated[int, Field(ge=1, le=MOST_CONNECTIONS), Says(example="5000")] = 5_000
    """How many connections of clients one proxy holds at once. What is over is closed at once.
    Each takes 48 KiB of memory beside the 256 MiB that Debian needs, so the default fits the
    smallest droplet."""
    connections_per_client: Annotated[
        Annotated[int, Field(ge=1, le=MOST_CONNECTIONS)] | None,
        Says(
            f"an integer from 1 to {MOST_CONNECTIONS}",
            "1000",
            default="a fifth of `connections`",
        ),
    ] = None
    """How many of these connections one client may have. A client is a /64, because anyone with an
    IPv6 address has at least 2^64 of them. The default keeps one client from taking all, and is
    more than an office or the exit of a VPN needs, whose many users share a /64."""
    warn_percent: Annotated[int, Field(ge=1, le=99), Says(example="80")] = 80
    """Share of `connections` from which on a proxy tells that it is nearly full, to the alarm that
    `alarms` makes for it. The default leaves time to add a proxy."""
    log_retention_days: Annotated[int, Field(ge=1, le=365), Says(example="7")] = 7
    """How long a droplet keeps a day of its log, which has the address of each client. The default
    is long enough to look into what happened at a weekend."""
    log_megabytes: Annotated[int, Field(ge=100, le=5_000), Says(example="500")] = 500
    """How much of the disk that log may take; what is oldest goes first. The default is a
    twentieth of the smallest disk, and room for some hundred thousand connections."""
    idle_timeout_seconds: Annotated[int, Field(ge=351, le=86_400), Says(example="600")] = 600
    """How long a connection may carry nothing before the proxy closes it. The least is one second
    more than any kind of load balancer allows by default, so that the proxy cuts nothing short."""
    proxy_protocol: Annotated[bool, Says(example="false")] = False
    """Whether a PROXY protocol header tells the API each client's address; without it the API sees
    the proxies' own. It has to be understood behind the load balancer by the time it is turned on,
    and an application load balancer cannot."""
    ssh_keys: Annotated[
        tuple[
            Annotated[
                str,
                Field(pattern="^([0-9]+|([0-9a-f]{2}:){15}[0-9a-f]{2})$"),
                Says("the id or fingerprint of an SSH key in the DigitalOcean account", "512189"),
            ],
            ...,
        ],
        Says("a list of SSH keys of the DigitalOcean account", '["512189"]'),
    ] = ()
    """SSH keys that open the root account. Without any, DigitalOcean makes a root password up and
    mails it to the account's owner; nothing on the droplet accepts it but the recovery console.
    Changing them replaces the droplets, one after the other."""
    ssh_source_ranges: Annotated[
        tuple[
            Annotated[
                str,
                AfterValidator(values.network),
                Says("a network in CIDR notation", "2001:db8::/48"),
            ],
            ...,
        ],
        Says("a list of networks in CIDR notation", '["2001:db8::/48"]'),
    ] = ()
    """Networks that may connect to port 22; closed to all when empty. Needs `sshKeys`."""
    health_check_path: Annotated[
        Annotated[str, Field(pattern="^/[!-~]*$", max_length=255)] | None,
        Says("a path that begins with / and has at most 255 characters", "/healthz"),
    ] = None
    """Path of the API that Route 53 asks for over HTTPS through each proxy, about three times a
    second from all over the world. It has to be answered with a status from 200 to 399. When it is
    not set, Route 53 only connects to each proxy: that finds dead proxies but not a proxy that
    cannot reach the load balancer, because it accepts before it connects."""
    when_all_fail: Annotated[Literal["ipv4", "cdn"], Says(example="ipv4")] = "ipv4"
    """Where IPv6 users go when every proxy is unhealthy. `ipv4`: AAAA is answered empty, as if
    there were no proxies, so that they use the old path's A records. `cdn`: all of them go to
    CloudFront, whatever its weight, even 0; choose it once CloudFront carries users already."""
    ready_seconds: Annotated[int, Field(ge=0, le=1800), Says(example="600")] = 600
    """How long a new droplet is given, from its creation, to serve every port before its address is
    moved to it. The deployment asks over IPv6. A droplet that does not serve by then stops the
    deployment, and the address stays with the old one. 0: the address is moved at once."""
    when_untestable: Annotated[Literal["stop", "wait"], Says(example="stop")] = "stop"
    """What a deployment does when the machine it runs on has no IPv6 and so cannot tell whether a
    new droplet serves. `stop`: it stops, and the address stays with the old droplet. `wait`: the
    address is moved after `readySeconds`, though nobody saw the droplet serve."""
    alert_emails: Annotated[
        tuple[
            Annotated[
                str,
                Field(pattern=r"^[^@\s\pC]+@[^@\s\pC]+$"),
                Says("a verified e-mail address of the DigitalOcean account", "ops@example.com"),
            ],
            ...,
        ],
        Says("a list of e-mail addresses", '["ops@example.com"]'),
    ] = ()
    """E-mail addresses that get an alert when a droplet is short of processor, memory or disk; no
    alerts when empty."""

    @property
    def node_count(self) -> int:
        """How many proxies there are in all regions together."""
        return len(self.regions) * self.nodes_per_region

    @property
    def checked_port(self) -> int:
        """The port that health checks ask: 443, or else one that may speak TLS, or else 80."""
        others = [port for port in self.ports if port != HTTP_PORT]
        return HTTPS_PORT if HTTPS_PORT in others else (*others, HTTP_PORT)[0]
