"""What a user begins with: plain records of the hostnames, to the load balancer alone."""

from collections.abc import Sequence
from typing import Any, Final

import boto3.session

from sandbox.clouds.aws import seed

KINDS: Final = ("A", "AAAA", "CNAME")


def serve(hostnames: Sequence[str]) -> bool:
    """Lead hostnames of the seeded zone to the load balancer of the API, by a plain A alias each.

    The variables of this process name the account.

    Returns:
        Whether it was done; not where any of them has an address, because something serves already.
    """
    session: Any = boto3.session.Session()
    route53 = session.client("route53")
    zone = route53.list_hosted_zones_by_name(DNSName=seed.ZONE)["HostedZones"][0]["Id"]
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    served = {
        record["Name"].removesuffix(".")
        for record in pages.search("ResourceRecordSets[]")
        if record["Type"] in KINDS
    }
    if not served.isdisjoint(hostnames):
        return False
    elbv2 = session.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers(Names=[seed.APPLICATION])["LoadBalancers"]
    target = {
        "HostedZoneId": balancer["CanonicalHostedZoneId"],
        "DNSName": balancer["DNSName"],
        "EvaluateTargetHealth": False,
    }
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {"Name": name, "Type": "A", "AliasTarget": target},
        }
        for name in hostnames
    ]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    return True
