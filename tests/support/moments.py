"""What users are answered, and who serves them, between any two calls of a deployment.

A deployment's calls pass here on their way to both clouds, one at a time. Before and after each
that changes something both accounts are looked at: no state of theirs is too short to be seen.
"""

import re
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise, product
from typing import TYPE_CHECKING, Final

import urllib3

from support.engine import client, holders, zone_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_cloudfront.type_defs import DistributionSummaryTypeDef
    from types_boto3_route53.type_defs import ResourceRecordSetOutputTypeDef

    from sandbox.clouds import background
    from support.engine import Stack

FAMILIES: Final = ("A", "AAAA")

LOAD_BALANCER: Final = re.compile(r"\.elb\.(?:[a-z0-9-]+\.)?amazonaws\.com\.$")
"""The end of a load balancer's name; those of this account are there all the time."""

CLOUDFRONT: Final = re.compile(r"\.cloudfront\.net\.$")
"""The end of a distribution's name."""

ASKS: Final = re.compile(rb"(?:^|&)Action=(?:Describe|Get|List)")
"""A body of EC2, of load balancers or of CloudWatch that changes nothing."""


@dataclass(frozen=True)
class Served:
    """A distribution at one time."""

    domain: str
    enabled: bool
    aliases: frozenset[str]
    deployed: bool
    """Whether all of CloudFront has it as it is."""
    certificate: str
    """The ARN of what it presents."""
    origin: str
    """The name of the load balancer it asks."""
    secret: str | None
    """What it sends for the load balancer to know it by."""


@dataclass(frozen=True)
class Moment:
    """Both accounts at one time."""

    at: float
    """When, in seconds of a clock that only goes forward."""
    records: "tuple[ResourceRecordSetOutputTypeDef, ...]"
    """All records of the zone."""
    distributions: tuple[Served, ...]
    certificates: frozenset[str]
    """The ARNs of all certificates."""
    assigned: frozenset[str]
    """Addresses that lead to a droplet."""

    def members(self, name: str, family: str) -> "list[ResourceRecordSetOutputTypeDef]":
        """Return the records of a name that Route 53 draws from."""
        group = [each for each in self.records if (each["Name"], each["Type"]) == (name, family)]
        return [each for each in group if each.get("Weight")] or group

    def share(self, name: str, family: str) -> float:
        """Return the part of a hostname's answers that leads to CloudFront."""
        members = self.members(f"{name}.", family)
        all_equal = not any(each.get("Weight") for each in members)
        drawn = [(each, 1 if all_equal else each.get("Weight", 0)) for each in members]
        to_cdn = sum(weight for each, weight in drawn if _leads_to_cdn(each))
        return to_cdn / sum(weight for _, weight in drawn) if drawn else 0.0

    def led_to_cdn(self) -> frozenset[str]:
        """Return the names of which a record leads to a distribution, whatever its weight."""
        domains = {f"{each.domain}." for each in self.distributions}
        return frozenset(
            each["Name"].rstrip(".")
            for each in self.records
            if each.get("AliasTarget", {}).get("DNSName") in domains
        )

    def addresses(self) -> frozenset[str]:
        """Return the addresses in AAAA answers of the old path, while all proxies are healthy."""
        led = {
            each["AliasTarget"]["DNSName"]
            for each in self.records
            if (each["Type"], each.get("SetIdentifier")) == ("AAAA", "direct")
            and "AliasTarget" in each
        }
        return frozenset(
            value["Value"]
            for name in led
            for member in self.members(name, "AAAA")
            for value in member.get("ResourceRecords", ())
        )


def _leads_to_cdn(record: "ResourceRecordSetOutputTypeDef") -> bool:
    """Say whether a record is of the new path; one without an identifier, by what it leads to."""
    target = record.get("AliasTarget", {}).get("DNSName", "")
    return record.get("SetIdentifier", "cdn" if CLOUDFRONT.search(target) else "") == "cdn"


@dataclass
class Watch:
    """What was seen, moment by moment."""

    moments: list[Moment] = field(default_factory=list[Moment])

    def faults(self, names: Iterable[str], ttl_seconds: float = 0) -> list[str]:
        """Return what was wrong, each with its moment; nothing if all were served all the time.

        Args:
            names: Hostnames that have to be answered in both families all the time. What any other
                answer leads to is looked at as well.
            ttl_seconds: How long an answer goes on being used.
        """
        assert self.moments, "nothing was changed"
        everywhere = list(self._served_everywhere())
        ends = [after.at for after in self.moments[1:]] + [float("inf")]
        return [
            f"{number}: {fault}"
            for number, moment in enumerate(self.moments)
            for fault in (
                *_unanswered(moment, names),
                *(
                    fault
                    for before, end in zip(self.moments[: number + 1], ends, strict=False)
                    if end > moment.at - ttl_seconds
                    for fault in _unserved(before, moment, everywhere[number])
                ),
            )
        ]

    def shares(self, name: str) -> list[tuple[float, float]]:
        """Return the shares of CloudFront that a hostname passed, in IPv4 and in IPv6."""
        shares = [(moment.share(name, "A"), moment.share(name, "AAAA")) for moment in self.moments]
        return [shares[0], *(after for before, after in pairwise(shares) if after != before)]

    def _served_everywhere(self) -> Iterator[dict[str, frozenset[str]]]:
        """Yield for each moment the names that all of CloudFront serves, by distribution."""
        everywhere: dict[str, frozenset[str]] = {}
        for moment in self.moments:
            everywhere = {
                each.domain: each.aliases
                if each.deployed
                else each.aliases & everywhere.get(each.domain, frozenset())
                for each in moment.distributions
                if each.enabled
            }
            yield everywhere


def _unanswered(moment: Moment, names: Iterable[str]) -> Iterator[str]:
    """Yield which names have no answer, and which distribution cannot answer."""
    for each in moment.distributions:
        if each.certificate not in moment.certificates:
            yield f"{each.domain} has {each.certificate}, which is not there"
    for name, family in product(names, FAMILIES):
        if not moment.members(f"{name}.", family):
            yield f"{name} has no {family} record"


def _unserved(before: Moment, now: Moment, everywhere: dict[str, frozenset[str]]) -> Iterator[str]:
    """Yield which answers of a moment lead to what does not serve them now."""
    for address in sorted(before.addresses() - now.assigned):
        yield f"{address} is in answers, and nobody has it"
    for each in before.records:
        name, target = each["Name"].rstrip("."), each.get("AliasTarget", {}).get("DNSName", "")
        path = each.get("SetIdentifier", "cdn" if CLOUDFRONT.search(target) else "")
        if path not in {"direct", "cdn"} or LOAD_BALANCER.search(target):
            continue
        if target.startswith("_proxy."):
            # A resolver has the addresses, and not the name of the group.
            if before is now and not now.members(target, each["Type"]):
                yield f"{name} {each['Type']} leads to {target}, which has no records"
        elif name not in everywhere.get(target.rstrip("."), frozenset()):
            yield f"{name} {each['Type']} leads to {target}, which does not serve that name"


@contextmanager
def watched(
    stack: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> Generator[Watch]:
    """Look at both accounts between any two changes that a stack makes, until the end."""
    watch, one_at_a_time = Watch(), threading.RLock()

    def look() -> None:
        watch.moments.append(moment(account, droplets))

    variables = {"AWS_ENDPOINT_URL": account, "DIGITALOCEAN_API_URL": droplets}
    before = dict(stack.variables)
    with ExitStack() as until:
        for variable, cloud in variables.items():
            assert stack.variables[variable].startswith(cloud.url)
            passing = until.enter_context(_passing(cloud.url, look, one_at_a_time))
            stack.variables[variable] = stack.variables[variable].replace(cloud.url, passing)
        try:
            yield watch
        finally:
            stack.variables.update({variable: before[variable] for variable in variables})


def moment(account: "background.Cloud", droplets: "background.Cloud") -> Moment:
    """Look at both accounts now."""
    summaries = client(account, "cloudfront").list_distributions()["DistributionList"]
    certificates = client(account, "acm").list_certificates()["CertificateSummaryList"]
    return Moment(
        time.monotonic(),
        tuple(zone_records(client(account, "route53"))),
        tuple(map(_served, summaries.get("Items", []))),
        frozenset(each["CertificateArn"] for each in certificates),
        frozenset(holders(droplets)),
    )


def _served(summary: "DistributionSummaryTypeDef") -> Served:
    (origin,) = summary["Origins"]["Items"]
    headers = origin.get("CustomHeaders", {}).get("Items", [])
    return Served(
        summary["DomainName"],
        enabled=summary["Enabled"],
        aliases=frozenset(summary["Aliases"].get("Items", [])),
        deployed=summary["Status"] == "Deployed",
        certificate=summary["ViewerCertificate"].get("ACMCertificateArn", ""),
        origin=origin["DomainName"],
        secret=headers[0]["HeaderValue"] if headers else None,
    )


@contextmanager
def _passing(
    url: str, look: "Callable[[], None]", one_at_a_time: threading.RLock
) -> Generator[str]:
    """Pass requests on, one at a time, with a look before and after each that changes something."""
    pool = urllib3.PoolManager(retries=False)

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            ask = partial(
                pool.request,
                self.command,
                url + self.path,
                body=body,
                headers=dict(self.headers),
                redirect=False,
            )
            with one_at_a_time:
                changes = self.changes(body)
                if changes:
                    look()
                answer = ask()
                if changes:
                    look()
            self.send_response_only(answer.status)
            for header, value in answer.headers.items():
                if header.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(header, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            self.wfile.write(answer.data)

        def changes(self, body: bytes) -> bool:
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            asks = ASKS.search(body) or operation.startswith(("Describe", "Get", "List"))
            return self.command not in {"GET", "HEAD"} and not asks

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = pass_on  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Passing) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
