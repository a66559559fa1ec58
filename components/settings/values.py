"""What single values of the settings may be.

Each function returns the value as it is used, or raises: `ValueError` where the field's own words
say what is allowed, `refusal` where they are too general.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Final

from pydantic import Field
from pydantic_core import PydanticCustomError

from components.facts import CLOUDFRONT_REGION, LARGEST_WEIGHT, WHOLE_WEIGHT
from components.proxy.upgrades import REGIONS
from components.settings.fields import Remedy, refusal
from components.settings.numbers import number_of

Weight = Annotated[int, Field(ge=0, le=WHOLE_WEIGHT)]
"""Weight of a path, in percent."""

_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def nearest_pair(direct: int, cdn: int) -> tuple[int, int]:
    """Return the weights that add up to `WHOLE_WEIGHT` and share answers most like two others.

    Of two pairs that are as near, the one with less on cdn.

    Args:
        direct: Weight of the old path.
        cdn: Weight of the new path; one of the two is above 0.
    """
    total = direct + cdn
    share = -((total - 2 * WHOLE_WEIGHT * cdn) // (2 * total))
    return WHOLE_WEIGHT - share, share


def weights_refused(given: Mapping[str, Any]) -> PydanticCustomError | None:
    """Return the refusal of a pair of weights that do not add up to `WHOLE_WEIGHT`.

    It counts texts and fractions for the numbers they are, since who mends their shape would only
    be told of the sum then. Each for itself is a weight, or it has a refusal of its own.

    Args:
        given: What was written, by key.
    """
    if sorted(given) != ["cdn", "direct"]:
        return None
    direct, cdn = number_of(given["direct"]), number_of(given["cdn"])
    if direct is None or cdn is None:
        return None
    if min(direct, cdn) < 0 or max(direct, cdn) > LARGEST_WEIGHT:
        return None
    right = direct + cdn == WHOLE_WEIGHT and float(direct).is_integer()
    return None if right else other_sum(direct, cdn)


def other_sum(direct: float, cdn: float) -> PydanticCustomError:
    """Return the refusal of weights that do not add up to `WHOLE_WEIGHT`.

    It names the pair of nearest share, which is not always the same share, and for stacks that
    stand at weights of another sum where the way to it is described.
    """
    total = direct + cdn
    whole = float(direct).is_integer() and float(cdn).is_integer()
    thousandths = round(direct * 1000), round(cdn * 1000)
    if sum(thousandths) == 0:
        words, pair = (
            "where all are 0, Route 53 answers with all of them equally",
            (WHOLE_WEIGHT, 0),
        )
    else:
        pair = nearest_pair(*thousandths)
        words = f"{pair[0]} and {pair[1]} are the " + (
            "same share" if pair[1] * total == WHOLE_WEIGHT * cdn else "nearest share"
        )
        if 0 < WHOLE_WEIGHT * min(direct, cdn) < total:
            words = f"a share below 1 % cannot be said, and {words}"
    return refusal(
        f"{'weights' if whole else 'integers'} that add up to {WHOLE_WEIGHT}: {words}",
        Remedy(
            "Where records have weights of another sum already, see 'Weights of another sum' in "
            "docs/paths.md.",
            "set",
            "Set both with",
            values=((("traffic", "direct"), pair[0]), (("traffic", "cdn"), pair[1])),
        ),
    )


def dns_name(text: str) -> str:
    """Return a host name in lower case without a final dot.

    An address is none, though its parts look like labels: no top-level domain is a number. Letters,
    digits and hyphens only: ACM issues certificates for nothing else, so an
    internationalised name has to be in its `xn--` form, and an underscore is no use.

    Source: RFC 1123 section 2.1; RFC 1035 section 2.3.4 (63 octets a label, 253 characters in all).
    """
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if labels[-1].isdigit() and len(labels) == 4:  # noqa: PLR2004 - of an IPv4 address
        raise refusal("a DNS name, not an address: what it leads to may change, and does")
    if (
        not text.isascii()
        or len(name) > 253  # noqa: PLR2004 - the limit's source is in the docstring
        or len(labels) < 2  # noqa: PLR2004 - a name of one label is a top-level domain
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise ValueError(text)
    return name


def hostname(text: str) -> str:
    """Return a DNS name that is not a wildcard."""
    if text.startswith("*."):
        raise refusal(
            "a name of its own, not a wildcard: a wildcard answers every name of the zone that has "
            "no record, so its weights would move names nobody listed",
            Remedy("List the names it stands for.", "set", "Set the first with"),
        )
    return dns_name(text)


def not_empty(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return entries, at least one.

    A function and not `min_length`, which counts entries that are wrong as missing.
    """
    if not entries:
        raise ValueError(entries)
    return entries


def origin_port(port: int) -> int:
    """Return a port that CloudFront connects to an origin on.

    Source: CloudFront API Reference, CustomOriginConfig, HTTPPort and HTTPSPort.
    """
    if port not in (80, 443) and not 1024 <= port <= 65535:  # noqa: PLR2004 - see Source
        raise ValueError(port)
    return port


def is_port(text: str | None) -> bool:
    """Say whether `:443` is a TCP port; None is one that is not given."""
    return text is None or 1 <= int(text[1:]) <= 65535  # noqa: PLR2004 - TCP's


def certificate_arn(arn: str) -> str:
    """Return the ARN of a certificate that CloudFront can use.

    Source: CloudFront Developer Guide, 'Requirements for using SSL/TLS certificates with
    CloudFront': the certificate must be in us-east-1.
    """
    parts = re.fullmatch(r"arn:aws:acm:([a-z0-9-]+):[0-9]{12}:certificate/[A-Za-z0-9-]+", arn)
    if parts is None:
        raise ValueError(arn)
    if parts[1] != CLOUDFRONT_REGION:
        raise refusal(
            f"an ACM certificate in us-east-1, not {parts[1]}: CloudFront takes them from no other "
            "region",
            Remedy(
                command="remove",
                lead="Request or import the certificate in us-east-1 and set its ARN, or let one "
                "be made",
            ),
        )
    return arn


def bucket(name: str) -> str:
    """Return the name of an S3 bucket, refusing its domain name.

    Source: Amazon S3 User Guide, 'General purpose bucket naming rules'.
    """
    if name.endswith(".amazonaws.com") or not re.fullmatch(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name
    ):
        raise ValueError(name)
    return name


def region(slug: str) -> str:
    """Return a region that proxies have times of the day in to be upgraded."""
    if slug not in REGIONS:
        raise ValueError(slug)
    return slug


def proxy_port(port: int) -> int:
    """Return a port a proxy can serve. SSH, DNS, health and room for more are its own."""
    if not 1 <= port <= 65535 or port in (22, 53, 8100, 8101):  # noqa: PLR2004 - TCP's; see above
        raise ValueError(port)
    return port


def memory_mebibytes(size: str) -> int | None:
    """Return the memory of a droplet size, None where its slug does not tell.

    Source: DigitalOcean API Reference, 'List All Droplet Sizes': `s-1vcpu-512mb-10gb`,
    `g-2vcpu-8gb`, and `c-2` and `c2-2vcpu-4gb` of the CPU-optimized ones, which have 2 GB for each
    virtual processor.
    """
    if parts := re.match(r"[a-z0-9_.-]*?-([0-9]+)(mb|gb)(-|$)", size):
        return int(parts[1]) * (1024 if parts[2] == "gb" else 1)
    if parts := re.fullmatch(r"c-([0-9]+)(-intel|-amd)?", size):
        return int(parts[1]) * 2 * 1024
    return None


def network(text: str) -> str:
    """Return a network in CIDR notation, as the firewall shows it."""
    return str(ip_network(text))
