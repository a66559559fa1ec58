"""Whether the zone of each hostname is signed, and whether its signatures hold."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, cast

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from rollout.probe.authority import ZoneAuthority
from rollout.probe.model import DnsAnswer, DnsClient, Result, TroubleError, Verdict
from rollout.verify.check import Check, CheckContext
from rollout.verify.dns_answers import answering_authority


def dnssec_check(now: Callable[[], float] = time.time) -> Check:
    """Return the check.

    Args:
        now: Returns the time, in seconds since 1970.
    """

    async def check_dnssec(context: CheckContext) -> AsyncIterator[Result]:
        for hostname in context.target.hostnames:
            try:
                authority = await answering_authority(context.dns_client, hostname)
                verdict, evidence = await _dnssec(context.dns_client, hostname, authority, now())
            except TroubleError as trouble:
                verdict, evidence = "unknown", str(trouble)
            remedy = ""
            if verdict == "fail":
                remedy = "Mend the chain of trust, or take the DS record out of the parent zone."
            yield Result("dns-dnssec", verdict, evidence, hostname, remedy=remedy)

    return Check("dns-dnssec", check_dnssec)


async def _dnssec(
    dns_client: DnsClient, hostname: str, authority: ZoneAuthority, now: float
) -> tuple[Verdict, str]:
    zone, server = authority.zone, authority.servers[0]
    parent = await dns_client.ask(zone, "DS")
    if parent.code != "NOERROR":
        return "unknown", f"the resolver answers {parent.code} for the DS records of {zone}"
    keys = await dns_client.ask(zone, "DNSKEY", server)
    if not parent.values:
        signed = ", though it has keys: the parent has no DS record for it" if keys.values else ""
        return "pass", f"{zone} is not signed{signed}"
    answers = [
        (kind, name, await dns_client.ask(name, kind, server))
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
        answers: Type, name and answer of each record set to validate; empty answers are skipped.
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


CHECKS: Final[tuple[Check, ...]] = (dnssec_check(),)
