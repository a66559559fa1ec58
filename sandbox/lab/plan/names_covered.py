"""Which names each certificate of a lab covers."""

from typing import Final

from sandbox.lab.deployed import Deployed, DeployedLoadBalancer, Fields, is_hostname

AWS_NAMES: Final = (".amazonaws.com", ".amazonaws.com.cn", ".cloudfront.net")

CLOUDFRONT_NAMES: Final = frozenset({"*.cloudfront.net"})
"""Names of the certificate that every distribution has by itself."""


def certificates_needed(deployed: Deployed) -> set[frozenset[str]]:
    """Return the names that each certificate of the lab covers."""
    needed = {frozenset(names) for names in deployed.certificates.values()}
    needed.add(CLOUDFRONT_NAMES)
    needed |= {frozenset({each.host}) for each in deployed.buckets}
    for each in deployed.load_balancers:
        needed |= set(names_served(each, deployed))
    return needed


def names_served(balancer: DeployedLoadBalancer, deployed: Deployed) -> list[frozenset[str]]:
    """Return the names of each certificate of a load balancer.

    Those that its listeners name, as far as they can be read: with none, TLS is closed at once.
    Where they name none, it stands for one that does, because the account of the sandbox has load
    balancers without listeners: one that covers all that leads to it, which are records and the
    aliases of distributions.
    """
    if balancer.certificates:
        return [
            frozenset(deployed.certificates[arn])
            for arn in balancer.certificates
            if arn in deployed.certificates
        ]
    records = [record for zone in deployed.zones for record in zone.records]
    leading = {balancer.dns_name}
    while True:
        more = {
            name
            for record in records
            if leading & set(_targets(record)) and (name := _plain(record["Name"])) not in leading
        }
        if not more:
            break
        leading |= more
    for each in deployed.distributions:
        origins = {_plain(item["DomainName"]) for item in each.config["Origins"]["Items"]}
        if origins & leading:
            leading |= set(each.config["Aliases"].get("Items") or ())
    # Nobody but AWS gets a certificate for AWS's own names: towards them TLS fails, as in AWS.
    able = [
        name
        for name in leading
        if is_hostname(name) and not name.startswith("_") and not name.endswith(AWS_NAMES)
    ]
    return [frozenset(able)] if able else []


def _targets(record: Fields) -> list[str]:
    if "AliasTarget" in record:
        return [_plain(record["AliasTarget"]["DNSName"])]
    if record["Type"] == "CNAME":
        return [_plain(value["Value"]) for value in record["ResourceRecords"]]
    return []


def _plain(name: str) -> str:
    return name.lower().rstrip(".").replace(r"\052", "*")
