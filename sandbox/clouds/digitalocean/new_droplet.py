"""What may become a Droplet: everything that creating one checks.

Fields of a request that have no effect in the sandbox are left out. `names`, with which one request
creates several Droplets, is not modelled.
"""

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from sandbox.clouds.digitalocean import ssh_keys
from sandbox.clouds.digitalocean.catalog import REGIONS, SIZES, Image, Region, Size, image
from sandbox.clouds.digitalocean.routes import Body, listed
from sandbox.clouds.digitalocean.state import LocalAccount, LocalDroplet, LocalSshKey, LocalVpc
from sandbox.clouds.digitalocean.tags import INVALID_TAG, check_tag
from sandbox.clouds.digitalocean.wire import ASSUMED, Reason

MAX_USER_DATA: Final = 64 * 1024
"""Bytes of user data. Source: API reference, `user_data`."""

NAME: Final = re.compile(r"[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]")
MAX_NAME: Final = 255
"""Source: API reference, `name`."""

INVALID_NAME = Reason(
    "a name is not a host name of at most 255 characters",
    "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)",
    "report: OutlineFoundation/outline-apps#1856",
)
INVALID_REGION = Reason(
    "the region is unknown",
    "You specified an invalid region for Droplet creation.",
    "report: jeevatkm/digitalocean-api-java#64",
)
CLOSED_REGION = Reason(
    "the region is closed to new Droplets",
    "Region is not available",
    "report: digitalocean/api-v2#41",
)
INVALID_SIZE = Reason(
    "the size is unknown",
    "You specified an invalid size for Droplet creation.",
    "report: scrapoxy/scrapoxy#89",
)
SIZE_ELSEWHERE = Reason(
    "the size is not offered in the region",
    "Size is not available in this region.",
    "API reference, `size.regions`",
)
INVALID_IMAGE = Reason(
    "the image is unknown",
    "You specified an invalid image for Droplet creation.",
    "report: digitalocean/terraform-provider-digitalocean#1035",
)
INVALID_KEYS = Reason(
    "an SSH key is not one of the account",
    "{value} are invalid key identifiers for Droplet creation.",
    "report: poseidon/typhoon#106",
)
USER_DATA_TOO_LONG = Reason(
    "the user data is longer than 64 KiB",
    "user_data is {value} bytes; it may not exceed 65536 bytes (64 KiB).",
)
INVALID_VPC = Reason(
    "the VPC is unknown, or of another region",
    "vpc_uuid is {value}; it must be a VPC of the region {region}.",
    ASSUMED,
)
VPC_FULL = Reason(
    "the VPC has too few free addresses",
    "The VPC {value} has no free addresses.",
    ASSUMED,
)
NO_VOLUMES = Reason(
    "a volume is named; the account has none",
    "volumes are {value}; the account has no such volumes.",
    ASSUMED,
)
PRIVATE_WITH_IPV6 = Reason(
    "`ipv6` is true though `public_networking` is false",
    "ipv6 must be false when public_networking is false.",
)
DROPLET_LIMIT = Reason(
    "the account would have more Droplets than its limit (setting `droplet_limit`)",
    "creating this/these droplet(s) will exceed your droplet limit",
    "report: pry0cc/axiom#422",
)

CREATION_REASONS: Final = (
    INVALID_NAME,
    INVALID_REGION,
    CLOSED_REGION,
    INVALID_SIZE,
    SIZE_ELSEWHERE,
    INVALID_IMAGE,
    INVALID_KEYS,
    USER_DATA_TOO_LONG,
    INVALID_TAG,
    INVALID_VPC,
    VPC_FULL,
    NO_VOLUMES,
    PRIVATE_WITH_IPV6,
    DROPLET_LIMIT,
)
"""Why creating a Droplet is refused."""


class NewDroplet(Body):
    """A Droplet to create."""

    name: str
    region: str | None = None
    size: str
    image: int | str
    ssh_keys: Annotated[list[int | str], BeforeValidator(listed)] = Field(
        default_factory=list[int | str]
    )
    backups: bool = False
    ipv6: bool = False
    monitoring: bool = False
    tags: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list[str])
    user_data: str | None = None
    volumes: Annotated[list[Any], BeforeValidator(listed)] = Field(default_factory=list[Any])
    vpc_uuid: str | None = None
    with_droplet_agent: bool | None = None
    public_networking: bool = True

    @property
    def features(self) -> set[str]:
        """What the Droplet has."""
        features = {
            "backups": self.backups,
            "ipv6": self.ipv6,
            "monitoring": self.monitoring,
            "droplet_agent": self.with_droplet_agent is not False,
            "private_networking": True,
        }
        return {name for name, present in features.items() if present}


def checked_droplet(account: LocalAccount, body: NewDroplet) -> LocalDroplet:
    """Return the Droplet that a request describes, with an address of its VPC, or refuse."""
    check_name(body.name)
    size, chosen = _size(body.size), _image(body.image)
    region = _region(body, size)
    keys = _keys(account, body)
    _check_rest(account, body)
    vpc = _vpc(account, body, region)
    private_ipv4 = vpc.pool.take()
    if private_ipv4 is None:
        raise VPC_FULL.refusal(value=vpc.name)
    return LocalDroplet(
        id=account.new_id(),
        name=body.name,
        region=region,
        size=size,
        disk=size.disk,
        image=chosen,
        vpc=vpc,
        created=account.clock(),
        private_ipv4=private_ipv4,
        features=body.features,
        public=body.public_networking,
        ssh_keys=keys,
        user_data=body.user_data or "",
    )


def check_name(name: str) -> None:
    """Refuse a name that is no host name."""
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        raise INVALID_NAME.refusal()


def size_in(region: Region, slug: str) -> Size:
    """Return a size that a region offers, or refuse."""
    size = _size(slug)
    if region.slug not in size.regions:
        raise SIZE_ELSEWHERE.refusal()
    return size


def _size(slug: str) -> Size:
    if slug not in SIZES:
        raise INVALID_SIZE.refusal()
    return SIZES[slug]


def _image(identifier: int | str) -> Image:
    chosen = image(identifier)
    if chosen is None:
        raise INVALID_IMAGE.refusal()
    return chosen


def _region(body: NewDroplet, size: Size) -> Region:
    """Return the region of a request, or the first that fits it."""
    slug = body.region or ""
    fitting = [
        region
        for region in REGIONS.values()
        if not slug or slug in {region.slug, region.slug.rstrip("0123456789")}
    ]
    if not fitting:
        raise INVALID_REGION.refusal()
    opened = [region for region in fitting if region.available]
    if not opened:
        raise CLOSED_REGION.refusal()
    offering = [region for region in opened if region.slug in size.regions]
    if not offering:
        raise SIZE_ELSEWHERE.refusal()
    return offering[0]


def _keys(account: LocalAccount, body: NewDroplet) -> list[LocalSshKey]:
    keys = {identifier: ssh_keys.find(account, identifier) for identifier in body.ssh_keys}
    wrong = [str(identifier) for identifier, key in keys.items() if key is None]
    if wrong:
        raise INVALID_KEYS.refusal(value=", ".join(wrong))
    return [key for key in keys.values() if key is not None]


def _check_rest(account: LocalAccount, body: NewDroplet) -> None:
    for name in body.tags:
        check_tag(name)
    size = len((body.user_data or "").encode())
    if size > MAX_USER_DATA:
        raise USER_DATA_TOO_LONG.refusal(value=size)
    if body.volumes:
        raise NO_VOLUMES.refusal(value=body.volumes)
    if body.ipv6 and not body.public_networking:
        raise PRIVATE_WITH_IPV6.refusal()
    if len(account.droplets) >= account.settings.droplet_limit:
        raise DROPLET_LIMIT.refusal()


def _vpc(account: LocalAccount, body: NewDroplet, region: Region) -> LocalVpc:
    if not body.vpc_uuid:
        return account.default_vpc(region.slug) or account.add_default_vpc(region.slug)
    vpc = account.vpcs.get(body.vpc_uuid)
    if vpc is None or vpc.region != region.slug:
        raise INVALID_VPC.refusal(value=body.vpc_uuid, region=region.slug)
    return vpc
