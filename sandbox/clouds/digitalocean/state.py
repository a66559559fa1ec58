"""What the account holds, in memory.

Nothing runs in the background. An action notes when it will be over, and `Account.settle`, called
before every request, completes those whose time has come, in their order. So a clock that a test
moves by hand moves the whole cloud.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappop, heappush
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, Literal

from sandbox.clouds.digitalocean import addresses
from sandbox.clouds.digitalocean.addresses import Pool
from sandbox.clouds.digitalocean.catalog import REGIONS, Image, Region, Size
from sandbox.clouds.digitalocean.local_settings import LocalSettings

Json = dict[str, Any]

UNUSED_REGION: Final = "syd1"
"""The region in which the account never had anything, so that it has no default VPC there yet."""

GENERATED_RANGES: Final = IPv4Network("10.128.0.0/9")
"""Where the ranges of VPCs come from."""

Effect = Callable[["LocalAccount"], bool]
"""What an action does to the account when it is over; False when that could not be done.

A function of a module, or a `partial` of one, because a snapshot holds the actions under way.
"""


@dataclass
class Action:
    """Something that takes a while."""

    id: int
    type: str
    resource_type: str
    resource_id: int
    region: str
    started: float
    ends: float
    effect: "Effect"
    """What happens when it is over."""
    status: Literal["in-progress", "completed", "errored"] = "in-progress"

    @property
    def pending(self) -> bool:
        """Whether it is not over."""
        return self.status == "in-progress"


@dataclass
class LocalVpc:
    """A private network of one region."""

    id: str
    name: str
    region: str
    network: IPv4Network
    default: bool
    created: float
    pool: Pool


@dataclass
class LocalDroplet:
    """A virtual machine, or rather the record of one."""

    id: int
    name: str
    region: Region
    size: Size
    image: Image
    vpc: LocalVpc
    created: float
    private_ipv4: str
    features: set[str]
    user_data: str
    status: Literal["new", "active"] = "new"
    public_ipv4: str = ""
    """Empty while it is new."""
    ipv6: str = ""
    """Empty while it is new, and without IPv6."""
    actions: list[Action] = field(default_factory=list[Action])

    @property
    def pending(self) -> bool:
        """Whether an action is under way; another one is refused meanwhile."""
        return any(action.pending for action in self.actions)


@dataclass
class LocalReservedIpv6:
    """An address that can be moved between the Droplets of its region."""

    ip: str
    region: Region
    reserved: float
    droplet: LocalDroplet | None = None
    action: Action | None = None

    @property
    def pending(self) -> bool:
        """Whether it is being assigned or unassigned."""
        return self.action is not None and self.action.pending

    @property
    def holders(self) -> set[int]:
        """The Droplets that have it or are about to get it."""
        now = {self.droplet.id} if self.droplet else set[int]()
        if self.action and self.action.pending and self.action.type == "assign_ip":
            return now | {self.action.resource_id}
        return now


@dataclass
class LocalTag:
    """A label; what carries it is listed in the order in which it was tagged."""

    name: str
    droplets: list[int] = field(default_factory=list[int])


@dataclass(frozen=True)
class PendingChange:
    """A Droplet to which a firewall is being applied, or from which it is being removed."""

    droplet: int
    removing: bool
    ends: float


@dataclass
class LocalFirewall:
    """Rules, and the Droplets and tags they hold for. Rules are as they are shown."""

    id: str
    name: str
    created: float
    inbound: list[Json]
    outbound: list[Json]
    droplets: list[int]
    tags: list[str]
    changes: list[PendingChange] = field(default_factory=list[PendingChange])


@dataclass
class AlertPolicy:
    """A threshold that is watched, as it was sent."""

    uuid: str
    policy: Json


@dataclass
class LocalAccount:
    """The state of the account; guard it with the API's lock.

    Attributes:
        settings: how slow and strict the cloud is.
        clock: seconds since 1970.
        scopes: what a token needed for all requests so far.
    """

    settings: LocalSettings = field(default_factory=LocalSettings)
    clock: Callable[[], float] = time.time
    scopes: set[str] = field(default_factory=set[str], init=False)

    def __post_init__(self) -> None:
        """Begin with an account that was used before."""
        self._seed()

    def reset(self) -> None:
        """Begin again; the settings go back to their defaults."""
        self.settings = LocalSettings()
        self._seed()

    def state(self) -> dict[str, Any]:
        """Return all that the account holds; its clock is the process's own."""
        return {name: value for name, value in vars(self).items() if name != "clock"}

    def put_state(self, state: Any) -> None:
        """Hold what `state` returned, and nothing else."""
        vars(self).update(state)

    def _seed(self) -> None:
        """Have nothing but default VPCs where the account was used."""
        self.scopes.clear()
        self._last_id = 1_000_000
        self._queue: list[tuple[float, int]] = []
        self.actions: dict[int, Action] = {}
        self.droplets: dict[int, LocalDroplet] = {}
        self.vpcs: dict[str, LocalVpc] = {}
        self.reserved: dict[str, LocalReservedIpv6] = {}
        self.firewalls: dict[str, LocalFirewall] = {}
        self.tags: dict[str, LocalTag] = {}
        self.alerts: dict[str, AlertPolicy] = {}
        self.public_ipv4 = addresses.public_ipv4()
        self._ipv6_pools: dict[IPv6Network, Pool] = {}
        for region in REGIONS.values():
            if region.available and region.slug != UNUSED_REGION:
                self.add_default_vpc(region.slug)

    def new_id(self) -> int:
        """Return a number that no Droplet or action has."""
        self._last_id += 1
        return self._last_id

    def new_uuid(self) -> str:
        """Return an identifier that nothing has."""
        return str(uuid.uuid4())

    def pool(self, network: IPv6Network) -> Pool:
        """Return the pool of an IPv6 network, the same one every time."""
        return self._ipv6_pools.setdefault(network, Pool(network))

    def begin(
        self, kind: str, resource_type: str, resource_id: int, region: str, effect: Effect
    ) -> Action:
        """Start an action that takes as long as the settings say."""
        now = self.clock()
        action = Action(
            id=self.new_id(),
            type=kind,
            resource_type=resource_type,
            resource_id=resource_id,
            region=region,
            started=now,
            ends=now + self.settings.action_seconds,
            effect=effect,
        )
        self.actions[action.id] = action
        heappush(self._queue, (action.ends, action.id))
        return action

    def settle(self) -> int:
        """Complete the actions whose time has come, and return how many they were."""
        now, completed = self.clock(), 0
        while self._queue and self._queue[0][0] <= now:
            _, number = heappop(self._queue)
            action = self.actions[number]
            action.status = "completed" if action.effect(self) else "errored"
            completed += 1
        return completed

    def add_vpc(self, name: str, region: str) -> LocalVpc:
        """Add a VPC, of a range that no other has; the first one of a region is its default.

        Args:
            name: unique in the account.
            region: slug.

        Source: API reference, 'Create a New VPC'.
        """
        taken = {vpc.network for vpc in self.vpcs.values()}
        ranges = GENERATED_RANGES.subnets(new_prefix=20)
        network = next(candidate for candidate in ranges if candidate not in taken)
        vpc = LocalVpc(
            id=self.new_uuid(),
            name=name,
            region=region,
            network=network,
            default=self.default_vpc(region) is None,
            created=self.clock(),
            pool=Pool(network),
        )
        self.vpcs[vpc.id] = vpc
        return vpc

    def add_default_vpc(self, region: str) -> LocalVpc:
        """Add the default VPC that DigitalOcean makes by itself with a region's first resource."""
        return self.add_vpc(f"default-{region}", region)

    def default_vpc(self, region: str) -> LocalVpc | None:
        """Return the VPC for Droplets of a region that name none."""
        mine = (vpc for vpc in self.vpcs.values() if vpc.region == region and vpc.default)
        return next(mine, None)

    def tag(self, name: str) -> LocalTag:
        """Return the tag of a name, new if there is none; capitals of the first use stay.

        Source: API reference, 'Tags': "Tag names are case stable".
        """
        for tag in self.tags.values():
            if tag.name.lower() == name.lower():
                return tag
        return self.tags.setdefault(name, LocalTag(name))

    def tags_of(self, droplet: LocalDroplet) -> list[str]:
        """Return the names of the tags that a Droplet carries."""
        return [tag.name for tag in self.tags.values() if droplet.id in tag.droplets]


def iso(seconds: float) -> str:
    """Return a moment as the API writes it: `2020-07-21T18:37:44Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
