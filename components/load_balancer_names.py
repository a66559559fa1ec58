"""What the name that AWS gave a load balancer tells: its region, its kind, and its hosted zone.

Pure: nothing here knows Pulumi.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple


class Zones(NamedTuple):
    """The hosted zones of the load balancers of a region."""

    application: str
    """Of application and of classic load balancers."""
    network: str
    """Of network load balancers."""


ZONES: Final[Mapping[str, Zones]] = {
    "af-south-1": Zones("Z268VQBMOI5EKX", "Z203XCE67M25HM"),
    "ap-east-1": Zones("Z3DQVH9N71FHZ0", "Z12Y7K3UBGUAD1"),
    "ap-east-2": Zones("Z02789141MW7T1WBU19PO", "Z09176273OC2HWIAUNYW"),
    "ap-northeast-1": Zones("Z14GRHDCWA56QT", "Z31USIVHYNEOWT"),
    "ap-northeast-2": Zones("ZWKZPGTI48KDX", "ZIBE1TIR4HY56"),
    "ap-northeast-3": Zones("Z5LXEXXYW11ES", "Z1GWIQ4HH19I5X"),
    "ap-south-1": Zones("ZP97RAFLXTNZK", "ZVDDRBQ08TROA"),
    "ap-south-2": Zones("Z0173938T07WNTVAEPZN", "Z0711778386UTO08407HT"),
    "ap-southeast-1": Zones("Z1LMS91P8CMLE5", "ZKVM4W9LS7TM"),
    "ap-southeast-2": Zones("Z1GM3OXH4ZPM65", "ZCT6FZBF4DROD"),
    "ap-southeast-3": Zones("Z08888821HLRG5A9ZRTER", "Z01971771FYVNCOVWJU1G"),
    "ap-southeast-4": Zones("Z09517862IB2WZLPXG76F", "Z01156963G8MIIL7X90IV"),
    "ap-southeast-5": Zones("Z06010284QMVVW7WO5J", "Z026317210H9ACVTRO6FB"),
    "ap-southeast-6": Zones("Z023301818UFJ50CIO0MV", "Z01392953RKV2Q3RBP0KU"),
    "ap-southeast-7": Zones("Z0390008CMBRTHFGWBCB", "Z054363131YWATEMWRG5L"),
    "ca-central-1": Zones("ZQSVJUPU6J1EY", "Z2EPGBW3API2WT"),
    "ca-west-1": Zones("Z06473681N0SF6OS049SD", "Z02754302KBB00W2LKWZ9"),
    "eu-central-1": Zones("Z215JYRZR1TBD5", "Z3F0SRJ5LGBH90"),
    "eu-central-2": Zones("Z06391101F2ZOEP8P5EB3", "Z02239872DOALSIDCX66S"),
    "eu-north-1": Zones("Z23TAZ6LKFMNIO", "Z1UDT6IFJ4EJM"),
    "eu-south-1": Zones("Z3ULH7SSC9OV64", "Z23146JA1KNAFP"),
    "eu-south-2": Zones("Z0956581394HF5D5LXGAP", "Z1011216NVTVYADP1SSV"),
    "eu-west-1": Zones("Z32O12XQLNTSW2", "Z2IFOLAFXWLO4F"),
    "eu-west-2": Zones("ZHURV8PSTC4K8", "ZD4D7Y8KGAS4G"),
    "eu-west-3": Zones("Z3Q77PNBQS71R4", "Z1CMS0P5QUZ6D5"),
    "il-central-1": Zones("Z09170902867EHPV2DABU", "Z0313266YDI6ZRHTGQY4"),
    "me-central-1": Zones("Z08230872XQRWHG2XF6I", "Z00282643NTTLPANJJG2P"),
    "me-south-1": Zones("ZS929ML54UICD", "Z3QSRYVP46NYYV"),
    "mx-central-1": Zones("Z023552324OKD1BB28BH5", "Z02031231H3ID6HYJ9A7U"),
    "sa-east-1": Zones("Z2P70J7HTTTPLU", "ZTK26PT1VY4CU"),
    "us-east-1": Zones("Z35SXDOTRQ7X7K", "Z26RNL4JYFTOTI"),
    "us-east-2": Zones("Z3AADJGX6KTTL2", "ZLMOA37VPKANP"),
    "us-gov-east-1": Zones("Z166TLBEWOO7G0", "Z1ZSMQQ6Q24QQ8"),
    "us-gov-west-1": Zones("Z33AYJ8TM3BH4J", "ZMG1MZ2THAWF1"),
    "us-west-1": Zones("Z368ELLRRE2KJ0", "Z24FKFUX50B4VW"),
    "us-west-2": Zones("Z1H1FL5HABSF5", "Z18D5FSROUN65G"),
}
"""The hosted zones by region. A region that is not here is one nothing is said about.

Source: AWS General Reference, 'Elastic Load Balancing endpoints and quotas'; external-dns,
`route53CanonicalHostedZones`, has the same.
"""

_NETWORK: Final = re.compile(r"(?P<own>[^.]+)\.elb\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")
_APPLICATION: Final = re.compile(r"(?P<own>[^.]+)\.(?P<region>[a-z0-9-]+)\.elb\.amazonaws\.com")
_NUMBERED: Final = re.compile(r"(?:internal-|dualstack\.)?(?P<name>.+)-[0-9a-z]+")


def region_of(dns_name: str) -> str | None:
    """Return the region in a load balancer's DNS name; None: it is no name that AWS gives."""
    name = dns_name.removeprefix("dualstack.")
    match = _NETWORK.fullmatch(name) or _APPLICATION.fullmatch(name)
    return match["region"] if match else None


def zone_id_of(dns_name: str) -> str | None:
    """Return the hosted zone of a load balancer's DNS name; None: the name does not tell.

    Args:
        dns_name: In lower case, without a final dot.
    """
    region = region_of(dns_name)
    if region is None or region not in ZONES:
        return None
    zones = ZONES[region]
    network = _NETWORK.fullmatch(dns_name.removeprefix("dualstack."))
    return zones.network if network else zones.application


def own_name_of(dns_name: str) -> str | None:
    """Return the name that a load balancer has in its account, from its DNS name.

    Source: Elastic Load Balancing API Reference, 'LoadBalancer', DNSName: the name, a hyphen and an
    id, after `internal-` where it is internal.
    """
    name = dns_name.removeprefix("dualstack.")
    match = _NETWORK.fullmatch(name) or _APPLICATION.fullmatch(name)
    numbered = _NUMBERED.fullmatch(match["own"]) if match else None
    return numbered["name"] if numbered else None
