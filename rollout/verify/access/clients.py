"""Who comes: kinds of clients, of CloudFront's addresses and of proxies that rules tell apart.

All addresses that the same IP sets hold are one kind, and so are all countries that the same rules
name: one of each stands for all, so what is found of it holds for every address.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from itertools import product
from typing import Any, Final, TypeVar, cast

from rollout.aws_access import AddressSet, Network, WebAcl
from rollout.verify.access.statements import Peer

_WHOLE: Final[Mapping[int, Network]] = {
    4: IPv4Network("0.0.0.0/0"),
    6: IPv6Network("2000::/3"),  # Source: IANA, 'IPv6 Global Unicast Address Assignments'.
}
_INSIDE: Final = tuple(
    IPv4Network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
    )
)
"""Addresses that nobody comes from over the Internet. Source: IANA, 'IPv4 Special-Purpose Address
Registry'; blocks for documentation are left in."""

_CLOUDFRONT: Final = "cloudfront"
_PROXIES: Final = "proxies"
_CLOUDFRONT_NUMBER: Final = 16509
"""The ASN of Amazon's network, CloudFront's among it. Source: PeeringDB, AS16509."""
_DIGITALOCEAN_NUMBER: Final = 14061
"""Source: PeeringDB, AS14061."""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLOUDFRONT_COUNTRIES: Final = _codes(
    "AE AR AT AU BE BG BH BR CA CH CL CO CZ DE DK ES FI FR GB GR HR HU ID IE IL IN "
    "IT JP KE KR MX MY NG NL NO NZ OM PE PH PL PT RO SE SG TH TR TW US VN ZA"
)
"""Where CloudFront has places. Source: 'Amazon CloudFront Key Features', Points of Presence."""
_NO_CLOUDFRONT: Final = _codes("BY CU IR KP RU SY")
"""Where it has none, by sanctions or by choice. Of all other countries it cannot be told."""
_DIGITALOCEAN_COUNTRIES: Final = _codes("AU CA DE GB IN NL SG US")
"""Where DigitalOcean has data centers. Source: DigitalOcean docs, 'Regional Availability'."""

T = TypeVar("T", str, int)


@dataclass(frozen=True)
class AddressKind:
    """All addresses that the same sets hold."""

    sets: frozenset[str]
    """The sets' names."""
    example: Network
    """The largest network of the kind; smaller ones inside it may be of others."""
    size: int
    """How many addresses it has."""


def address_kinds(sets: Mapping[str, Sequence[Network]], family: int) -> list[AddressKind]:
    """Return the kinds of addresses that sets tell apart, the largest first.

    Networks are either inside each other or apart, so each address belongs to the smallest network
    around it, and to the sets of that and of all around that.
    """
    whole = _WHOLE[family]
    owners: dict[Network, set[str]] = {whole: set()}
    for name, networks in sets.items():
        for network in networks:
            if network.version != family:
                continue
            inside = network if _within(network, whole) else whole
            if _within(network, whole) or _within(whole, network):
                owners.setdefault(inside, set()).add(name)
    sizes: dict[frozenset[str], list[tuple[int, Network]]] = {}
    for network, own, left in _nested(owners):
        is_inside = any(_within(network, block) for block in _INSIDE)
        if left and not is_inside:
            sizes.setdefault(own, []).append((left, network))
    kinds = [
        AddressKind(
            own,
            max(parts, key=lambda part: part[0])[1],
            sum(size for size, _ in parts),
        )
        for own, parts in sizes.items()
    ]
    return sorted(kinds, key=lambda kind: -kind.size)


def _nested(
    owners: Mapping[Network, set[str]],
) -> Iterator[tuple[Network, frozenset[str], int]]:
    """Yield each network, the sets around it, and how many of its addresses no smaller one has."""
    around: list[tuple[Network, frozenset[str]]] = []
    left = {network: network.num_addresses for network in owners}
    parents: dict[Network, frozenset[str]] = {}
    for network in sorted(owners, key=lambda one: (int(one.network_address), one.prefixlen)):
        while around and not _within(network, around[-1][0]):
            around.pop()
        inherited = around[-1][1] if around else frozenset[str]()
        if around:
            left[around[-1][0]] -= network.num_addresses
        parents[network] = inherited | owners[network]
        around.append((network, parents[network]))
    for network, own in parents.items():
        yield network, own, left[network]


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(cast("Any", outer))


@dataclass(frozen=True)
class Crowd:
    """Everybody who may come."""

    ipv4: tuple[Peer, ...]
    """Kinds of clients over IPv4."""
    ipv6: tuple[Peer, ...]
    """Kinds of clients over IPv6."""
    cloudfront: tuple[Peer, ...]
    """Kinds of addresses that CloudFront connects from."""
    proxies: tuple[Peer, ...]
    """What the proxies' IPv4 addresses may be."""


def crowd(
    acls: Iterable[WebAcl],
    cloudfront: Sequence[Network] | None,
    families: Sequence[int],
    proxies: Sequence[Network] = (),
) -> Crowd:
    """Return who may come, as far as web ACLs tell them apart.

    Args:
        acls: The web ACLs.
        cloudfront: Addresses that CloudFront connects from; None: they are not known.
        families: Families of those it uses.
        proxies: Addresses that the proxies connect from; none: they are not known.
    """
    rules = [rule.statement for acl in acls for rule in acl.rules]
    countries = [frozenset(one) for one in _listed(rules, "GeoMatchStatement", "CountryCodes")]
    numbers = [frozenset(one) for one in _listed(rules, "AsnMatchStatement", "AsnList")]
    sets = {arn: one.networks for acl in acls for arn, one in acl.sets.items() if _is_read(one)} | {
        _CLOUDFRONT: tuple(cloudfront or ())
    }
    places = [
        *((one, True) for one in _one_of_each(_CLOUDFRONT_COUNTRIES, countries)),
        *(
            (one, False)
            for one in _one_of_each(
                frozenset[str]().union(*countries) - _CLOUDFRONT_COUNTRIES - _NO_CLOUDFRONT,
                countries,
            )
        ),
    ]
    clients = {
        family: [
            Peer(
                "client",
                family,
                kind.sets,
                _words(kind, are_there_sets=len(sets) > 1),
                country,
                number,
            )
            for kind, country, number in product(
                (kind for kind in address_kinds(sets, family) if _CLOUDFRONT not in kind.sets),
                _kinds(countries, ""),
                _kinds(numbers, 0),
            )
        ]
        for family in (4, 6)
    }
    edges = [
        Peer("cloudfront", family, own, words, country, _CLOUDFRONT_NUMBER, is_certain)
        for family in families
        for own, words in _edges(sets, family, is_known=cloudfront is not None)
        for country, is_certain in places
    ]
    passing = [
        Peer("proxy", 4, own, words, country, _DIGITALOCEAN_NUMBER)
        for own, words in _proxies(sets, proxies)
        for country in _one_of_each(_DIGITALOCEAN_COUNTRIES, countries)
    ]
    return Crowd(_usual_first(clients[4]), _usual_first(clients[6]), tuple(edges), tuple(passing))


def _proxies(
    sets: Mapping[str, Sequence[Network]], proxies: Sequence[Network]
) -> list[tuple[frozenset[str] | None, str]]:
    if not proxies:
        return [(None, "the proxies' IPv4 addresses")]
    return [
        (kind.sets - {_PROXIES, _CLOUDFRONT}, f"the proxies' {kind.example}")
        for kind in address_kinds({**sets, _PROXIES: proxies}, 4)
        if _PROXIES in kind.sets
    ]


def _is_read(one: AddressSet) -> bool:
    return not one.unread


def _edges(
    sets: Mapping[str, Sequence[Network]], family: int, *, is_known: bool
) -> list[tuple[frozenset[str] | None, str]]:
    if not is_known:
        return [(None, "CloudFront's addresses")]
    return [
        (kind.sets - {_CLOUDFRONT}, f"CloudFront's {kind.example}")
        for kind in address_kinds(sets, family)
        if _CLOUDFRONT in kind.sets
    ]


def _words(kind: AddressKind, *, are_there_sets: bool) -> str:
    if not are_there_sets:
        return ""
    return f"of {kind.example}" if kind.sets else "in no IP set"


def _usual_first(clients: Sequence[Peer]) -> tuple[Peer, ...]:
    """Mark the kind that has most addresses and stands in no list of countries or networks."""
    return tuple(replace(one, is_usual=index == 0) for index, one in enumerate(clients))


def _listed(value: Any, kind: str, member: str) -> Iterator[Sequence[Any]]:
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            if key == kind:
                yield inner[member]
            else:
                yield from _listed(inner, kind, member)
    elif isinstance(value, list | tuple):
        for inner in cast("Sequence[Any]", value):
            yield from _listed(inner, kind, member)


def _one_of_each(values: Iterable[T], lists: Sequence[frozenset[T]]) -> list[T]:
    """Return one value for each way in which lists hold it, the first in order."""
    each: dict[tuple[bool, ...], T] = {}
    for value in sorted(values):
        each.setdefault(tuple(value in one for one in lists), value)
    return list(each.values())


def _kinds(lists: Sequence[frozenset[T]], nowhere: T) -> list[T]:
    return [nowhere, *_one_of_each(frozenset[T]().union(*lists), lists)]
