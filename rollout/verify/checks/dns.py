"""What DNS says about the hostnames: at the zone's own servers, and through the resolver.

The resolver's answers are compared with those of the authority, because the resolver is what the
users of this network get.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from rollout import statistics
from rollout.probe.authority import TELLING_CODES, ZoneAuthority, find_authority
from rollout.probe.model import DnsAnswer, DnsClient, Result, TroubleError, Verdict
from rollout.verify.check import Check, CheckContext
from rollout.verify.dns_answers import (
    FAMILIES,
    LEARNING_ROUNDS,
    QUERIES_AT_ONCE,
    TTL_SECONDS,
    AddressBook,
    AddressOwners,
    RecordType,
    Sampler,
    first_few,
)
from rollout.verify.https_records import https_faults

_HTTPS_SHARE: Final = 0.05
"""The smallest share of the answers at which an HTTPS record is still looked for, where no declared
share is smaller: 135 answers. To see every weight of 255 would take 1,758 for each hostname."""

_SOA_FIELDS: Final = 7
"""Fields of a SOA record; the last is the minimum. Source: RFC 1035 section 3.3.13."""


async def check_records(context: CheckContext) -> AsyncIterator[Result]:
    """Yield whether each hostname exists, and nothing stands between it and its addresses."""
    for hostname in context.target.hostnames:
        async for result in _records(context, hostname):
            yield result


async def _records(context: CheckContext, hostname: str) -> AsyncIterator[Result]:
    try:
        cname = await context.dns_client.ask(hostname, "CNAME")
        a, aaaa = await asyncio.gather(
            *(context.dns_client.ask(hostname, kind) for kind in FAMILIES)
        )
    except TroubleError as trouble:
        yield Result("dns-exists", "unknown", f"the resolver: {trouble}", hostname)
        return
    yield _exists(hostname, a, aaaa)
    yield _cname(hostname, cname)
    try:
        authority = await find_authority(context.dns_client, hostname)
    except TroubleError as trouble:
        yield Result("dns-authority", "unknown", str(trouble), hostname)
        return
    yield _authority(hostname, authority)
    if authority.servers:
        yield await _negative(context.dns_client, hostname, authority)
        yield await _https(context, hostname, authority)
        async for result in _resolver(context, hostname, authority, {"A": a, "AAAA": aaaa}):
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


def _authority(hostname: str, authority: ZoneAuthority) -> Result:
    servers = len(authority.servers)
    evidence = f"{authority.zone} is answered at {servers} addresses"
    remarks = [
        f"{what}: {first_few(which)}"
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


async def _negative(dns_client: DnsClient, hostname: str, authority: ZoneAuthority) -> Result:
    """Judge how long an empty answer is kept: too long is safe but late, see `dns_shares`."""
    try:
        answer = await dns_client.ask(authority.zone, "SOA", authority.servers[0])
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


async def _https(context: CheckContext, hostname: str, authority: ZoneAuthority) -> Result:
    """Look for HTTPS records: a third weighted group, which newer clients follow first.

    Its weights do not depend on those of A and AAAA: at 100 and 0 a member that leads to cdn still
    moves users. So even then a member with a small share has to be seen.
    """
    declared = [weight for weight in context.target.weights or () if weight]
    smallest = min(_HTTPS_SHARE, min(declared) / sum(declared) if declared else 1)
    needed = int(statistics.answers_to_see(smallest))
    sample_size = min(context.options.dns_queries, needed)
    sampler = Sampler(context.dns_client, hostname, "HTTPS", authority.servers)
    addresses = AddressBook(context.dns_client, context.target)
    try:
        await sampler.grow(sample_size)
        if any(answer.values for answer in sampler.answers):
            await addresses.learn_more()
    except TroubleError as trouble:
        return Result("dns-https", "unknown", f"HTTPS records: {trouble}", hostname)
    values = sorted({value for answer in sampler.answers for value in answer.values})
    if not values:
        evidence = f"no HTTPS record in {sample_size} answers"
        if sample_size < needed:
            evidence += f"; a member with {smallest:.1%} of them is missed only after {needed}"
            remedy = f"Allow {needed} with --dns-queries."
            return Result("dns-https", "unknown", evidence, hostname, remedy=remedy)
        return Result("dns-https", "pass", evidence, hostname)
    owners: dict[RecordType, AddressOwners] = {kind: addresses.owners(kind) for kind in FAMILIES}
    faults = https_faults(values, hostname, context.target, owners)
    if faults:
        remedy = (
            f"Remove the HTTPS records of {hostname} until the shift is done, or give both paths "
            "one that leads nowhere else than its A and AAAA records."
        )
        return Result("dns-https", "fail", "; ".join(faults), hostname, remedy=remedy)
    evidence = f"HTTPS records lead to the A and AAAA records: {first_few(values)}"
    return Result("dns-https", "pass", evidence, hostname)


async def _resolver(
    context: CheckContext,
    hostname: str,
    authority: ZoneAuthority,
    cached: dict[RecordType, DnsAnswer],
) -> AsyncIterator[Result]:
    """Compare what the resolver answers with what the authority does."""
    addresses = AddressBook(context.dns_client, context.target)
    await addresses.learn()
    for kind in FAMILIES:
        sampler = Sampler(context.dns_client, hostname, kind, authority.servers)
        try:
            await sampler.grow(QUERIES_AT_ONCE)
        except TroubleError as trouble:
            yield Result("dns-resolver", "unknown", str(trouble), hostname, family=FAMILIES[kind])
            continue
        answer = cached[kind]
        for _ in range(LEARNING_ROUNDS):
            if addresses.owners(kind).of(_real(answer, addresses)) != "nobody":
                break
            await addresses.learn_more()
        yield judge_resolver(
            hostname,
            kind,
            cached=replace(answer, values=_real(answer, addresses)),
            fresh=sampler.answers,
            owners=addresses.owners(kind),
            declared=context.target.weights,
        )


def _real(answer: DnsAnswer, addresses: AddressBook) -> tuple[str, ...]:
    """Return the addresses of an answer, without those made up for NAT64."""
    return tuple(value for value in answer.values if not addresses.is_made_up(value))


def judge_resolver(
    hostname: str,
    kind: RecordType,
    *,
    cached: DnsAnswer,
    fresh: Sequence[DnsAnswer],
    owners: AddressOwners,
    declared: tuple[int, int] | None,
) -> Result:
    """Say whether the resolver answers what the authority does.

    A resolver that keeps answers for too long is no fault of the zone: it is noted. One that gives
    what the zone no longer gives hides the rest, so the result is `unknown`.
    """
    family = FAMILIES[kind]
    owner = owners.of(cached.values)
    given = first_few(cached.values) or "no address"
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


CHECKS: Final[tuple[Check, ...]] = (Check("dns-records", check_records),)
