"""IPv6 for the old path too: two proxies in two regions, and an e-mail when one is short of room.

`pulumi config set readySeconds 0` to go on without waiting until a new droplet serves, and
`pulumi config set protect false` before the stack is destroyed.
"""

import pulumi

from components.edge import DualStackEdge

config = pulumi.Config()
edge = DualStackEdge(
    "edge",
    {
        "hostnames": ["payments.example.com"],
        "zone": "example.com",
        "origin": {"load_balancer": "api", "kind": "application"},
        "proxy": {
            "regions": ["fra1", "ams3"],
            "ready_seconds": config.get_int("readySeconds", 600),
            "alert_emails": ["edge@example.com"],
        },
        "protect": config.get_bool("protect", True),
    },
)

pulumi.export("proxyAddresses", edge.proxy_addresses)
pulumi.export("records", edge.records)
