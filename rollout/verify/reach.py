"""Whether every address answers: TCP, TLS, HTTP, large packets, and who wins the race.

Each address of each path is tried, as one dead address among four is a quarter of the users. A
family that this machine has no way to is no failure of the path: it is 'cannot tell'. The same
holds for a failure over IPv6 where this machine's own address leads nowhere beyond its site.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from rollout.verify import certificate as certificates
from rollout.verify import nat64
from rollout.verify.model import (
    Check,
    Family,
    Path,
    Request,
    Result,
    Surroundings,
    TroubleError,
    Verdict,
    Way,
)
from rollout.verify.network import VERSIONS, Network, Sockets, TlsVersion, is_doubtful, lacks
from rollout.verify.weights import PATHS

ATTEMPT_DELAY_SECONDS: Final = 0.25
"""How long a client waits for IPv6 before it tries IPv4 too. Source: RFC 8305 section 5; curl waits
200 ms, Chrome and Firefox 300 ms."""

_TRIES: Final = 3
"""Connections of which the middle one's time counts: one lost packet costs a second."""

_PADDING: Final = ("X-Verify-Padding", 8, 800)
"""Header that makes a request large, how many of them, and how long each is: 6.4 kB, several times
any Ethernet's MTU and below every limit that facts are known of (CloudFront: 20,480 bytes)."""

_ANSWER_BYTES: Final = 65536
"""Size of the answer asked for where the origin echoes: it tries the way back."""

_ORIGIN_FAILED: Final = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
"""What an edge or a load balancer answers that does not reach what is behind it."""


@dataclass(frozen=True)
class _Group:
    """Ways that differ in nothing but the address."""

    hostname: str
    path: Path
    family: Family
    by_name: bool

    def result(
        self, check: str, verdict: Verdict, evidence: str, accepted: tuple[str, ...] = ()
    ) -> Result:
        suffix = "-by-name" if self.by_name else ""
        return Result(
            check + suffix, verdict, evidence, self.hostname, self.path, self.family, accepted
        )


def _groups(ways: Iterable[Way]) -> dict[_Group, list[Way]]:
    found: dict[_Group, list[Way]] = {}
    for way in ways:
        group = _Group(way.hostname, way.path, way.family, way.by_name)
        found.setdefault(group, []).append(way)
    return found


def _request(s: Surroundings) -> Request:
    """Return a request that harms nothing."""
    return Request("GET", s.options.echo or "/")


class Reach:
    """The checks of this module, over some network."""

    def __init__(
        self, network: Network, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Choose the network.

        Args:
            network: Opens connections.
            now: Tells the time, in UTC.
        """
        self._network = network
        self._now = now

    def checks(self) -> tuple[Check, ...]:
        """Return them all."""
        return (
            self.reach,
            self.nat64,
            self.race,
            self.path_mtu,
            self.tls_versions,
            self.certificates,
        )

    async def reach(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether each address of each way answers."""
        known = {(way.hostname, way.path) for way in s.ways}
        for hostname in s.target.hostnames:
            for path in PATHS:
                if (hostname, path) not in known:
                    nothing = f"no address of the {path} path is known"
                    yield Result("reach-connect", "unknown", nothing, hostname, path)
        # All at once: where many are silent, waiting for one after the other takes minutes.
        groups = _groups(s.ways).items()
        found = (_connect(s, self._network, group, ways) for group, ways in groups)
        for result in await asyncio.gather(*found):
            yield result

    async def nat64(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether the IPv4-only path is reached through NAT64, where there is NAT64."""
        for result in await _nat64(s, self._network):
            yield result

    async def race(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield who wins a race of the two families, on each path and by name."""
        groups = _by_path(s)
        for group, ways in groups.items():
            ipv4 = groups.get(replace(group, family="IPv4"))
            if group.family == "IPv6" and ipv4:
                found = await _race(self._network, ipv4, ways)
                yield replace(found, hostname=group.hostname, path=group.path)
        for hostname in s.target.hostnames:
            try:
                ipv4, ipv6 = await _published(s, hostname)
            except TroubleError as trouble:
                yield Result("reach-race-by-name", "unknown", str(trouble), hostname)
                continue
            if ipv4 and ipv6:
                found = await _race(self._network, ipv4, ipv6)
                yield replace(found, check="reach-race-by-name", hostname=hostname)

    async def path_mtu(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether large packets get through over IPv6."""
        found = (
            _path_mtu(s, self._network, group, ways)
            for group, ways in _by_path(s).items()
            if group.family == "IPv6"
        )
        for result in await asyncio.gather(*found):
            yield result

    async def tls_versions(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether cdn takes every version of TLS that direct takes."""
        groups = _by_path(s)
        for group, ways in groups.items():
            cdn = groups.get(replace(group, path="cdn"))
            if group.path == "direct" and cdn:
                yield await _versions(self._network, group, ways[0], cdn[0])

    async def certificates(self, s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether the certificates are the hostname's, valid, and trusted."""
        groups = _by_path(s)
        seen: dict[tuple[str, Path], bytes] = {}
        for group in sorted(groups, key=lambda group: (group.hostname, group.path == "cdn")):
            trust = _Trust(self._network, s.options.ca, self._now())
            yield await _certificates(trust, group, groups[group], seen)


def _by_path(s: Surroundings) -> dict[_Group, list[Way]]:
    return _groups(way for way in s.ways if not way.by_name)


async def _connect(s: Surroundings, network: Network, group: _Group, ways: Sequence[Way]) -> Result:
    check = "reach-connect"
    if lacks(network, ways[0].address):
        return group.result(check, "unknown", _no_way(group.family))
    outcomes = await asyncio.gather(*(_try(s, network, way) for way in ways))
    both = tuple(zip(ways, outcomes, strict=True))
    broken = [f"{way.address}: {fault}" for way, (fault, _) in both if fault]
    if not broken:
        seen = ", ".join(f"{way.address} {said}" for way, (_, said) in both)
        return group.result(check, "pass", seen)
    evidence = f"{len(broken)} of {len(ways)} addresses fail: {'; '.join(broken)}"
    if len(broken) == len(ways) and is_doubtful(network, ways[0].address):
        doubt = "; this machine's own address leads nowhere beyond its site"
        return group.result(check, "unknown", evidence + doubt)
    first = next(way.address for way, (fault, _) in both if fault)
    result = group.result(check, "fail", evidence)
    return replace(result, remedy=f"See what answers at {first}, and take it out of DNS till then.")


async def _try(s: Surroundings, network: Network, way: Way) -> tuple[str, str]:
    """Return what is wrong with an address, else what it answered."""
    try:
        made = await network.shake(way.address, way.port, way.hostname)
        answer = await s.wire.send(way, _request(s))
    except TroubleError as trouble:
        return f"{trouble} ({trouble.kind})", ""
    said = f"{answer.status} in {_ms(answer.seconds)}, TCP {_ms(made.connect_seconds)}"
    if answer.status in _ORIGIN_FAILED:
        return f"answers {answer.status}, so it does not reach what is behind it", said
    if s.options.echo and answer.status != HTTPStatus.OK:
        return f"the echo answers {answer.status} instead of 200", said
    return "", said


async def _nat64(s: Surroundings, network: Network) -> list[Result]:
    check = "reach-nat64"
    try:
        answer = await s.names.ask(nat64.WELL_KNOWN_NAME, "AAAA")
    except TroubleError as trouble:
        return [Result(check, "unknown", f"{nat64.WELL_KNOWN_NAME}: {trouble}", family="IPv6")]
    results: list[Result] = []
    ipv4 = [
        (group, ways)
        for group, ways in _groups(s.ways).items()
        if (group.path, group.family, group.by_name) == ("direct", "IPv4", False)
    ]
    # A network without NAT64 has nothing that could be verified, and nothing is said of it.
    for prefix in nat64.prefixes(answer.values):
        for group, ways in ipv4:
            through = [
                replace(
                    way,
                    family="IPv6",
                    address=str(nat64.embed(IPv4Address(way.address), prefix)),
                )
                for way in ways
            ]
            found = await _connect(s, network, replace(group, family="IPv6"), through)
            results.append(replace(found, check=check, evidence=f"{prefix}: {found.evidence}"))
    return results


def race(ipv4_seconds: float, ipv6_seconds: float) -> Family:
    """Return who wins: IPv6 begins, IPv4 follows when the attempt delay is over.

    Source: RFC 8305 section 5.
    """
    return "IPv6" if ipv6_seconds <= ATTEMPT_DELAY_SECONDS + ipv4_seconds else "IPv4"


async def _published(s: Surroundings, hostname: str) -> tuple[list[Way], list[Way]]:
    """Return what users of this network are answered, dead or alive, but for what DNS64 made up."""
    made_up = nat64.prefixes((await s.names.ask(nat64.WELL_KNOWN_NAME, "AAAA")).values)
    ipv4 = await s.names.ask(hostname, "A")
    ipv6 = await s.names.ask(hostname, "AAAA")

    def ways(family: Family, addresses: Iterable[str]) -> list[Way]:
        return [
            Way("direct", family, hostname, address, s.target.port, by_name=True)
            for address in addresses
        ]

    true_ones = (
        value
        for value in ipv6.values
        if not any(IPv6Address(value) in prefix for prefix in made_up)
    )
    return ways("IPv4", ipv4.values), ways("IPv6", true_ones)


async def _race(network: Network, ipv4: Sequence[Way], ipv6: Sequence[Way]) -> Result:
    check = "reach-race"
    for way in (ipv4[0], ipv6[0]):
        if lacks(network, way.address):
            return Result(check, "unknown", _no_way(way.family))
    told: list[str] = []
    verdict: Verdict = "pass"
    accepted: tuple[str, ...] = ()
    remedy = ""
    four, four_fault = await _time(network, ipv4[0])
    told.append(f"IPv4 {ipv4[0].address} {four_fault or _ms(four)}")
    for way in ipv6:
        six, six_fault = await _time(network, way)
        if six_fault:
            verdict = "fail"
            remedy = f"Mend {way.address}, or take it out of DNS: clients of both families wait."
            told.append(
                f"IPv6 {way.address} {six_fault}: published and broken, which is worse than no "
                "IPv6 at all"
            )
            continue
        told.append(f"IPv6 {way.address} {_ms(six)}")
        if not four_fault:
            winner = race(four, six)
            told.append(f"{winner} wins with a delay of {_ms(ATTEMPT_DELAY_SECONDS)}")
            accepted = accepted if winner == "IPv6" else ("ipv6-loses-the-race",)
    if four_fault:
        verdict = "fail"
    elif verdict == "fail" and is_doubtful(network, ipv6[0].address):
        verdict, remedy = "unknown", ""
        told.append("this machine's own address leads nowhere beyond its site")
    return Result(check, verdict, "; ".join(told), accepted=accepted, remedy=remedy)


async def _time(network: Network, way: Way) -> tuple[float, str]:
    """Return the usual time a connection takes, or what is wrong."""
    times: list[float] = []
    for _ in range(_TRIES):
        try:
            times.append(await network.connect(way.address, way.port))
        except TroubleError as trouble:
            return 0, f"{trouble} ({trouble.kind})"
    return statistics.median(times), ""


def mtu_requests(way: Way, echo: str | None) -> tuple[bytes, bytes]:
    """Return a small request and a large one, both harmless, as they go onto the wire."""
    name, count, size = _PADDING
    begin = f"Host: {way.hostname}\r\nConnection: close\r\nAccept: */*\r\n"
    padding = "".join(f"{name}-{number}: {'x' * size}\r\n" for number in range(count))
    small = f"GET {echo or '/'} HTTP/1.1\r\n{begin}\r\n"
    target = f"{echo}/size={_ANSWER_BYTES}" if echo else "/"
    return small.encode(), f"GET {target} HTTP/1.1\r\n{begin}{padding}\r\n".encode()


async def _path_mtu(
    s: Surroundings, network: Network, group: _Group, ways: Sequence[Way]
) -> Result:
    """Send something small, then something large: what hangs only when it is large is a black hole.

    A path whose MTU is smaller than the sender's tells so by an ICMPv6 message. Where a firewall
    drops that, large packets vanish and small ones pass: connections open, and then hang. (IPv6
    routers never cut packets into fragments.) Source: RFC 8201; RFC 2923 section 2.1.
    """
    check = "reach-path-mtu"
    if lacks(network, ways[0].address):
        return group.result(check, "unknown", _no_way(group.family))
    found = await asyncio.gather(*(_large(s, network, way) for way in ways))
    verdicts = {verdict for verdict, _ in found}
    verdict: Verdict = (
        "fail" if "fail" in verdicts else "unknown" if "unknown" in verdicts else "pass"
    )
    result = group.result(check, verdict, "; ".join(said for _, said in found))
    if verdict == "fail":
        remedy = "Let ICMPv6 'packet too big' through the firewalls on the way, or clamp the MSS."
        result = replace(result, remedy=remedy)
    return result


async def _large(s: Surroundings, network: Network, way: Way) -> tuple[Verdict, str]:
    small, large = mtu_requests(way, s.options.echo)
    try:
        await network.exchange(way.address, way.port, way.hostname, small)
    except TroubleError as trouble:
        evidence = f"{way.address}: not even a small request is answered: {trouble}"
        if trouble.kind == "timeout" and not str(trouble).startswith("TCP"):
            evidence += ", though it connects: a black hole for large packets, or nobody behind it"
        return "unknown", evidence
    try:
        got = await network.exchange(way.address, way.port, way.hostname, large)
    except TroubleError as trouble:
        if trouble.kind == "timeout":
            return "fail", (
                f"{way.address}: black hole: {len(small)} bytes are answered, {len(large)} bytes "
                "hang"
            )
        return "unknown", f"{way.address}: {len(large)} bytes are not answered: {trouble}"
    sent = f"{way.address}: {len(large)} bytes are answered with {got.received}"
    if got.path_mtu is None:
        return "unknown", f"{sent}; this system does not tell the path's MTU"
    return "pass", (
        f"{sent}; path MTU {got.path_mtu} bytes, segments of {got.segment}, "
        f"{got.retransmitted} sent again"
    )


async def _accepts(network: Network, way: Way) -> dict[TlsVersion, bool | None]:
    """Return which versions a side takes; None: cannot tell."""
    found = await asyncio.gather(*(_takes(network, way, version) for version in VERSIONS))
    taken = dict(zip(VERSIONS, found, strict=True))
    # One that takes no version at all does not serve, and has refused none in particular.
    return taken if any(taken.values()) else dict.fromkeys(taken)


async def _takes(network: Network, way: Way, version: TlsVersion) -> bool | None:
    try:
        await network.shake(way.address, way.port, way.hostname, version)
    except TroubleError as trouble:
        # What a server does that knows no such version: an alert, or it hangs up.
        return False if trouble.kind in ("tls", "reset") else None
    return True


async def _versions(network: Network, group: _Group, direct: Way, cdn: Way) -> Result:
    check = "tls-versions"
    for way in (direct, cdn):
        if lacks(network, way.address):
            return replace(group.result(check, "unknown", _no_way(group.family)), path=None)
    on_direct, on_cdn = await asyncio.gather(*(_accepts(network, way) for way in (direct, cdn)))
    return replace(compare_versions(group.hostname, on_direct, on_cdn), family=group.family)


def compare_versions(
    hostname: str,
    direct: Mapping[TlsVersion, bool | None],
    cdn: Mapping[TlsVersion, bool | None],
) -> Result:
    """Say whether a client that direct takes is taken by cdn too; None: that is not known."""
    lost = [version for version in VERSIONS if direct[version] and cdn[version] is False]
    open_ = [
        version
        for version in VERSIONS
        if (direct[version] is None and not cdn[version])
        or (direct[version] and cdn[version] is None)
    ]
    evidence = f"direct takes {_listed(direct)}; cdn takes {_listed(cdn)}"
    if lost:
        return Result(
            "tls-versions",
            "fail",
            f"{evidence}; clients that speak nothing newer than {lost[-1]} are refused by cdn",
            hostname,
            remedy="Set distribution.tlsPolicy to one that takes what the load balancer takes.",
        )
    if open_:
        unknown = f"{evidence}; {', '.join(open_)} could not be tried"
        return Result("tls-versions", "unknown", unknown, hostname)
    return Result("tls-versions", "pass", evidence, hostname)


def _listed(taken: Mapping[TlsVersion, bool | None]) -> str:
    return ", ".join(version for version, known in taken.items() if known) or "none"


@dataclass(frozen=True)
class _Trust:
    """Whom to trust, and when."""

    network: Network
    ca: str | None
    now: datetime


async def _certificates(
    trust: _Trust,
    group: _Group,
    ways: Sequence[Way],
    seen: dict[tuple[str, Path], bytes],
) -> Result:
    check = "tls-certificate"
    now = trust.now
    if lacks(trust.network, ways[0].address):
        return group.result(check, "unknown", _no_way(group.family))
    found = await asyncio.gather(*(_certificate(trust, way) for way in ways))
    both = tuple(zip(ways, found, strict=True))
    faults = [f"{way.address}: {fault}" for way, (fault, _, _) in both if fault]
    wrong = [f"{way.address}: {fault}" for way, (fault, sure, _) in both if sure == "fail"]
    if wrong:
        return replace(
            group.result(check, "fail", "; ".join(wrong)),
            remedy="Renew or replace the certificate there: clients refuse it.",
        )
    if faults:
        return group.result(check, "unknown", "; ".join(faults))
    der = found[0][2]
    own = certificates.read(der)
    accepted: list[str] = []
    evidence = f"for {', '.join(own.names)}, {certificates.left(own, now)} left, by {own.issuer}"
    soonest = min((certificates.read(each) for _, _, each in found), key=lambda one: one.ends)
    if soonest.ends - now < certificates.SOON:
        accepted.append("certificate-expires-soon")
        evidence += f"; one expires in {certificates.left(soonest, now)} and was not renewed"
    other = seen.get((group.hostname, "direct")) if group.path == "cdn" else None
    if other is not None and other != der:
        accepted.append("certificate-differs")
        evidence += "; another one than on direct, so clients that pin one must know both"
    seen.setdefault((group.hostname, group.path), der)
    return group.result(check, "pass", evidence, tuple(accepted))


async def _certificate(trust: _Trust, way: Way) -> tuple[str, Verdict, bytes]:
    """Return what is wrong with an address's certificate, how sure that is, and the certificate."""
    try:
        der = (await trust.network.shake(way.address, way.port, way.hostname)).certificate
        fault = certificates.fault(certificates.read(der), way.hostname, trust.now)
    except (TroubleError, ValueError) as trouble:
        return f"no certificate: {trouble}", "unknown", b""
    if fault:
        return fault, "fail", der
    try:
        await trust.network.shake(way.address, way.port, way.hostname, verify=True, ca=trust.ca)
    except TroubleError as trouble:
        if trouble.kind != "certificate":
            return str(trouble), "unknown", der
        return f"the certificate is not trusted: {trouble}", "fail", der
    return "", "pass", der


def _no_way(family: Family) -> str:
    return f"this machine has no {family}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


CHECKS: Final[tuple[Check, ...]] = Reach(Sockets()).checks()
"""The checks of this module."""
