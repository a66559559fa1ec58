"""What the account and the distribution say before a name is taken over."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from rollout.adopt.account_checks import alias_conflicts, certificate_faults
from rollout.aws import AccountReader
from rollout.handover.edge_state import EdgeState
from rollout.probe.model import TroubleError
from rollout.probe.sockets import Handshake
from support.small_route53 import refusal

API = "api.example.com"
EDGE = EdgeState("edge-dns", "urn", "", True, "E1", "d1.cloudfront.net", (API,), "lb.test")
NOW = datetime.now(UTC)


class Account:
    """A session and its CloudFront at once."""

    def __init__(self, aliases: Sequence[str], others: Sequence[Any] = ()) -> None:
        self.aliases, self.others = aliases, others

    def client(self, *_: object, **__: object) -> "Account":
        return self

    def get_distribution_config(self, Id: str) -> Any:  # noqa: N803 - boto3's names
        assert Id == "E1"
        if not self.aliases:
            raise refusal("AccessDenied", 403)
        origin = {"Id": "o", "CustomOriginConfig": {"HTTPSPort": 443}}
        return {
            "DistributionConfig": {
                "DefaultCacheBehavior": {"TargetOriginId": "o"},
                "Origins": {"Items": [origin]},
                "Aliases": {"Items": list(self.aliases)},
            }
        }

    def get_paginator(self, _: str) -> "Account":
        return self

    def paginate(self) -> "Account":
        return self

    def search(self, _: str) -> list[Any]:
        return [{"Id": "E1", "Aliases": {"Items": list(self.aliases)}}]

    def list_conflicting_aliases(self, DistributionId: str, Alias: str) -> Any:  # noqa: N803
        assert (DistributionId, Alias) == ("E1", API)
        return {"ConflictingAliasesList": {"Items": list(self.others)}}


def conflicts(account: Account) -> list[str]:
    return [str(fault) for fault in alias_conflicts(AccountReader(account), EDGE, [API])]


def test_a_name_that_is_this_distributions_alone_passes() -> None:
    assert conflicts(Account(["API.example.com"])) == []


def test_a_name_of_another_distribution_a_missing_alias_and_a_closed_account_are_told_of() -> None:
    other = {"DistributionId": "*******XYZ", "Alias": API, "AccountId": "******111111"}
    (conflict,) = conflicts(Account([API], [other]))
    assert conflict.startswith(f"Hostname {API} is an alias of *******XYZ of account ******111111")
    (missing,) = conflicts(Account(["www.example.com"]))
    assert missing.startswith(f"Distribution E1 is without the alias {API}; ")
    (closed,) = conflicts(Account([]))
    assert "AccessDenied" in closed
    assert "cloudfront:ListConflictingAliases" in closed


class Edge:
    """A distribution that shows a certificate."""

    def __init__(self, certificate: bytes, *, trusted: bool = True) -> None:
        self.certificate, self.trusted = certificate, trusted

    async def shake(
        self, address: str, port: int, name: str, version: Any = None, *, verify: bool = False
    ) -> Handshake:
        assert (address, port, name, version) == ("d1.cloudfront.net", 443, API, None)
        if verify and not self.trusted:
            raise TroubleError("tls", "TLS: self-signed certificate")
        return Handshake("TLSv1.3", self.certificate, 0)


def shown(name: str, days: int = 90) -> bytes:
    """Return a certificate for a name."""
    issued = trustme.CA().issue_cert(
        name, not_before=NOW - timedelta(days=100), not_after=NOW + timedelta(days=days)
    )
    return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())


def told(edge: Any) -> list[str]:
    return [str(fault) for fault in certificate_faults(edge, EDGE, [API], lambda: NOW)]


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        (Edge(shown("www.example.com")), "is for www.example.com, not for api.example.com"),
        (Edge(shown(API, -1)), "the certificate expired on"),
        (Edge(shown(API), trusted=False), "self-signed certificate"),
    ],
)
def test_a_certificate_that_clients_refuse_is_told_of(edge: Edge, message: str) -> None:
    (fault,) = told(edge)
    assert message in fault
    assert "clients have to accept it before any answer leads there" in fault


def test_a_right_certificate_passes_and_one_that_is_not_seen_does_not() -> None:
    assert told(Edge(shown("*.example.com"))) == []

    class Away(Edge):
        async def shake(self, *_: Any, **__: Any) -> Handshake:  # type: ignore[override]
            raise TroubleError("timeout", "TCP: silence")

    (fault,) = told(Away(b""))
    assert "is not seen (TCP: silence); clients have to accept it" in fault
    assert "--skip-certificate" in fault


class Balancers:
    """A session, and its load balancers, at once."""

    def __init__(self, modern: Sequence[Any], classic: Sequence[Any]) -> None:
        self._listed = {"LoadBalancers[]": modern, "LoadBalancerDescriptions[]": classic}

    def client(self, _: str, region_name: str) -> "Balancers":
        assert region_name == "us-east-1"
        return self

    def get_paginator(self, _: str) -> "Balancers":
        return self

    def paginate(self) -> "Balancers":
        return self

    def search(self, what: str) -> Sequence[Any]:
        return self._listed[what]


def test_the_zone_of_a_load_balancer_is_found_whatever_its_kind() -> None:
    name = "Api-1.us-east-1.elb.amazonaws.com"
    modern = {"DNSName": name, "CanonicalHostedZoneId": "ZM"}
    classic = {"DNSName": name, "CanonicalHostedZoneNameID": "ZC"}
    ask = f"dualstack.{name.lower()}."
    assert AccountReader(Balancers([modern], [])).load_balancer_zone(ask) == "ZM"
    assert AccountReader(Balancers([], [classic])).load_balancer_zone(ask) == "ZC"
    with pytest.raises(Exception, match="no load balancer of this account in us-east-1 is called"):
        AccountReader(Balancers([], [])).load_balancer_zone(ask)
    with pytest.raises(Exception, match=r"lb\.test is no name of a load balancer"):
        AccountReader(Balancers([], [])).load_balancer_zone("lb.test")
