"""`TestDNSAnswer`: what a name server of a zone would answer, in the shares that the lab serves.

Where it differs from Route 53: load balancers and distributions have the addresses that they have
in a lab of default settings; the resolver's and its subnet's address change nothing.
"""

import random

from sandbox.clouds.aws import load_balancers
from sandbox.clouds.aws.fields import Fields
from sandbox.clouds.aws.record_sets import hosted_zone, records_of
from sandbox.clouds.aws.state import MotoAccount
from sandbox.lab.deployed import (
    Deployed,
    DeployedDistribution,
    DeployedLoadBalancer,
    DeployedZone,
)
from sandbox.lab.dns.answers import EMPTY, canonical, possible_answers
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.plan.addresses import leads


def test_dns_answer(account: MotoAccount, sent: Fields) -> Fields:
    """Answer a question about a name of a zone. Source: API Reference, 'TestDNSAnswer'."""
    zone, name = hosted_zone(sent["HostedZoneId"]), canonical(sent["RecordName"])
    deployed = Deployed(
        load_balancers=tuple(
            DeployedLoadBalancer(each.dns_name, "", (), ()) for each in load_balancers.every()
        ),
        distributions=tuple(
            DeployedDistribution(each.id, each.domain_name, each.config)
            for each in account.distributions.values()
        ),
    )
    records = tuple(record.fields for record in records_of(zone))
    served = DeployedZone(zone.resource_id, zone.name.rstrip("."), records)
    answers = possible_answers(served, leads(deployed, LabSettings()), account.settings.health)
    names = {name for name, _ in answers}
    labels = name.split(".")
    wildcards = (".".join(("*", *labels[place:])) for place in range(1, len(labels)))
    there = any(each == name or each.endswith(f".{name}") for each in names)
    matching = name if there else next((each for each in wildcards if each in names), None)
    kind = sent["RecordType"] if (matching, sent["RecordType"]) in answers else "CNAME"
    shares = answers.get((matching or "", kind), {EMPTY: 1})
    (answer,) = random.choices([*shares], [float(share) for share in shares.values()])  # noqa: S311
    servers = zone.delegation_set.name_servers if zone.delegation_set else ["ns-0.awsdns-00.com"]
    return {
        "Nameserver": servers[0],
        "RecordName": sent["RecordName"],
        "RecordType": sent["RecordType"],
        "RecordData": list(answer.values),
        "ResponseCode": "NOERROR" if matching else "NXDOMAIN",
        "Protocol": "UDP",
    }
