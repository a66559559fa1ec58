"""What may become a Droplet: everything that creating one checks.

Fields of a request that have no effect in the sandbox are left out. `names`, with which one request
creates several Droplets, is not modelled, and neither is a request that leaves the region open.
"""

import re
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from sandbox.clouds.digitalocean.catalog import IMAGES, REGIONS, SIZES, Region, Size
from sandbox.clouds.digitalocean.routes import Body, listed
from sandbox.clouds.digitalocean.state import LocalAccount, LocalDroplet, LocalVpc
from sandbox.clouds.digitalocean.tags import check_tag
from sandbox.clouds.digitalocean.wire import REASONS, reasons

MAX_USER_DATA: Final = 64 * 1024
"""Bytes of user data. Source: API reference, `user_data`."""

NAME: Final = re.compile(r"[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]")
MAX_NAME: Final = 255
"""Source: API reference, `name`."""

KEY: Final = re.compile(r"[0-9]+|[0-9a-f]{2}(:[0-9a-f]{2}){15}")
"""Source: API reference, `ssh_keys`."""


CREATION_REASONS: Final = (
    *reasons("INVALID_NAME", "INVALID_REGION", "CLOSED_REGION", "INVALID_SIZE"),
    *reasons("SIZE_ELSEWHERE", "INVALID_IMAGE", "INVALID_KEYS", "USER_DATA_TOO_LONG"),
    *reasons("INVALID_TAG", "INVALID_VPC", "DROPLET_LIMIT"),
)
"""Why creating a Droplet is refused."""


class NewDroplet(Body):
    """A Droplet to create; what is not modelled is refused where it would have an effect."""

    name: str
    region: str
    size: str
    image: str
    ssh_keys: Annotated[list[int | str], BeforeValidator(listed)] = Field(
        default_factory=list[int | str]
    )
    ipv6: bool = False
    monitoring: bool = False
    tags: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list[str])
    user_data: str | None = None
    vpc_uuid: str | None = None
    with_droplet_agent: bool | None = None
    backups: Literal[False] = False
    public_networking: Literal[True] = True
    volumes: Annotated[list[str], BeforeValidator(listed), Field(max_length=0)] = Field(
        default_factory=list[str]
    )

    @property
    def features(self) -> set[str]:
        """What the Droplet has."""
        features = {
            "ipv6": self.ipv6,
            "monitoring": self.monitoring,
            "droplet_agent": self.with_droplet_agent is not False,
            "private_networking": True,
        }
        return {name for name, present in features.items() if present}


def checked_droplet(account: LocalAccount, body: NewDroplet) -> LocalDroplet:
    """Return the Droplet that a request describes, with an address of its VPC, or refuse."""
    if len(body.name) > MAX_NAME or not NAME.fullmatch(body.name):
        raise REASONS["INVALID_NAME"].refusal()
    if body.size not in SIZES:
        raise REASONS["INVALID_SIZE"].refusal()
    size = SIZES[body.size]
    if body.image not in IMAGES:
        raise REASONS["INVALID_IMAGE"].refusal()
    region = _region(body, size)
    _check_rest(account, body)
    vpc = _vpc(account, body, region)
    return LocalDroplet(
        id=account.new_id(),
        name=body.name,
        region=region,
        size=size,
        image=IMAGES[body.image],
        vpc=vpc,
        created=account.clock(),
        private_ipv4=vpc.pool.take(),
        features=body.features,
        user_data=body.user_data or "",
    )


def _region(body: NewDroplet, size: Size) -> Region:
    region = REGIONS.get(body.region)
    if region is None:
        raise REASONS["INVALID_REGION"].refusal()
    if not region.available:
        raise REASONS["CLOSED_REGION"].refusal()
    if region.slug not in size.regions:
        raise REASONS["SIZE_ELSEWHERE"].refusal()
    return region


def _check_rest(account: LocalAccount, body: NewDroplet) -> None:
    wrong = [str(key) for key in body.ssh_keys if not KEY.fullmatch(str(key))]
    if wrong:
        raise REASONS["INVALID_KEYS"].refusal(value=", ".join(wrong))
    for name in body.tags:
        check_tag(name)
    size = len((body.user_data or "").encode())
    if size > MAX_USER_DATA:
        raise REASONS["USER_DATA_TOO_LONG"].refusal(value=size)
    if len(account.droplets) >= account.settings.droplet_limit:
        raise REASONS["DROPLET_LIMIT"].refusal()


def _vpc(account: LocalAccount, body: NewDroplet, region: Region) -> LocalVpc:
    if not body.vpc_uuid:
        return account.default_vpc(region.slug) or account.add_default_vpc(region.slug)
    vpc = account.vpcs.get(body.vpc_uuid)
    if vpc is None or vpc.region != region.slug:
        raise REASONS["INVALID_VPC"].refusal(value=body.vpc_uuid, region=region.slug)
    return vpc
