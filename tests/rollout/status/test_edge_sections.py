"""Weights, certificate, distribution, proxies and logs, from what the account answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from rollout.aws import AccountError
from rollout.digitalocean import AccountDroplet, DigitalOceanReader, TokenError
from rollout.edge import StackOutputs
from rollout.pulumi_command import PulumiError
from rollout.status.proxies import proxies_section
from rollout.status.room import SectionFields, StatusRequest
from rollout.status.stack import Once, StackReader
from rollout.status.viewers import certificate_section, distribution_section, logs_section
from rollout.status.weights import weights_section
from support.stubbed_account import AnsweringAccount

NAME: Final = "api.example.com"
GROUP: Final = "_proxy.api.example.com"
LB: Final = "api-1.us-east-1.elb.amazonaws.com"
CDN: Final = "d1.cloudfront.net"
ARN: Final = "arn:aws:acm:us-east-1:123456789012:certificate/1"
CHECK: Final = "0a1b2c3d-0000-4000-8000-000000000000"
NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROXIES: Final = ("2001:db8:d1::1", "2001:db8:d1::2")
SERVICES: Final = ("acm", "cloudfront", "elb", "elbv2", "route53")
AGAIN: Final = "Have it as the stack declares it: pulumi up --refresh"


class Stack(StackReader):
    """A stack with outputs and settings of its own."""

    def __init__(
        self,
        traffic: Mapping[str, int] | PulumiError | None = None,
        set_records: str | None = None,
        **outputs: Any,
    ) -> None:
        super().__init__(StatusRequest(), dict, {})
        targets = {("A", "direct"): LB, ("AAAA", "direct"): GROUP}
        every = {
            "hostnames": [NAME],
            "distributionId": "E1",
            "distributionDomainName": CDN,
            "certificateArn": ARN,
            "proxyAddresses": PROXIES,
            "traffic": {"direct": 99, "cdn": 1},
            "records": [
                {
                    "name": NAME,
                    "type": kind,
                    "setIdentifier": path,
                    "target": targets.get((kind, path), CDN),
                }
                for kind in ("A", "AAAA")
                for path in ("direct", "cdn")
            ],
            **outputs,
        }
        read = StackOutputs.model_validate_json(json.dumps(every), strict=True)

        def settings() -> Mapping[str, int] | None:
            if isinstance(traffic, PulumiError):
                raise traffic
            return traffic

        self.outputs = Once(lambda: read)  # type: ignore[misc] - what Pulumi would say
        self.settings = Once(settings)  # type: ignore[misc]
        self.set_records = Once(lambda: set_records)  # type: ignore[misc]


@pytest.fixture(scope="module")
def every_client() -> Iterator[AnsweringAccount]:
    account = AnsweringAccount(*SERVICES)
    yield account
    account.close()


@pytest.fixture
def account(every_client: AnsweringAccount) -> AnsweringAccount:
    for stub in every_client.stubs.values():
        stub.assert_no_pending_responses()
    return every_client


def zones(account: AnsweringAccount, *named: tuple[str, str]) -> None:
    """Have the account answer which hosted zones there are."""
    answer = [
        {
            "Id": f"/hostedzone/{id_}",
            "Name": f"{name}.",
            "CallerReference": "r",
            "Config": {"PrivateZone": id_.startswith("P")},
        }
        for id_, name in named or [("Z1", "example.com"), ("P1", "api.example.com")]
    ]
    account.stubs["route53"].add_response(
        "list_hosted_zones",
        {"HostedZones": answer, "Marker": "", "IsTruncated": False, "MaxItems": "100"},
    )


def records(
    account: AnsweringAccount, *sets: Mapping[str, Any], zone: str = "Z1", name: str = NAME
) -> None:
    """Have the account answer the records of a name, and the first of the next name."""
    after = {"Name": f"www.{name}.", "Type": "A", "SetIdentifier": "direct", "Weight": 7}
    account.stubs["route53"].add_response(
        "list_resource_record_sets",
        {
            "ResourceRecordSets": [*sets, after],
            "IsTruncated": False,
            "MaxItems": "300",
        },
        {"HostedZoneId": zone, "StartRecordName": name},
    )


def alias(kind: str, path: str, weight: int | None, target: str) -> dict[str, Any]:
    """Return a record of the hostname."""
    weighted = {"SetIdentifier": path, "Weight": weight} if weight is not None else {}
    lead = {"HostedZoneId": "Z", "DNSName": f"{target}.", "EvaluateTargetHealth": False}
    return {"Name": f"{NAME}.", "Type": kind, "AliasTarget": lead, **weighted}


AS_DECLARED: Final = (
    alias("A", "cdn", 1, CDN),
    alias("A", "direct", 99, f"dualstack.{LB}"),
    alias("AAAA", "cdn", 1, CDN),
    alias("AAAA", "direct", 99, GROUP),
)


def notes(section: SectionFields) -> Sequence[str]:
    return section.get("notes", ())


class TestWeights:
    def told(self, account: AnsweringAccount, *found: Mapping[str, Any]) -> SectionFields:
        zones(account)
        records(account, *found)
        return weights_section(Stack({"direct": 99, "cdn": 1}), account)

    def test_of_a_zone_that_is_as_declared(self, account: AnsweringAccount) -> None:
        both = {"direct": 99, "cdn": 1}
        assert self.told(account, *AS_DECLARED) == {
            "state": "ok",
            "lines": [
                ("settings", both),
                ("deployed", both),
                (f"{NAME} A", both),
                (f"{NAME} AAAA", both),
            ],
            "notes": [],
        }

    @pytest.mark.parametrize(
        ("found", "note"),
        [
            pytest.param(
                (*AS_DECLARED[:2], alias("AAAA", "cdn", 0, CDN), AS_DECLARED[3]),
                f"Record {NAME} AAAA cdn in zone Z1 is of weight 0; the stack declares weight 1. "
                + AGAIN,
                id="another weight in one family",
            ),
            pytest.param(
                AS_DECLARED[:3],
                f"Record {NAME} AAAA direct in zone Z1 is not there; the stack declares weight 99. "
                + AGAIN,
                id="one that is missing",
            ),
            pytest.param(
                (AS_DECLARED[0], alias("A", "direct", 99, "old.example.com"), *AS_DECLARED[2:]),
                f"Record {NAME} A direct in zone Z1 is leading to old.example.com; the stack has "
                f"it lead to {LB}. {AGAIN}",
                id="another target",
            ),
            pytest.param(
                (*AS_DECLARED, alias("A", "green", 50, LB)),
                f"Record {NAME} A green in zone Z1 is there with weight 50; the stack declares "
                "direct and cdn alone. Find out who made it, and remove it.",
                id="a stranger in the group",
            ),
        ],
    )
    def test_a_difference_is_named(
        self, account: AnsweringAccount, found: Sequence[Mapping[str, Any]], note: str
    ) -> None:
        told = self.told(account, *found)
        assert (told["state"], notes(told)) == ("attention", [note])

    @pytest.mark.parametrize("declared", ["none", "simple"])
    def test_simple_records_are_right_where_they_or_none_are_declared(
        self, account: AnsweringAccount, declared: str
    ) -> None:
        simple = [
            {"name": NAME, "type": kind, "setIdentifier": "", "target": LB}
            for kind in ("A", "AAAA")
        ]
        stack = Stack(records=simple if declared == "simple" else [], loadBalancer=LB)
        zones(account)
        records(account, *(alias(kind, "", None, LB) for kind in ("A", "AAAA")))
        told = weights_section(stack, account)
        assert dict(told["lines"])[f"{NAME} A"] == {"simple": None}
        assert list(notes(told)) == []

    @pytest.mark.parametrize(
        ("set_to", "found"),
        [
            ("weighted", AS_DECLARED),
            ("simple", [alias(kind, "", None, LB) for kind in ("A", "AAAA")]),
            ("none", [alias("A", "", None, "other.test")]),
        ],
    )
    def test_until_the_next_deployment_records_are_right_as_adopt_or_release_has_set_them(
        self, account: AnsweringAccount, set_to: str, found: Sequence[Mapping[str, Any]]
    ) -> None:
        zones(account)
        records(account, *found)
        deployed = "none" if set_to == "weighted" else "weighted"
        before: dict[str, Any] = {"records": [], "loadBalancer": LB} if deployed == "none" else {}
        stack = Stack(None, set_to, **before)
        (note,) = notes(weights_section(stack, account))
        assert note == (
            f"Setting dns.records is {set_to}; the outputs of the last deployment are those of "
            f"{deployed}. Deploy it, which changes no record where adopt or release has set it: "
            "pulumi up"
        )

    def test_a_weight_that_was_changed_between_adopt_and_the_next_deployment_is_named(
        self, account: AnsweringAccount
    ) -> None:
        zones(account)
        records(account, alias("A", "cdn", 2, "d9.cloudfront.net"), *AS_DECLARED[1:])
        stack = Stack(set_records="weighted", records=[], loadBalancer=LB)
        of = f"Record {NAME} A cdn in zone Z1 is"
        leading = f"{of} leading to d9.cloudfront.net; the stack has it lead to {CDN}. {AGAIN}"
        assert notes(weights_section(stack, account))[1:] == [
            f"{of} of weight 2; the stack declares weight 1. {AGAIN}",
            leading,
        ]

    def test_weighted_records_are_not_right_where_simple_ones_are_declared(
        self, account: AnsweringAccount
    ) -> None:
        simple = [
            {"name": NAME, "type": kind, "setIdentifier": "", "target": LB}
            for kind in ("A", "AAAA")
        ]
        zones(account)
        records(account, *AS_DECLARED)
        told = notes(weights_section(Stack(records=simple), account))
        assert told[0] == (
            f"Record {NAME} A without an identifier in zone Z1 is not there; the stack declares a "
            f"simple record. {AGAIN}"
        )
        assert "is there with weight 1; the stack declares a simple record alone." in told[1]

    def test_simple_records_are_strangers_and_the_weighted_ones_missing(
        self, account: AnsweringAccount
    ) -> None:
        told = self.told(account, alias("A", "", None, LB), *AS_DECLARED[2:])
        assert dict(told["lines"])[f"{NAME} A"] == {"simple": None}
        assert [note.partition(";")[0] for note in notes(told)] == [
            f"Record {NAME} A direct in zone Z1 is not there",
            f"Record {NAME} A cdn in zone Z1 is not there",
            f"Record {NAME} A without an identifier in zone Z1 is there",
        ]

    def test_of_several_zones_the_one_with_the_records_is_meant(
        self, account: AnsweringAccount
    ) -> None:
        zones(account, ("Z1", "example.com"), ("Z2", "example.com"), ("Z3", "com"))
        records(account)
        records(account, *AS_DECLARED, zone="Z2")
        assert weights_section(Stack(), account)["state"] == "ok"

    def test_without_a_zone_the_credentials_are_those_of_another_account(
        self, account: AnsweringAccount
    ) -> None:
        zones(account, ("Z9", "example.org"))
        told = weights_section(Stack(), account)
        assert notes(told) == [
            (
                f"The hosted zone of {NAME} is not in this account; its records are in a public "
                "zone. Use the credentials of the account that has it."
            )
        ]

    def test_settings_that_are_not_deployed_are_named(self, account: AnsweringAccount) -> None:
        zones(account)
        records(account, *AS_DECLARED)
        told = weights_section(Stack({"direct": 50, "cdn": 50}), account)
        assert notes(told) == [
            (
                "Setting traffic is direct 50, cdn 50; what is deployed is direct 99, cdn 1. "
                "Deploy it: pulumi up"
            )
        ]

    def test_what_may_not_be_asked_is_unknown(self, account: AnsweringAccount) -> None:
        account.stubs["route53"].add_client_error("list_hosted_zones", "AccessDenied", "not you")
        told = weights_section(Stack(PulumiError("refused: no passphrase")), account)
        assert told["state"] == "unknown"
        assert told["lines"] == [("settings", None), ("deployed", {"direct": 99, "cdn": 1})]
        assert notes(told) == [
            "The stack's settings cannot be read: pulumi config is refused: no passphrase.",
            (
                "AWS has no answer: An error occurred (AccessDenied) when calling the "
                "ListHostedZones operation: not you"
            ),
        ]

    def test_credentials_that_are_refused_are_said_of_the_cloud_alone(
        self, account: AnsweringAccount
    ) -> None:
        account.stubs["route53"].add_client_error("list_hosted_zones", "ExpiredToken", "old")
        told = weights_section(Stack(), account)
        assert notes(told) == ["It needs credentials of AWS: see section clouds."]


class TestCertificate:
    def told(self, account: AnsweringAccount, **fields: Any) -> SectionFields:
        certificate = {
            "CertificateArn": ARN,
            "Status": "ISSUED",
            "NotAfter": NOW + timedelta(days=90),
            "SubjectAlternativeNames": [NAME],
            **fields,
        }
        account.stubs["acm"].add_response(
            "describe_certificate", {"Certificate": certificate}, {"CertificateArn": ARN}
        )
        return certificate_section(Stack(), account, lambda: NOW)

    def test_of_one_that_is_well(self, account: AnsweringAccount) -> None:
        assert self.told(account) == {
            "state": "ok",
            "lines": [
                ("arn", ARN),
                ("status", "ISSUED"),
                ("expires", "2026-05-30T12:00:00Z"),
                ("days left", 90),
                ("names", [NAME]),
            ],
            "notes": [],
        }
        assert self.told(account, SubjectAlternativeNames=["*.example.com"])["state"] == "ok"

    @pytest.mark.parametrize(
        ("fields", "note"),
        [
            pytest.param(
                {"Status": "PENDING_VALIDATION"},
                "The certificate is PENDING_VALIDATION; it has to be ISSUED. See in ACM why, and "
                "have it issued: viewers of cdn get no other.",
                id="not issued",
            ),
            pytest.param(
                {"NotAfter": NOW + timedelta(days=29)},
                "The certificate's end is 2026-03-30T12:00:00Z; it should have 30 days left. See "
                "in ACM why it is not renewed.",
                id="ends soon",
            ),
            pytest.param(
                {"NotAfter": NOW - timedelta(days=1), "Type": "IMPORTED"},
                "The certificate's end is 2026-02-28T12:00:00Z; it should have 30 days left. "
                "Import the next one.",
                id="ended, and is the user's own",
            ),
            pytest.param(
                {
                    "RenewalSummary": {
                        "RenewalStatus": "FAILED",
                        "RenewalStatusReason": "CAA_ERROR",
                        "DomainValidationOptions": [{"DomainName": NAME}],
                        "UpdatedAt": NOW,
                    }
                },
                "The certificate's renewal is FAILED CAA_ERROR; ACM has to validate it. Put its "
                "validation records back into the zone: pulumi up --refresh",
                id="is not renewed",
            ),
            pytest.param(
                {"SubjectAlternativeNames": ["*.api.example.com"]},
                f"The certificate is without {NAME}; it has to name each hostname. Deploy the "
                "stack again, or give it a certificate of all hostnames.",
                id="lacks a name",
            ),
        ],
    )
    def test_what_is_wrong_is_named(
        self, account: AnsweringAccount, fields: Mapping[str, Any], note: str
    ) -> None:
        told = self.told(account, **fields)
        assert (told["state"], notes(told)) == ("attention", [note])

    def test_outputs_without_it_are_unknown(self, account: AnsweringAccount) -> None:
        told = certificate_section(Stack(certificateArn=""), account, lambda: NOW)
        assert told["state"] == "unknown"


def distribution(status: str = "Deployed", **changed: Any) -> dict[str, Any]:
    """Return a distribution as CloudFront answers it."""
    origin = {"Id": "o", "DomainName": LB}
    config = {
        "CallerReference": "r",
        "Comment": "",
        "Enabled": True,
        "IsIPV6Enabled": True,
        "Aliases": {"Quantity": 1, "Items": [NAME]},
        "ViewerCertificate": {"ACMCertificateArn": ARN},
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all"},
        **changed,
    }
    return {
        "Id": "E1",
        "ARN": "arn",
        "Status": status,
        "LastModifiedTime": NOW,
        "InProgressInvalidationBatches": 0,
        "DomainName": CDN,
        "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
        "DistributionConfig": config,
    }


class TestDistribution:
    def told(self, account: AnsweringAccount, status: str, **changed: Any) -> SectionFields:
        account.stubs["cloudfront"].add_response(
            "get_distribution", {"Distribution": distribution(status, **changed)}, {"Id": "E1"}
        )
        return distribution_section(Stack(), account)

    def test_of_one_that_is_well(self, account: AnsweringAccount) -> None:
        assert self.told(account, "Deployed") == {
            "state": "ok",
            "lines": [
                ("id", "E1"),
                ("name", CDN),
                ("status", "Deployed"),
                ("enabled", True),
                ("IPv6", True),
                ("aliases", [NAME]),
            ],
            "notes": [],
        }

    @pytest.mark.parametrize(
        ("changed", "found"),
        [
            ({"status": "InProgress"}, "InProgress; it should be Deployed"),
            ({"Enabled": False}, "disabled; it has to be enabled"),
            ({"IsIPV6Enabled": False}, "without IPv6; it has to have IPv6"),
            (
                {"Aliases": {"Quantity": 0}},
                f"without the alias {NAME}; each hostname has to be one",
            ),
            (
                {"ViewerCertificate": {"CloudFrontDefaultCertificate": True}},
                f"showing certificate of cloudfront.net; the stack declares {ARN}",
            ),
        ],
    )
    def test_what_is_wrong_is_named(
        self, account: AnsweringAccount, changed: Mapping[str, Any], found: str
    ) -> None:
        told = self.told(account, **{"status": "Deployed", **changed})
        (note,) = notes(told)
        assert (told["state"], note.partition(". ")[0]) == (
            "attention",
            f"Distribution E1 is {found}",
        )


class Droplets(DigitalOceanReader):
    """An account that has what it is told."""

    def __init__(self, having: Mapping[str, AccountDroplet | None] | TokenError) -> None:
        super().__init__({}, 1)
        self._having = having

    def droplets(self) -> Mapping[str, AccountDroplet | None]:
        if isinstance(self._having, TokenError):
            raise self._having
        return self._having


RUNNING: Final = {address: AccountDroplet(f"p{address[-1]}", "active") for address in PROXIES}


def proxy(address: str, **more: Any) -> dict[str, Any]:
    """Return the record of a proxy."""
    return {
        "Name": f"{GROUP}.",
        "Type": "AAAA",
        "SetIdentifier": f"ams3-{address[-1]}",
        "Weight": 1,
        "TTL": 60,
        "ResourceRecords": [{"Value": address}],
        "HealthCheckId": CHECK,
        **more,
    }


def seen(account: AnsweringAccount, healthy: int, failing: int) -> None:
    """Have checkers say what they see."""
    statuses = ["Success: TCP connection established"] * healthy + ["Failure: reset."] * failing
    account.stubs["route53"].add_response(
        "get_health_check_status",
        {"HealthCheckObservations": [{"StatusReport": {"Status": each}} for each in statuses]},
        {"HealthCheckId": CHECK},
    )


class TestProxies:
    def group(self, account: AnsweringAccount, *found: Mapping[str, Any]) -> None:
        zones(account)
        none = {"Name": f"{GROUP}.", "Type": "AAAA", "SetIdentifier": "none", "Weight": 0}
        records(account, *found, none, name=GROUP)

    def told(self, account: AnsweringAccount, having: Any = None) -> SectionFields:
        return proxies_section(Stack(), account, Droplets(having or RUNNING))

    def test_of_those_that_serve(self, account: AnsweringAccount) -> None:
        self.group(account, *map(proxy, PROXIES))
        seen(account, 16, 0)
        seen(account, 3, 13)
        told = self.told(account)
        assert (told["state"], notes(told)) == ("ok", [])
        assert told["lines"] == [
            ("addresses", list(PROXIES)),
            *(
                (
                    address,
                    {
                        "node": f"ams3-{address[-1]}",
                        "weight": 1,
                        "health": "healthy",
                        "checkers": f"{healthy} of 16",
                        "droplet": f"p{address[-1]}",
                        "state": "active",
                    },
                )
                for address, healthy in zip(PROXIES, (16, 3), strict=True)
            ),
        ]

    def test_what_is_wrong_with_one_is_named(self, account: AnsweringAccount) -> None:
        stranger = proxy("2001:db8::9", HealthCheckId="", Weight=1)
        del stranger["HealthCheckId"]
        self.group(account, proxy(PROXIES[0]), stranger)
        seen(account, 2, 14)
        told = self.told(account, {PROXIES[0]: None, PROXIES[1]: AccountDroplet("p2", "off")})
        assert told["state"] == "attention"
        assert [note.partition(". ")[0] for note in notes(told)] == [
            (
                f"Proxy {PROXIES[0]} is unhealthy for 14 of 16 checkers: Failure: reset; Route 53 "
                "has to see it answer"
            ),
            f"Proxy {PROXIES[0]} is assigned to no droplet; it has to lead to a droplet",
            f"Proxy {PROXIES[1]} is not among the records of {GROUP}; each proxy has to have one",
            f"Proxy {PROXIES[1]} is a droplet that is off; it has to run",
            "Proxy 2001:db8::9 is without a health check; each record has to have one",
            "Proxy 2001:db8::9 is no address of this account; it has to lead to a droplet",
            (
                "Address 2001:db8::9 is in the group as ams3-9, with weight 1; it is no proxy of "
                "the stack"
            ),
        ]

    def test_what_cannot_be_asked_is_unknown(self, account: AnsweringAccount) -> None:
        self.group(account, *map(proxy, PROXIES))
        account.stubs["route53"].add_client_error("get_health_check_status", "NoSuchHealthCheck")
        seen(account, 0, 0)
        told = self.told(account, TokenError("no token is set: set DIGITALOCEAN_TOKEN"))
        assert told["state"] == "unknown"
        first, second, third = notes(told)
        assert first == "DigitalOcean cannot be asked: no token is set: set DIGITALOCEAN_TOKEN"
        assert second.startswith(f"Proxy {PROXIES[0]}: its health is not known. AWS has no answer")
        assert third == f"Proxy {PROXIES[1]}: no health checker has looked at it yet."

    def test_droplets_are_told_of_without_route_53(self, account: AnsweringAccount) -> None:
        account.stubs["route53"].add_client_error("list_hosted_zones", "Throttling")
        told = self.told(account)
        assert told["state"] == "unknown"
        assert told["lines"][1] == (PROXIES[0], {"droplet": "p1", "state": "active"})

    def test_there_need_not_be_any(self, account: AnsweringAccount) -> None:
        told = proxies_section(Stack(proxyAddresses=[]), account, Droplets({}))
        assert told == {"state": "ok", "lines": [("addresses", [])], "notes": []}


class TestLogs:
    def load_balancer(self, account: AnsweringAccount, *, logs: bool) -> None:
        elb, classic = account.stubs["elbv2"], account.stubs["elb"]
        elb.add_response("describe_load_balancers", {"LoadBalancers": []})
        one: dict[str, Any] = {"DNSName": LB, "LoadBalancerName": "api", "ListenerDescriptions": []}
        classic.add_response("describe_load_balancers", {"LoadBalancerDescriptions": [one]})
        log = {"Enabled": logs, "S3BucketName": "lb-logs", "S3BucketPrefix": "api"}
        classic.add_response(
            "describe_load_balancer_attributes", {"LoadBalancerAttributes": {"AccessLog": log}}
        )

    @pytest.mark.parametrize("logs", [True, False])
    def test_of_both_paths(self, account: AnsweringAccount, *, logs: bool) -> None:
        logging = {
            "Enabled": logs,
            "IncludeCookies": False,
            "Bucket": "cdn-logs.s3.amazonaws.com" if logs else "",
            "Prefix": "",
        }
        account.stubs["cloudfront"].add_response(
            "get_distribution", {"Distribution": distribution(Logging=logging)}, {"Id": "E1"}
        )
        self.load_balancer(account, logs=logs)
        told = logs_section(Stack(), account)
        assert (told["state"], [value for _, value in told["lines"]]) == (
            "ok",
            ["s3://cdn-logs/", "s3://lb-logs/api"] if logs else ["none", "none"],
        )

    def test_one_that_cannot_be_asked_hides_not_the_other(self, account: AnsweringAccount) -> None:
        account.stubs["cloudfront"].add_client_error("get_distribution", "AccessDenied")
        self.load_balancer(account, logs=False)
        told = logs_section(Stack(), account)
        assert (told["state"], told["lines"]) == (
            "unknown",
            [("distribution", None), ("load balancer", "none")],
        )
        account.stubs["cloudfront"].add_client_error("get_distribution", "AccessDenied")
        account.stubs["elbv2"].add_client_error("describe_load_balancers", "AccessDenied")
        assert len(notes(logs_section(Stack(), account))) == 2


def test_a_section_whose_one_question_fails_says_so_to_the_room(
    account: AnsweringAccount,
) -> None:
    account.stubs["acm"].add_client_error("describe_certificate", "ResourceNotFoundException")
    with pytest.raises(AccountError, match="ResourceNotFound"):
        certificate_section(Stack(), account, lambda: NOW)
