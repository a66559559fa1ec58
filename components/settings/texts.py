"""What a text may have been meant for: a name in a URL, an id in an ARN, a path without its slash.

Each reading yields proposals, the likeliest first. Whether a field takes one is the field's own
business.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

from components.facts import CLOUDFRONT_REGION
from components.load_balancer_names import own_name_of
from components.proxy.upgrades import REGIONS

_NEAREST: Final[Mapping[str, str]] = {
    "af-south-1": "fra1",
    "ap-east-1": "sgp1",
    "ap-northeast-1": "sgp1",
    "ap-northeast-2": "sgp1",
    "ap-south-1": "blr1",
    "ap-south-2": "blr1",
    "ap-southeast-1": "sgp1",
    "ap-southeast-2": "syd1",
    "ca-central-1": "tor1",
    "eu-central-1": "fra1",
    "eu-central-2": "fra1",
    "eu-north-1": "ams3",
    "eu-south-1": "fra1",
    "eu-west-1": "lon1",
    "eu-west-2": "lon1",
    "eu-west-3": "ams3",
    "il-central-1": "fra1",
    "me-south-1": "blr1",
    "sa-east-1": "nyc3",
    "us-east-1": "nyc3",
    "us-east-2": "tor1",
    "us-west-1": "sfo3",
    "us-west-2": "sfo3",
}
"""DigitalOcean's region that is nearest to one of AWS.

Source: both clouds' lists of regions, by the cities they name."""

_CITIES: Final[Mapping[str, str]] = {
    "amsterdam": "ams3",
    "atlanta": "atl1",
    "bangalore": "blr1",
    "frankfurt": "fra1",
    "london": "lon1",
    "newyork": "nyc3",
    "sanfrancisco": "sfo3",
    "singapore": "sgp1",
    "sydney": "syd1",
    "toronto": "tor1",
}


def plain(text: str) -> str:
    """Return a text without control characters, and without space and quotes around it."""
    printable = "".join(character for character in text if character.isprintable())
    return printable.strip().strip("\"'`").strip()


def host_names(text: str) -> Iterator[str]:
    """Yield the name in a URL, in front of a port, or in its ASCII form."""
    url = text if "//" in text else f"//{text}"
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return
    host = re.sub(r"\.{2,}", ".", host.lower()).strip(".")
    yield host
    yield host.replace("_", "-")
    try:
        yield host.encode("idna").decode()
    except UnicodeError:
        return


def load_balancer_names(text: str) -> Iterator[str]:
    """Yield the name in an ARN, in a DNS name, or with hyphens for what a name cannot have.

    Source: Service Authorization Reference, 'Resource types defined by AWS Elastic Load Balancing':
    `loadbalancer/NAME`, and `loadbalancer/app/NAME/ID` of the newer ones.
    """
    if match := re.search(r":loadbalancer/(?:(?:app|net|gwy)/)?([^/]+)", text):
        yield match[1]
    for host in host_names(text):
        if name := own_name_of(host):
            yield name
    yield re.sub("[^A-Za-z0-9-]+", "-", text).strip("-")


def ids(text: str) -> Iterator[str]:
    """Yield what comes last in an ARN or a path."""
    yield re.split("[/:]", text)[-1]


def zone_ids(text: str) -> Iterator[str]:
    """Yield an id in capitals, without the path that Route 53's API puts before it."""
    yield text.rpartition("/")[2].upper()


def bucket_names(text: str) -> Iterator[str]:
    """Yield the bucket of a URL, of an ARN or of a domain name."""
    name = re.sub(r"^(s3://|https?://|arn:aws:s3:::)", "", text).split("/")[0].lower()
    yield re.sub(r"\.s3([.-][a-z0-9-]+)*\.amazonaws\.com$", "", name)
    yield name


def prefixes(text: str) -> Iterator[str]:
    """Yield a prefix without what it cannot begin with."""
    yield text.lstrip("/")


def in_us_east_1(text: str) -> Iterator[str]:
    """Yield an ARN with the region that CloudFront's things are in."""
    parts = text.split(":")
    if len(parts) > 3:  # noqa: PLR2004 - arn, partition, service, region
        yield ":".join([*parts[:3], CLOUDFRONT_REGION, *parts[4:]])


def digitalocean_regions(text: str) -> Iterator[str]:
    """Yield the region of a city, near one of AWS, or with the same letters."""
    letters = re.sub("[^a-z0-9]", "", text.lower())
    yield letters
    if region := _NEAREST.get(text.lower()) or _CITIES.get(letters.rstrip("0123456789")):
        yield region
    shared = [region for region in REGIONS if letters and region[:3] == letters[:3]]
    yield from reversed(shared)


def ssh_keys(text: str) -> Iterator[str]:
    """Yield a fingerprint as DigitalOcean writes it, also that of a public key.

    Source: RFC 4716, section 4.
    """
    yield re.sub("^md5:", "", text.lower())
    match text.split():
        case [kind, key, *_] if kind.startswith(("ssh-", "ecdsa-", "sk-")):
            try:
                blob = base64.b64decode(key, validate=True)
            except binascii.Error:
                return
            digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
            yield ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
        case _:
            return


def networks(text: str) -> Iterator[str]:
    """Yield the network that an address with a length of its own is in."""
    try:
        yield str(ip_network(text.strip("[]"), strict=False))
    except ValueError:
        return


def paths(text: str) -> Iterator[str]:
    """Yield the path of a URL, or a path with its slash."""
    if "://" in text:
        yield urlsplit(text).path or "/"
    yield f"/{text.lstrip('/')}"


def mail_addresses(text: str) -> Iterator[str]:
    """Yield the address beside a name."""
    if match := re.search(r"[^@\s<>:]+@[^@\s<>]+", text):
        yield match[0]


def sizes(text: str) -> Iterator[str]:
    """Yield a slug with hyphens."""
    yield re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")


READINGS: Final[Mapping[str, Callable[[str], Iterator[str]]]] = {
    "hostnames": host_names,
    "zone": host_names,
    "loadBalancer": load_balancer_names,
    "domainName": host_names,
    "hostedZoneId": zone_ids,
    "securityGroup": ids,
    "topicArn": in_us_east_1,
    "bucket": bucket_names,
    "prefix": prefixes,
    "regions": digitalocean_regions,
    "size": sizes,
    "sshKeys": ssh_keys,
    "sshSourceRanges": networks,
    "healthCheckPath": paths,
    "alertEmails": mail_addresses,
}
"""How the text of a setting is read, by the setting's key; of a list, each entry's."""
