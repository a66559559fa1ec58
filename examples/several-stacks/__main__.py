"""One program for two stages: staging is through with its shift, production has yet to begin.

What differs between the stacks stands in two tables, so that a review sees both. Production takes
its weights from a person; it says in its outputs how far staging, in a stack of its own, has come.

`pulumi config set protect false` before a stack is destroyed.
"""

import pulumi

from components.edge import DualStackEdge

HOSTNAMES = {"staging": "staging.example.com", "production": "catalog.example.com"}
ON_CDN = {"staging": 100, "production": 0}

stage = pulumi.get_stack()
if stage not in HOSTNAMES:
    raise pulumi.RunError(
        f"stack is {stage}; one of {', '.join(HOSTNAMES)}. Select one: pulumi stack select staging"
    )

edge = DualStackEdge(
    "edge",
    {
        "hostnames": [HOSTNAMES[stage]],
        "zone": "example.com",
        "origin": {"load_balancer": "api", "kind": "application"},
        "traffic": {"direct": 100 - ON_CDN[stage], "cdn": ON_CDN[stage]},
        "protect": pulumi.Config().get_bool("protect", True),
    },
)

pulumi.export("distributionDomainName", edge.distribution_domain_name)
pulumi.export("records", edge.records)
pulumi.export("traffic", edge.traffic)
if stage == "production":
    project = f"{pulumi.get_organization()}/{pulumi.get_project()}"
    staging = pulumi.StackReference("staging", stack_name=f"{project}/staging")
    pulumi.export("trafficOfStaging", staging.get_output("traffic"))
