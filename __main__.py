"""The whole story in a page: the stack's settings make an edge, and the edge has outputs."""

import pulumi

from components import settings
from components.edge import DualStackEdge
from components.errors import told

with told():
    stack = settings.load()
    edge = DualStackEdge.of_settings("edge", stack)

pulumi.export("hostnames", edge.hostnames)
pulumi.export("distributionId", edge.distribution_id)
pulumi.export("distributionDomainName", edge.distribution_domain_name)
pulumi.export("certificateArn", edge.certificate_arn)
pulumi.export("proxyAddresses", edge.proxy_addresses)
pulumi.export("traffic", edge.traffic)
pulumi.export("records", edge.records)
if stack.dns.records != "weighted":  # else a record of `direct` says it
    pulumi.export("loadBalancer", edge.load_balancer)
if stack.origin_lock:
    pulumi.export("originSecrets", edge.origin_secrets)
