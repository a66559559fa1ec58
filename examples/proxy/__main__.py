"""IPv6 for the old path too: two proxies in two regions, and an e-mail when one is short of room.

`pulumi config set readySeconds 0` to go on without waiting until a new droplet serves.
"""

import pulumi

from components.edge import DualStackEdge

edge = DualStackEdge(
    "edge",
    {
        "hostnames": ["api.example.com"],
        "zone": "example.com",
        "origin": {"load_balancer": "api", "kind": "application"},
        "proxy": {
            "regions": ["fra1", "ams3"],
            "ready_seconds": pulumi.Config().get_int("readySeconds", 600),
            "alert_emails": ["edge@example.com"],
        },
    },
)

pulumi.export("proxyAddresses", edge.proxy_addresses)
pulumi.export("records", edge.records)
