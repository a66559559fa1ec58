"""The least there is: a distribution, its certificate, and records that move no user yet.

IPv6 clients stay on IPv4 until `traffic` takes them to CloudFront.

`pulumi config set protect false` before the stack is destroyed.
"""

import pulumi

from components.edge import DualStackEdge

edge = DualStackEdge(
    "edge",
    {
        "hostnames": ["orders.example.com"],
        "zone": "example.com",
        "origin": {"load_balancer": "api", "kind": "application"},
        "protect": pulumi.Config().get_bool("protect", True),
    },
)

pulumi.export("distributionDomainName", edge.distribution_domain_name)
pulumi.export("records", edge.records)
