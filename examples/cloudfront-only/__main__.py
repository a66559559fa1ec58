"""The end of a shift: no weight on the old path, no proxies, and a lock for the load balancer.

The listener rule that demands the header `X-Origin-Secret` is the load balancer's, so it belongs to
whatever deploys that. It takes both values of `originSecrets`.

`pulumi config set protect false` before the stack is destroyed.
"""

import pulumi

from components.edge import DualStackEdge

edge = DualStackEdge(
    "edge",
    {
        "hostnames": ["search.example.com"],
        "zone": "example.com",
        "origin": {"load_balancer": "api", "kind": "application"},
        "traffic": {"direct": 0, "cdn": 100},
        "distribution": {"http_version": "http2and3"},
        "origin_lock": {"generation": 1},
        "protect": pulumi.Config().get_bool("protect", True),
    },
)

pulumi.export("distributionDomainName", edge.distribution_domain_name)
pulumi.export("originSecrets", edge.origin_secrets)
pulumi.export("records", edge.records)
