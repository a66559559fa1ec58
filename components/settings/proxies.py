"""The settings of the proxy pool."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from components.settings import values
from components.settings.fields import Group, Says


class Proxies(Group):
    """A pool of IPv6 proxies on DigitalOcean, which the old path's AAAA records lead to."""

    regions: Annotated[
        tuple[
            Annotated[
                str,
                Field(pattern="^[a-z]{3}[0-9]$"),
                Says("the slug of a DigitalOcean region", "fra1"),
            ],
            ...,
        ],
        AfterValidator(values.regions),
        Says("a list of 1 to 8 different regions of DigitalOcean", "fra1", "[0]"),
    ]
    """Where the proxies are, best near the load balancer. Adding one at the end of the list leaves
    the proxies of the others as they are; removing one takes its proxies out of DNS first."""
    nodes_per_region: Annotated[int, Field(ge=1, le=3), Says(example="1")] = 1
    """How many proxies each region has. With only one in all, IPv6 users fall back to
    `whenAllFail` each time it is upgraded."""
    reserved_ipv6_quota: Annotated[int, Field(ge=1, le=24), Says(example="3")] = 3
    """How many reserved addresses the DigitalOcean account may have, which is one for each proxy.
    DigitalOcean allows three until it is asked for more."""
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
                Says("an integer from 1 to 65535, but not 22 or 8100", "443"),
            ],
            ...,
        ],
        AfterValidator(values.ports),
        Says("a list of one or more different ports", "443", "[0]"),
    ] = (443,)
    """TCP ports that are served; each leads to the same port of the load balancer. Add 80 if users
    get a redirect there today."""
    connections: Annotated[int, Field(ge=1, le=28_000), Says(example="5000")] = 5_000
    """How many clients one proxy holds at once; each takes 32 KiB of memory."""
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
        Says("a list of SSH keys of the DigitalOcean account", "512189", "[0]"),
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
        Says("a list of networks in CIDR notation", "2001:db8::/48", "[0]"),
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
                Field(pattern="^[^@ ]+@[^@ ]+$"),
                Says("a verified e-mail address of the DigitalOcean account", "ops@example.com"),
            ],
            ...,
        ],
        Says("a list of e-mail addresses", "ops@example.com", "[0]"),
    ] = ()
    """Who is told when a droplet is short of processor, memory or disk; no alerts when empty."""

    @property
    def node_count(self) -> int:
        """How many proxies there are in all regions together."""
        return len(self.regions) * self.nodes_per_region
