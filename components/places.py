"""Where the things of an edge are in the state: type, name and parent of what has an id of a cloud.

Whoever takes one over, `pulumi import` above all, has to say these; the components that make them
choose them. A test compares the two. Pure: nothing here knows Pulumi.
"""

import re
from dataclasses import dataclass

from components.facts import CLOUDFRONT_REGION


@dataclass(frozen=True)
class ResourcePlace:
    """Where a resource is in the state."""

    type: str
    """Its type, as Pulumi calls it: `aws:acm/certificate:Certificate`."""
    name: str
    """Its name."""
    parent: str
    """Name of the component that makes it."""
    provider: str = ""
    """Name of the provider that makes it; empty for the stack's own."""


def label(*parts: str) -> str:
    """Return a name for things of the account, of the characters that all of them may have.

    Source: DigitalOcean API Reference, the patterns of names of droplets, VPCs, firewalls and tags.
    """
    return re.sub("[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


# ---- the new path -------------------------------------------------------------------------------


def certificate(edge: str) -> ResourcePlace:
    """Return the certificate's."""
    tls = f"{edge}-tls"
    provider = f"{tls}-{CLOUDFRONT_REGION}"
    return ResourcePlace("aws:acm/certificate:Certificate", f"{tls}-certificate", tls, provider)


def distribution(edge: str) -> ResourcePlace:
    """Return the distribution's."""
    cdn = f"{edge}-cdn"
    return ResourcePlace("aws:cloudfront/distribution:Distribution", f"{cdn}-distribution", cdn)


# ---- records ------------------------------------------------------------------------------------


def traffic_record(edge: str, hostname: str, family: str, path: str) -> ResourcePlace:
    """Return that of a weighted record of a hostname."""
    return _record(f"{edge}-dns", f"{hostname}-{family.lower()}-{path}")


def simple_record(edge: str, hostname: str, family: str) -> ResourcePlace:
    """Return that of a simple record of a hostname."""
    return _record(f"{edge}-dns", f"{hostname}-{family.lower()}")


def proxy_record(edge: str, member: str) -> ResourcePlace:
    """Return that of a record of the proxies' group, by its set identifier."""
    return _record(f"{edge}-proxy-dns", member)


def _record(parent: str, what: str) -> ResourcePlace:
    return ResourcePlace("aws:route53/record:Record", f"{parent}-{what}", parent)


# ---- what watches --------------------------------------------------------------------------------


def proxy_check(edge: str, node: str) -> ResourcePlace:
    """Return that of the health check of a proxy."""
    return _check(f"{edge}-proxy-dns", node, "health")


def room_check(edge: str, node: str) -> ResourcePlace:
    """Return that of the health check that tells whether a proxy has room."""
    return _check(f"{edge}-alarms", node, "room")


def direct_check(edge: str) -> ResourcePlace:
    """Return that of the health check of the load balancer."""
    return _check(f"{edge}-alarms", "direct", "health")


def drain_check(edge: str) -> ResourcePlace:
    """Return that of the kill switch's health check."""
    return ResourcePlace("aws:route53/healthCheck:HealthCheck", f"{edge}-switch", edge)


def alarm(edge: str, what: str) -> ResourcePlace:
    """Return that of an alarm."""
    alarms = f"{edge}-alarms"
    provider = f"{alarms}-{CLOUDFRONT_REGION}"
    return ResourcePlace(
        "aws:cloudwatch/metricAlarm:MetricAlarm", f"{alarms}-{what}", alarms, provider
    )


def _check(parent: str, whose: str, what: str) -> ResourcePlace:
    return ResourcePlace("aws:route53/healthCheck:HealthCheck", f"{parent}-{whose}-{what}", parent)


# ---- proxies ------------------------------------------------------------------------------------


def firewall(edge: str) -> ResourcePlace:
    """Return that of the proxies' firewall."""
    return _of_pool(edge, "firewall", "firewall")


def vpc(edge: str, region: str) -> ResourcePlace:
    """Return that of a region's VPC."""
    return _of_pool(edge, "vpc", f"{region}-vpc")


def droplet(edge: str, node: str) -> ResourcePlace:
    """Return that of a proxy's droplet."""
    return _of_pool(edge, "droplet", node)


def address(edge: str, node: str) -> ResourcePlace:
    """Return that of a proxy's reserved address."""
    return _of_pool(edge, "reservedIpv6", f"{node}-address")


def alert(edge: str, what: str) -> ResourcePlace:
    """Return that of an alert policy."""
    return _of_pool(edge, "monitorAlert", f"alert-{what}")


def _of_pool(edge: str, kind: str, what: str) -> ResourcePlace:
    pool = f"{edge}-proxy"
    token = f"digitalocean:index/{kind}:{kind[0].upper()}{kind[1:]}"
    return ResourcePlace(token, f"{pool}-{what}", pool)
