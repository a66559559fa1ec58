"""What DNS says about the hostnames: at the zone's own servers, and through the resolver.

Shares are sampled at the authority, which draws every answer anew; a resolver repeats one answer
for its TTL and would show 0 or 100 % of anything. What the resolver says is compared all the same,
as that is what the users of this network get.

Whose an address is, is told by the load balancer's and the distribution's own names. A distribution
has far more addresses than one answer shows, so these names are asked again, at their own
authorities too, for as long as answers come whose addresses are unknown.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Network, ip_address
from typing import Any, Final, Protocol, cast

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from rollout import statistics as shares
from rollout.probe import nat64
from rollout.probe.authority import TELLING_CODES, Authority, find_authority
from rollout.probe.model import (
    Check,
    DnsAnswer,
    Names,
    Path,
    Result,
    Surroundings,
    Target,
    TroubleError,
    Verdict,
)
from rollout.verify.checks import dns_shares as weights
from rollout.verify.checks.dns_shares import (
    FAMILIES,
    OTHER_KIND,
    PATHS,
    TTL_SECONDS,
    Kind,
    Owners,
    Sample,
    Tally,
)

_AT_ONCE: Final = 32
"""Questions under way at once while a share is sampled."""

_ROUNDS: Final = 8
"""How often the paths' own names are asked again because of addresses that nobody knows yet."""

_HTTPS_SHARE: Final = 0.05
"""Share of the answers that a HTTPS record may have and is still looked for, where no declared
share is smaller: 135 answers. To see every weight of 255 would take 1,758 for each hostname."""

_MOST_CNAMES: Final = 8

_SOA_FIELDS: Final = 7
"""Fields of a SOA record; the last is the minimum. Source: RFC 1035 section 3.3.13."""


async def _answering_authority(names: Names, hostname: str) -> Authority:
    authority = await find_authority(names, hostname)
    if not authority.servers:
        raise TroubleError("unreachable", f"no authority for {authority.zone} answers")
    return authority


@dataclass
class Addresses:
    """Learns whose address is whose."""

    names: Names
    """Asks."""
    target: Target
    """The paths' own names."""
    prefixes: tuple[IPv6Network, ...] = ()
    """NAT64 prefixes of this network: what a resolver made up of them is no AAAA record."""
    known: dict[tuple[Path, Kind], set[str]] = field(
        default_factory=lambda: {(path, kind): set[str]() for path in PATHS for kind in FAMILIES}
    )
    """Addresses known so far."""
    trouble: str = ""
    """Why a name could not be asked for; empty where all could."""
    _servers: dict[str, tuple[str | None, ...]] = field(
        default_factory=dict[str, tuple[str | None, ...]]
    )

    async def learn(self) -> None:
        """Ask the resolver for the names of both paths."""
        try:
            answer = await self.names.ask(nat64.WELL_KNOWN_NAME, "AAAA")
            self.prefixes = nat64.prefixes(answer.values)
        except TroubleError:
            self.prefixes = ()
        await self._ask((None,))

    async def learn_more(self) -> None:
        """Ask again, at the authorities of these names too, which do not repeat themselves."""
        for _, name in self._own_names():
            if name not in self._servers:
                try:
                    authority = await find_authority(self.names, name)
                except TroubleError:
                    self._servers[name] = (None,)
                else:
                    self._servers[name] = (None, *authority.servers)
        await self._ask(None)

    def owners(self, kind: Kind) -> Owners:
        """Return whose address is whose, as far as it is known."""
        direct, cdn = (frozenset(self.known[path, kind]) for path in PATHS)
        if kind == "A":
            return Owners(direct, cdn, empty_is_direct=False)
        proxies = frozenset(str(ip_address(address)) for address in self.target.proxy_addresses)
        return Owners(direct | proxies, cdn, empty_is_direct=not direct and not proxies)

    def is_made_up(self, address: str) -> bool:
        """Say whether DNS64 made an address of an A record."""
        return any(ip_address(address) in prefix for prefix in self.prefixes)

    def _own_names(self) -> Iterable[tuple[Path, str]]:
        return ("direct", self.target.direct), ("cdn", self.target.cdn)

    async def _ask(self, servers: tuple[str | None, ...] | None) -> None:
        questions: list[tuple[Path, Kind, str, str | None]] = [
            (path, kind, name, server)
            for path, name in self._own_names()
            for kind in FAMILIES
            for server in (servers or self._servers.get(name, (None,)))
        ]
        answers = await asyncio.gather(
            *(self.names.ask(name, kind, server) for _, kind, name, server in questions),
            return_exceptions=True,
        )
        for (path, kind, name, _), answer in zip(questions, answers, strict=True):
            match answer:
                case DnsAnswer(code="NOERROR"):
                    self.known[path, kind].update(
                        value for value in answer.values if not self.is_made_up(value)
                    )
                case DnsAnswer():
                    self.trouble = f"{name} {kind} is answered {answer.code}"
                case TroubleError():
                    self.trouble = f"{name} {kind}: {answer}"
                case _:
                    raise answer


class Sampler:
    """Asks an authority the same thing many times, its servers in turn."""

    def __init__(self, names: Names, name: str, kind: str, servers: Sequence[str]) -> None:
        """Choose the question."""
        self._names = names
        self._question = name, kind
        self._servers = list(servers)
        self.answers: list[DnsAnswer] = []

    async def grow(self, total: int) -> None:
        """Ask until there are so many answers.

        Raises:
            TroubleError: No server answers any more.
        """
        while (missing := total - len(self.answers)) > 0:
            chosen = [
                self._servers[index % len(self._servers)] for index in range(min(missing, _AT_ONCE))
            ]
            found = await asyncio.gather(
                *(self._names.ask(*self._question, server) for server in chosen),
                return_exceptions=True,
            )
            for server, answer in zip(chosen, found, strict=True):
                match answer:
                    case DnsAnswer(code="NOERROR", authoritative=True):
                        self.answers.append(answer)
                    case DnsAnswer(code="NOERROR"):
                        # A referral, or a cache, which repeats one draw: either is no sample.
                        raise TroubleError("protocol", f"{server} answers as no authority")
                    case DnsAnswer():
                        raise TroubleError("protocol", f"{server} answers {answer.code}")
                    case TroubleError():
                        self._servers = [other for other in self._servers if other != server]
                        if not self._servers:
                            raise answer
                    case _:
                        raise answer


async def check_records(s: Surroundings) -> AsyncIterator[Result]:
    """Yield whether each hostname exists, and nothing stands between it and its addresses."""
    for hostname in s.target.hostnames:
        async for result in _records(s, hostname):
            yield result


async def _records(s: Surroundings, hostname: str) -> AsyncIterator[Result]:
    try:
        cname = await s.names.ask(hostname, "CNAME")
        a, aaaa = await asyncio.gather(*(s.names.ask(hostname, kind) for kind in FAMILIES))
    except TroubleError as trouble:
        yield Result("dns-exists", "unknown", f"the resolver: {trouble}", hostname)
        return
    yield _exists(hostname, a, aaaa)
    yield _cname(hostname, cname)
    try:
        authority = await find_authority(s.names, hostname)
    except TroubleError as trouble:
        yield Result("dns-authority", "unknown", str(trouble), hostname)
        return
    yield _authority(hostname, authority)
    if authority.servers:
        yield await _negative(s.names, hostname, authority)
        yield await _https(s, hostname, authority)
        async for result in _resolver(s, hostname, authority, {"A": a, "AAAA": aaaa}):
            yield result


def _exists(hostname: str, a: DnsAnswer, aaaa: DnsAnswer) -> Result:
    codes = {a.code, aaaa.code}
    count = f"{len(a.values)} A and {len(aaaa.values)} AAAA values"
    if codes == {"NOERROR"} and (a.values or aaaa.values):
        return Result("dns-exists", "pass", f"the resolver answers {count}", hostname)
    if "NXDOMAIN" in codes or codes == {"NOERROR"}:
        evidence = f"the resolver answers {' and '.join(sorted(codes))} with {count}"
        remedy = "Run pulumi up, and see that the zone is delegated to its servers."
        return Result("dns-exists", "fail", evidence, hostname, remedy=remedy)
    evidence = f"the resolver answers {' and '.join(sorted(codes))}"
    return Result("dns-exists", "unknown", evidence, hostname)


def _cname(hostname: str, cname: DnsAnswer) -> Result:
    if cname.code not in TELLING_CODES:
        evidence = f"the resolver answers {cname.code}"
        return Result("dns-cname", "unknown", evidence, hostname)
    if not cname.values:
        return Result("dns-cname", "pass", "no CNAME is in the way", hostname)
    return Result(
        "dns-cname",
        "fail",
        f"{hostname} is a CNAME for {cname.values[0].rstrip('.')}; A and AAAA records cannot have "
        "weights beside it",
        hostname,
        remedy="Replace the CNAME by the A and AAAA records in one change batch.",
    )


def _authority(hostname: str, authority: Authority) -> Result:
    servers = len(authority.servers)
    evidence = f"{authority.zone} is answered at {servers} addresses"
    remarks = [
        f"{what}: {weights.shown(which)}"
        for what, which in (
            ("no authority", authority.lame),
            ("no answer", authority.silent),
            ("no IPv6 from here", authority.skipped),
        )
        if which
    ]
    verdict: Verdict = "pass"
    remedy = ""
    if authority.lame:
        verdict = "fail"
        remedy = "Give the parent zone the NS records that the hosted zone has."
    elif authority.silent or not servers:
        verdict = "unknown"
    return Result(
        "dns-authority", verdict, "; ".join([evidence, *remarks]), hostname, remedy=remedy
    )


async def _negative(names: Names, hostname: str, authority: Authority) -> Result:
    """Judge how long 'there is none' is kept: too long is safe but late, see `weights`."""
    try:
        answer = await names.ask(authority.zone, "SOA", authority.servers[0])
    except TroubleError as trouble:
        return Result("dns-negative-ttl", "unknown", str(trouble), hostname)
    seconds = negative_ttl(answer)
    if seconds is None:
        evidence = f"{authority.zone} is answered without a SOA record"
        return Result("dns-negative-ttl", "unknown", evidence, hostname)
    evidence = f"an empty answer is kept for {seconds} s"
    accepted: tuple[str, ...] = ()
    if seconds > TTL_SECONDS:
        evidence += (
            f", longer than the {TTL_SECONDS} s of the others: where a path has no AAAA, fewer "
            "IPv6 clients are on cdn than the weight says, which is safe"
        )
        accepted = ("empty-answers-kept-longer",)
    return Result("dns-negative-ttl", "pass", evidence, hostname, accepted=accepted)


def negative_ttl(soa: DnsAnswer) -> int | None:
    """Return the TTL of negative answers: the SOA record's own or its last number, the smaller.

    Source: RFC 2308 section 5.
    """
    if not soa.values or soa.ttl_seconds is None:
        return None
    numbers = soa.values[0].split()
    if len(numbers) != _SOA_FIELDS or not numbers[-1].isdigit():
        return None
    return min(soa.ttl_seconds, int(numbers[-1]))


async def _https(s: Surroundings, hostname: str, authority: Authority) -> Result:
    """Look for HTTPS records: a third weighted group, which newer clients follow first.

    Its weights are its own, whatever those of A and AAAA are: at 100 and 0 a member that leads to
    cdn moves users as well. So even then a member that has a small share has to be seen.
    """
    declared = [weight for weight in s.target.weights or () if weight]
    smallest = min(_HTTPS_SHARE, min(declared) / sum(declared) if declared else 1)
    needed = int(shares.answers_to_see(smallest))
    wanted = min(s.options.dns_queries, needed)
    sampler = Sampler(s.names, hostname, "HTTPS", authority.servers)
    addresses = Addresses(s.names, s.target)
    try:
        await sampler.grow(wanted)
        if any(answer.values for answer in sampler.answers):
            await addresses.learn_more()
    except TroubleError as trouble:
        return Result("dns-https", "unknown", f"HTTPS records: {trouble}", hostname)
    values = sorted({value for answer in sampler.answers for value in answer.values})
    if not values:
        evidence = f"no HTTPS record in {wanted} answers"
        if wanted < needed:
            evidence += f"; a member with {smallest:.1%} of them is missed only after {needed}"
            remedy = f"Allow {needed} with --dns-queries."
            return Result("dns-https", "unknown", evidence, hostname, remedy=remedy)
        return Result("dns-https", "pass", evidence, hostname)
    owners: dict[Kind, Owners] = {kind: addresses.owners(kind) for kind in FAMILIES}
    faults = https_faults(values, hostname, s.target, owners)
    if faults:
        remedy = (
            f"Remove the HTTPS records of {hostname} until the shift is done, or give both paths "
            "one that leads nowhere else than its A and AAAA records."
        )
        return Result("dns-https", "fail", "; ".join(faults), hostname, remedy=remedy)
    evidence = f"HTTPS records lead to the A and AAAA records: {weights.shown(values)}"
    return Result("dns-https", "pass", evidence, hostname)


class _Https(Protocol):
    """The HTTPS record, as dnspython has it."""

    priority: int
    target: dns.name.Name
    params: Any


_PORT_KEY: Final = 3
_HINT_KEYS: Final[tuple[tuple[Kind, int], ...]] = (("A", 4), ("AAAA", 6))
"""Numbers of `port`, `ipv4hint` and `ipv6hint`. Source: RFC 9460 section 14.3.2."""


def https_faults(
    values: Iterable[str], hostname: str, target: Target, owners: dict[Kind, Owners]
) -> list[str]:
    """Return where HTTPS records lead that the A and AAAA records do not.

    Hints are addresses that a client may use before it has the A and AAAA records. Those of one
    path alone give that path more than its share, unless the other path has hints of its own.

    Args:
        values: The records; of a weighted group, those of all members.
        hostname: Their name.
        target: What is verified.
        owners: Whose address is whose.
    """
    faults: list[str] = []
    hinted: set[Path] = set()
    for value in values:
        parsed: Any = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.HTTPS, value)
        record: _Https = parsed
        name = record.target.to_text(omit_final_dot=True).lower()
        if name not in ("", ".", "@", hostname.lower().rstrip(".")):
            faults.append(f"an HTTPS record leads to {name}, past the A and AAAA records")
        port = record.params.get(_PORT_KEY)
        if port is not None and port.port != target.port:
            faults.append(f"an HTTPS record leads to port {port.port} instead of {target.port}")
        hints: dict[Kind, tuple[str, ...]] = {
            kind: tuple(record.params[key].addresses)
            for kind, key in _HINT_KEYS
            if record.params.get(key) is not None
        }
        for kind, addresses in hints.items():
            owner = owners[kind].of(addresses)
            if owner == "nobody" or owner == "empty":  # noqa: PLR1714 - what pyright understands
                faults.append(
                    f"an HTTPS record hints at {weights.shown(addresses)}, neither path's"
                )
                continue
            hinted.add(owner)
            twin = OTHER_KIND[kind]
            if twin not in hints and getattr(owners[twin], owner):
                faults.append(
                    f"unpaired: an HTTPS record hints at {FAMILIES[kind]} addresses of the {owner} "
                    f"path, {weights.shown(addresses)}, and at none of {FAMILIES[twin]}"
                )
    for path in PATHS:
        other = PATHS[path == "direct"]
        if (
            other in hinted
            and path not in hinted
            and (target.weights is None or target.weights[path == "cdn"])
        ):
            faults.append(
                f"unpaired: HTTPS records hint at the addresses of the {other} path only, whatever "
                "the weights say"
            )
    return faults


async def _resolver(
    s: Surroundings, hostname: str, authority: Authority, cached: dict[Kind, DnsAnswer]
) -> AsyncIterator[Result]:
    """Compare what the resolver answers with what the authority does."""
    addresses = Addresses(s.names, s.target)
    await addresses.learn()
    for kind in FAMILIES:
        sampler = Sampler(s.names, hostname, kind, authority.servers)
        try:
            await sampler.grow(_AT_ONCE)
        except TroubleError as trouble:
            yield Result("dns-resolver", "unknown", str(trouble), hostname, family=FAMILIES[kind])
            continue
        answer = cached[kind]
        for _ in range(_ROUNDS):
            if addresses.owners(kind).of(_real(answer, addresses)) != "nobody":
                break
            await addresses.learn_more()
        yield judge_resolver(
            hostname,
            kind,
            cached=replace(answer, values=_real(answer, addresses)),
            fresh=sampler.answers,
            owners=addresses.owners(kind),
            declared=s.target.weights,
        )


def _real(answer: DnsAnswer, addresses: Addresses) -> tuple[str, ...]:
    """Return the addresses that the resolver did not make up for NAT64."""
    return tuple(value for value in answer.values if not addresses.is_made_up(value))


def judge_resolver(
    hostname: str,
    kind: Kind,
    *,
    cached: DnsAnswer,
    fresh: Sequence[DnsAnswer],
    owners: Owners,
    declared: tuple[int, int] | None,
) -> Result:
    """Say whether the resolver answers what the authority does.

    A resolver that keeps answers for longer than it was told to is no fault of the zone: it is
    noted. One that gives what the zone does not give any more hides what the rest would show.
    """
    family = FAMILIES[kind]
    owner = owners.of(cached.values)
    given = weights.shown(cached.values) or "no address"
    evidence = f"the resolver answers {given}, which is {owner}'s"
    fresh_values = {value for answer in fresh for value in answer.values}
    foreign = owner == "nobody" and not fresh_values.issuperset(cached.values)
    weight = None if declared is None or owner in ("nobody", "empty") else declared[owner == "cdn"]
    if cached.code != "NOERROR":
        evidence = f"the resolver answers {cached.code}, the authority does not"
        return Result("dns-resolver", "unknown", evidence, hostname, None, family)
    if foreign or (weight == 0 and all(owners.of(answer.values) != owner for answer in fresh)):
        evidence = f"the resolver answers {given}, which the authority does not give any more"
        return Result("dns-resolver", "unknown", evidence, hostname, None, family)
    longest = max(
        (
            answer.ttl_seconds
            for answer in fresh
            if answer.ttl_seconds is not None and bool(answer.values) == bool(cached.values)
        ),
        default=None,
    )
    if longest is None or cached.ttl_seconds is None or cached.ttl_seconds <= longest:
        return Result("dns-resolver", "pass", evidence, hostname, None, family)
    evidence += (
        f"; it keeps that for {cached.ttl_seconds} s though it may for {longest} s: its users will "
        "follow a shift, and a way back, later than others"
    )
    return Result(
        "dns-resolver", "pass", evidence, hostname, None, family, ("resolver-extends-ttl",)
    )


async def check_weights(s: Surroundings) -> AsyncIterator[Result]:
    """Yield whether both families have members of both paths, and at the declared shares."""

    async def one(hostname: str) -> list[Result]:
        try:
            return await _weights(s, hostname)
        except TroubleError as trouble:
            return [Result("dns-shares", "unknown", str(trouble), hostname)]

    for results in await asyncio.gather(*(one(hostname) for hostname in s.target.hostnames)):
        for result in results:
            yield result


async def _weights(s: Surroundings, hostname: str) -> list[Result]:
    authority = await _answering_authority(s.names, hostname)
    addresses = Addresses(s.names, s.target)
    await addresses.learn()
    if addresses.known["cdn", "A"] and not addresses.known["cdn", "AAAA"]:
        # CloudFront may withhold AAAA from one resolver; its own servers have the last word.
        await addresses.learn_more()
    samplers: dict[Kind, Sampler] = {
        kind: Sampler(s.names, hostname, kind, authority.servers) for kind in FAMILIES
    }
    results: list[Result] = []
    for look, answers in shares.looks(s.options.dns_queries):
        await asyncio.gather(*(sampler.grow(answers) for sampler in samplers.values()))
        sample = Sample(
            hostname,
            look,
            await _tallies(samplers, addresses),
            s.target.weights,
            s.options.share_tolerance,
            cdn_lacks_ipv6=bool(
                addresses.known["cdn", "A"]
                and not addresses.known["cdn", "AAAA"]
                and not addresses.trouble
            ),
        )
        results = weights.merged(results, weights.judge(sample))
        if weights.settled(sample, results):
            break
    return results or [Result("dns-shares", "unknown", "no queries were allowed", hostname)]


async def _tallies(samplers: dict[Kind, Sampler], addresses: Addresses) -> dict[Kind, Tally]:
    for _ in range(_ROUNDS):
        found: dict[Kind, Tally] = {
            kind: weights.tally(sampler.answers, addresses.owners(kind))
            for kind, sampler in samplers.items()
        }
        if not any(each.nobody for each in found.values()):
            return found
        await addresses.learn_more()
    return {
        kind: weights.tally(sampler.answers, addresses.owners(kind))
        for kind, sampler in samplers.items()
    }


def dnssec_check(now: Callable[[], float] = time.time) -> Check:
    """Return the check of the zone's signatures.

    Args:
        now: Tells the time, in seconds since 1970.
    """

    async def check_dnssec(s: Surroundings) -> AsyncIterator[Result]:
        """Yield whether the zone of each hostname is signed, and the signatures hold."""
        for hostname in s.target.hostnames:
            try:
                authority = await _answering_authority(s.names, hostname)
                verdict, evidence = await _dnssec(s.names, hostname, authority, now())
            except TroubleError as trouble:
                verdict, evidence = "unknown", str(trouble)
            remedy = ""
            if verdict == "fail":
                remedy = "Mend the chain of trust, or take the DS record out of the parent zone."
            yield Result("dns-dnssec", verdict, evidence, hostname, remedy=remedy)

    return check_dnssec


async def _dnssec(
    names: Names, hostname: str, authority: Authority, now: float
) -> tuple[Verdict, str]:
    zone, server = authority.zone, authority.servers[0]
    parent = await names.ask(zone, "DS")
    if parent.code != "NOERROR":
        return "unknown", f"the resolver answers {parent.code} for the DS records of {zone}"
    keys = await names.ask(zone, "DNSKEY", server)
    if not parent.values:
        signed = ", though it has keys: the parent has no DS record for it" if keys.values else ""
        return "pass", f"{zone} is not signed{signed}"
    answers = [
        (kind, name, await names.ask(name, kind, server))
        for kind, name in (("SOA", zone), ("A", hostname), ("AAAA", hostname))
    ]
    fault = signature_fault(zone, parent, keys, answers, now)
    if fault:
        return "fail", fault
    covered = " and ".join(kind for kind, _, answer in answers if answer.values)
    return "pass", f"{zone} is signed; the signatures of {covered} hold"


def signature_fault(
    zone: str,
    parent: DnsAnswer,
    keys: DnsAnswer,
    answers: Sequence[tuple[str, str, DnsAnswer]],
    now: float,
) -> str:
    """Return what breaks the chain from the parent's DS records to some answers; empty: nothing.

    Args:
        zone: Name of the zone.
        parent: Its DS records.
        keys: Its DNSKEY records.
        answers: Type, name and answer of what is to be validated; those without values are skipped.
        now: The time, in seconds since 1970.
    """
    if not keys.values:
        return f"the parent has a DS record for {zone}, which has no keys"
    key_set = _rrset(zone, "DNSKEY", keys)
    digests: list[Any] = [
        dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.DS, value) for value in parent.values
    ]
    trusted = dns.rrset.RRset(key_set.name, key_set.rdclass, key_set.rdtype)
    for key in _members(key_set):
        if any(_matches(zone, key, digest) for digest in digests):
            trusted.add(key)
    if len(trusted) == 0:
        return f"no key of {zone} is the one that the parent's DS records name"
    chain = [("DNSKEY", zone, keys, trusted), *((*answer, key_set) for answer in answers)]
    for kind, name, answer, by in chain:
        if not answer.values:
            continue
        if not answer.signatures:
            return f"{name} {kind} has no signature, though the parent has a DS record for {zone}"
        try:
            cast("Any", dns.dnssec).validate(
                _rrset(name, kind, answer),
                dns.rrset.from_text_list(
                    _absolute(name),
                    answer.ttl_seconds or 0,
                    dns.rdataclass.IN,
                    dns.rdatatype.RRSIG,
                    answer.signatures,
                ),
                {_absolute(zone): by},
                now=now,
            )
        except dns.exception.DNSException as error:
            return f"the signature of {name} {kind} does not hold: {error or type(error).__name__}"
    return ""


def _rrset(name: str, kind: str, answer: DnsAnswer) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(
        _absolute(name), answer.ttl_seconds or 0, dns.rdataclass.IN, kind, answer.values
    )


def _members(records: Any) -> list[Any]:
    return list(records)


def _matches(zone: str, key: Any, digest: Any) -> bool:
    try:
        made = dns.dnssec.make_ds(_absolute(zone), key, digest.digest_type, validating=True)
    except dns.exception.DNSException:
        return False
    return made == digest


def _absolute(name: str) -> dns.name.Name:
    return dns.name.from_text(name)


CHECKS: Final[tuple[Check, ...]] = (check_records, check_weights, dnssec_check())
"""The checks of this module."""
