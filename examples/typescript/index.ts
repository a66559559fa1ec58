// A dual-stack edge from TypeScript: the component comes from `plugin/`, with a package that
// `pulumi install` generates in `sdks/`. One request in a hundred goes to CloudFront.
//
// `pulumi config set protect false` before the stack is destroyed.

import * as dualstack from "@pulumi/dualstack";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();

const edge = new dualstack.DualStackEdge("edge", {
    hostnames: ["tickets.example.com"],
    zone: "example.com",
    origin: { loadBalancer: "api", kind: "application" },
    traffic: { direct: 99, cdn: 1 },
    protect: config.getBoolean("protect") ?? true,
});

export const distributionDomainName = edge.distributionDomainName;
export const records = edge.records;
