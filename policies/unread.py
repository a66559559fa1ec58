"""Resources that no rule reads and that may answer for a name all the same.

Two packs that pass say that somebody looked. Of a type that nobody reads they say nothing, and a
tenant of a distribution, a traffic policy, a CloudFormation stack or another provider's record
answers for a name as well as what the rules know. So such types are named. A type of Route 53 or
CloudFront is named unless it is known to answer for nothing; a test compares what is known with the
SDK's own list, so that a type that AWS adds is decided on.

Source: Pulumi Registry, the packages named here.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from policies.model import UNKNOWN, Place, Value
from policies.records import covers, normal

ANSWERS_FOR_NOTHING: Final = frozenset(
    {
        *(
            f"aws:cloudfront/{name[0].lower()}{name[1:]}:{name}"
            for name in (
                *("AnycastIpList", "CachePolicy", "ConnectionFunction", "ConnectionGroup"),
                *("ContinuousDeploymentPolicy", "FieldLevelEncryptionConfig"),
                *("FieldLevelEncryptionProfile", "Function", "KeyGroup", "KeyValueStore"),
                *("KeyvaluestoreKey", "KeyvaluestoreKeysExclusive", "MonitoringSubscription"),
                *("OriginAccessControl", "OriginAccessIdentity", "OriginRequestPolicy"),
                *("PublicKey", "RealtimeLogConfig", "ResponseHeadersPolicy", "TrustStore"),
                "VpcOrigin",
            )
        ),
        *(
            f"aws:route53/{name[0].lower()}{name[1:]}:{name}"
            for name in (
                *("CidrCollection", "CidrLocation", "DelegationSet", "HealthCheck"),
                *("HostedZoneDnsSec", "KeySigningKey", "QueryLog", "TrafficPolicy"),
                *("VpcAssociationAuthorization", "Zone", "ZoneAssociation"),
                *("ProfilesAssociation", "ProfilesProfile", "ProfilesResourceAssociation"),
            )
        ),
    }
)
"""Types of CloudFront and Route 53 that a distribution or a record uses, or that only look.

Those of Route 53 Profiles, and of its Resolver below, act inside of one's own networks alone.
"""
RESOLVER: Final = "aws:route53/resolver"

NATIVE_ANSWERS_FOR_NOTHING: Final = frozenset(
    {
        *("AnycastIpList", "CachePolicy", "CidrCollection", "CloudFrontOriginAccessIdentity"),
        *("ConnectionFunction", "ConnectionGroup", "ContinuousDeploymentPolicy", "Dnssec"),
        *("Function", "HealthCheck", "HostedZone", "KeyGroup", "KeySigningKey", "KeyValueStore"),
        *("MonitoringSubscription", "OriginAccessControl", "OriginRequestPolicy", "PublicKey"),
        *("RealtimeLogConfig", "ResponseHeadersPolicy", "TrustStore", "VpcOrigin"),
    }
)
"""The same in the Cloud Control provider, whose types have no names of files in them."""

STACKS: Final = frozenset(
    {
        "aws:cloudformation/stack:Stack",
        "aws:cloudformation/stackSet:StackSet",
        "aws-native:cloudformation:Stack",
        "aws-native:cloudformation:StackSet",
    }
)
"""Types that make what a template says."""

ELSEWHERE: Final = re.compile(
    r"""(?ix)
    ^digitalocean:index/domain: | ^gcp:dns/managedzone: | ^google-native:dns/
    | ^cloudflare:index/loadbalancer:
    | ^azure(?:-native)?:(?:network|cdn|frontdoor)[^:]*:(?:trafficmanager|frontdoor|afd)
    | ^aws:lightsail/(?:domainentry|distribution): | ^aws:servicediscovery/(?:service|instance):
    """
)
"""Types that answer for names, although their own names do not say so."""

_RECORDS: Final = re.compile(r"(?i)(?:record(?:set)?|rrset|dnsendpoint)s?$")
"""How the name of a type of records ends, in every provider."""
_OTHER_RECORDS: Final = re.compile(r"(?i)^(?:aws|aws-native|pulumi):|ptrrecord")
"""Records that answer for no name of an API. Those of AWS are decided on one by one."""


def is_unread(token: str) -> bool:
    """Say whether a type may answer for a name and is read by no rule."""
    if token.startswith(("aws:cloudfront/", "aws:route53/")):
        return token not in ANSWERS_FOR_NOTHING and not token.startswith(RESOLVER)
    if token.startswith(("aws-native:cloudfront:", "aws-native:route53:")):
        return token.rpartition(":")[2] not in NATIVE_ANSWERS_FOR_NOTHING
    if token in STACKS or ELSEWHERE.search(token):
        return True
    return bool(_RECORDS.search(token)) and not _OTHER_RECORDS.search(token)


NAME_KEYS: Final = frozenset(
    {
        *("name", "hostname", "fqdn", "recordName", "recordsetName", "relativeRecordSetName"),
        *("subdomain", "subDomain"),
    }
)
"""Properties that have a name that something answers for."""
TENANTS: Final = frozenset(
    {
        "aws:cloudfront/distributionTenant:DistributionTenant",
        "aws-native:cloudfront:DistributionTenant",
    }
)
"""Types whose `name` is a label; what they answer for is in `domains`."""
TRAFFIC_POLICIES: Final = frozenset({"aws:route53/trafficPolicyInstance:TrafficPolicyInstance"})
"""Types that answer by rules of their own."""
DOMAIN_KEYS: Final = frozenset({"domain", "domains"})
ZONE_KEYS: Final = ("zone", "zoneName", "domain", "domainName", "dnsZone", "hostedZoneName")
"""Properties that have the name of a zone, behind which a shorter name stands."""
HARMLESS_RECORDS: Final = frozenset(
    {"CAA", "DNSKEY", "DS", "MX", "NAPTR", "PTR", "SOA", "SPF", "SRV", "SSHFP", "TLSA", "TXT"}
)
"""The types of records that no client of an API asks for."""
MADE_BY_TEMPLATES: Final = ("AWS::CloudFront::", "AWS::Route53::")


def answers_for(place: Place, names: Iterable[str]) -> tuple[bool, str | None]:
    """Say what a resource of such a type may answer for.

    Args:
        place: The resource.
        names: The names that the stack's records and distributions have, as DNS compares them.

    Returns:
        Whether it may answer for anything at all, and for which of the names; the first of them
        where it is not known for which.
    """
    every = list(names)
    kind = place.get("type").value
    if isinstance(kind, str) and kind.upper() in HARMLESS_RECORDS:
        return False, None
    if place.around.resource.type in STACKS:
        return _template(place, every)
    zones = [place.get(key).value for key in ZONE_KEYS]
    zone = next((normal(one) for one in zones if isinstance(one, str) and "." in one), None)
    tenant = place.around.resource.type in TENANTS
    values = list(_names(place.value, DOMAIN_KEYS if tenant else NAME_KEYS))
    if UNKNOWN in values or not values:
        return True, next(iter(every), None)
    texts = [normal(value) for value in values if isinstance(value, str)]
    return True, next((name for name in every if any(_fits(t, name, zone) for t in texts)), None)


def _names(value: Value, keys: frozenset[str], *, here: bool = False) -> Iterator[Value]:
    """Yield what stands in the properties that have names, also in parts of a resource.

    Args:
        value: A resource's properties, or a part of them.
        keys: The properties that have names.
        here: Whether the value itself stands in one of them.
    """
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _names(part, keys, here=key in keys)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item, keys, here=here)
    elif here and (value is UNKNOWN or isinstance(value, str)):
        yield value


def _fits(text: str, name: str, zone: str | None) -> bool:
    """Say whether a name of the stack is what a text names, whole or within a zone."""
    if zone is not None and not text.endswith(zone):
        whole = zone if text in ("", "@") else f"{text}.{zone}"
        return covers(whole, name)
    # Within a zone that nobody names, "api" may be the beginning of any name.
    return text in ("", "@", "*") or covers(text, name) or name.startswith(f"{text}.")


def _template(place: Place, names: list[str]) -> tuple[bool, str | None]:
    """Say the same of a template: what is not in it, it does not make."""
    body = place.get("templateBody").value
    if not isinstance(body, str) or not body:
        return True, next(iter(names), None)
    if not any(one in body for one in MADE_BY_TEMPLATES):
        return False, None
    named = next((name for name in names if name in body.lower()), None)
    return True, named or next(iter(names), None)
