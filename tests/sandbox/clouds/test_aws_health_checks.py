"""Route 53's health checks of the sandbox: what is refused, and what is kept."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sandbox.clouds.aws.rules import health_check_config as rules

PROXY: Final = "2001:db8:0:5::1"

Fields = dict[str, Any]


def tcp(**other: Any) -> Fields:
    return {"Type": "TCP", "IPAddress": PROXY, "Port": 443, **other}


def https(**other: Any) -> Fields:
    return {"Type": "HTTPS", "FullyQualifiedDomainName": "api.example.com", "Port": 443, **other}


def without(fields: Fields, *names: str) -> Fields:
    return {key: value for key, value in fields.items() if key not in names}


# rule: [(variant, refused configuration, message, nearest allowed configuration), …]
CASES: Final[dict[str, list[tuple[str, Fields, str, Fields]]]] = {
    "checked_address_is_public": [
        ("private", tcp(IPAddress="10.1.2.3"), "IPAddress 10.1.2.3 is in a local, ", tcp()),
        ("shared", tcp(IPAddress="100.64.0.1"), "private, non-routable", tcp(IPAddress="8.8.8.8")),
        ("local", tcp(IPAddress="fe80::1"), "is in a local", tcp(IPAddress="2600:1f00::1")),
        ("unique local", tcp(IPAddress="fd00::1"), "is in a local", tcp(IPAddress="192.0.2.1")),
        ("multicast", tcp(IPAddress="ff0e::1"), "multicast", tcp(IPAddress="203.0.113.9")),
        ("loopback", tcp(IPAddress="::1"), "is in a local", tcp(IPAddress="198.51.100.1")),
        ("mapped", tcp(IPAddress="::ffff:10.0.0.1"), "is in a local", tcp()),
        ("none", tcp(IPAddress="api.example.com"), "must be an IPv4 or IPv6 address", tcp()),
    ],
    "checked_endpoint_is_named": [
        (
            "neither",
            without(https(), "FullyQualifiedDomainName"),
            "must have an IP address or a fully qualified domain name",
            https(IPAddress=PROXY),
        ),
    ],
    "checked_name_is_no_url": [
        (
            "a URL",
            https(FullyQualifiedDomainName="https://api.example.com"),
            'It may not contain reserved characters of RFC1738 ";/?:@=&"',
            https(FullyQualifiedDomainName="api.example.com"),
        ),
        (
            "a port",
            https(FullyQualifiedDomainName="api.example.com:443"),
            "It may not contain reserved characters",
            https(FullyQualifiedDomainName="api-1.example.com", Port=443),
        ),
    ],
    "tcp_check_of_an_address_has_no_name": [
        (
            "both",
            tcp(FullyQualifiedDomainName="api.example.com"),
            "TCP health checks that have IP address must not have a fully qualified domain name",
            https(IPAddress=PROXY),
        ),
    ],
    "members_fit_the_type": [
        (
            "none",
            without(tcp(), "Port"),
            "TCP health checks must have a port",
            without(https(), "Port"),
        ),
        (
            "calculated",
            {"Type": "CALCULATED", "Port": 443},
            "CALCULATED health checks must not have a port",
            {"Type": "CALCULATED"},
        ),
        ("missing", https(Type="HTTPS_STR_MATCH"), "must have a search string", https()),
        (
            "too much",
            https(SearchString="ok"),
            "HTTPS health checks must not have a search string",
            https(Type="HTTPS_STR_MATCH", SearchString="ok"),
        ),
        (
            "of an endpoint",
            tcp(AlarmIdentifier={"Name": "errors", "Region": "us-east-1"}),
            "Basic health checks must not have an metric region specified.",
            {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": {"Name": "e", "Region": "us-east-1"}},
        ),
        ("missing", {"Type": "CLOUDWATCH_METRIC"}, "must have an alarm identifier", tcp()),
        (
            "an address",
            {"Type": "CALCULATED", "IPAddress": PROXY},
            "CALCULATED health checks must not have an IP address specified",
            {"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": []},
        ),
        (
            "a threshold",
            tcp(HealthThreshold=1),
            "TCP health checks must not have a health threshold",
            tcp(),
        ),
    ],
    "check_interval_is_10_or_30": [
        (
            "20",
            tcp(RequestInterval=20),
            "RequestInterval must be 10 or 30",
            tcp(RequestInterval=10),
        ),
    ],
}


@pytest.mark.parametrize(
    ("rule", "refused", "message", "allowed"),
    [
        pytest.param(rule, *case, id=f"{rule}: {variant}")
        for rule, cases in CASES.items()
        for variant, *case in cases
    ],
)
def test_a_configuration_is_refused_and_the_nearest_is_not(
    rule: str, refused: Fields, message: str, allowed: Fields
) -> None:
    refusal = getattr(rules, rule)(refused)
    assert refusal is not None
    assert refusal.code == "InvalidInput"
    assert message in refusal.message
    rules.judge(allowed)


def test_every_rule_of_a_configuration_has_a_case() -> None:
    assert set(CASES) == {rule.__name__ for rule in rules.CONFIG_RULES}


@given(address=st.ip_addresses())
def test_whatever_is_not_global_is_refused_but_for_what_documents_use(address: Any) -> None:
    refusal = rules.checked_address_is_public({"IPAddress": str(address)})
    documented = any(address in network for network in rules.DOCUMENTATION)
    if refusal is None:
        assert documented or address.is_global
    else:
        assert not documented


def refused(request: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        request()
    error: Fields = dict(caught.value.response.get("Error", {}))
    return error["Code"], error["Message"]


def made(aws: Any, config: Fields, reference: str = "one") -> Fields:
    answer = aws.client("route53").create_health_check(
        CallerReference=reference, HealthCheckConfig=config
    )
    return answer["HealthCheck"]


class TestCreatingHealthChecks:
    def test_keeps_what_was_sent_and_fills_in_the_defaults(self, aws: Any) -> None:
        check = made(aws, tcp(Regions=["us-east-1", "eu-west-1", "us-west-2"]))
        assert check["HealthCheckVersion"] == 1
        assert check["HealthCheckConfig"] == tcp(
            Regions=["us-east-1", "eu-west-1", "us-west-2"],
            RequestInterval=30,
            FailureThreshold=3,
            MeasureLatency=False,
            EnableSNI=False,
            Inverted=False,
            Disabled=False,
        )
        fetched = aws.client("route53").get_health_check(HealthCheckId=check["Id"])
        assert fetched["HealthCheck"] == check

    def test_names_the_server_to_https_endpoints_where_nothing_is_said(self, aws: Any) -> None:
        assert made(aws, https())["HealthCheckConfig"]["EnableSNI"] is True

    def test_tells_the_fault(self, aws: Any) -> None:
        assert refused(lambda: made(aws, tcp(IPAddress="10.0.0.1"))) == (
            "InvalidInput",
            (
                "Invalid parameter : IPAddress 10.0.0.1 is in a local, private, non-routable or "
                "multicast range; Route 53 can't check it."
            ),
        )

    def test_health_check_reference_is_new(self, aws: Any) -> None:
        check = made(aws, tcp())
        assert made(aws, tcp()) == check
        assert refused(lambda: made(aws, tcp(Port=80)))[0] == "HealthCheckAlreadyExists"
        assert made(aws, tcp(), "two")["Id"] != check["Id"]
        aws.client("route53").delete_health_check(HealthCheckId=check["Id"])
        assert refused(lambda: made(aws, tcp()))[0] == "HealthCheckAlreadyExists"

    def test_child_health_checks_exist(self, aws: Any) -> None:
        calculated = {"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": ["none"]}
        code, message = refused(lambda: made(aws, calculated))
        assert (code, message.endswith("No health check exists with the id none.")) == (
            "InvalidInput",
            True,
        )
        child = made(aws, tcp())["Id"]
        parent = made(aws, {**calculated, "ChildHealthChecks": [child]}, "two")
        assert parent["HealthCheckConfig"]["ChildHealthChecks"] == [child]


class TestChangingHealthChecks:
    def test_replaces_what_is_given_resets_what_is_named_and_counts(self, aws: Any) -> None:
        check = made(aws, https(ResourcePath="/healthz"))
        changed = aws.client("route53").update_health_check(
            HealthCheckId=check["Id"], FailureThreshold=1, ResetElements=["ResourcePath"]
        )["HealthCheck"]
        assert changed["HealthCheckVersion"] == 2
        expected = without(check["HealthCheckConfig"], "ResourcePath") | {"FailureThreshold": 1}
        assert changed["HealthCheckConfig"] == expected

    def test_is_judged_like_a_creation(self, aws: Any) -> None:
        check, client = made(aws, tcp()), aws.client("route53")
        change = lambda: client.update_health_check(  # noqa: E731 - the request, to be refused
            HealthCheckId=check["Id"], IPAddress="192.168.1.1"
        )
        assert refused(change)[0] == "InvalidInput"
        assert client.get_health_check(HealthCheckId=check["Id"])["HealthCheck"] == check

    def test_health_check_version_matches(self, aws: Any) -> None:
        check, client = made(aws, tcp()), aws.client("route53")

        def change(version: int) -> Fields:
            return client.update_health_check(
                HealthCheckId=check["Id"], HealthCheckVersion=version, Port=8443
            )["HealthCheck"]

        assert change(1)["HealthCheckVersion"] == 2
        assert refused(lambda: change(1))[0] == "HealthCheckVersionMismatch"


class TestListingHealthChecks:
    def test_gives_every_one_once_whatever_the_page_size(self, aws: Any) -> None:
        ids = {made(aws, tcp(), str(number))["Id"] for number in range(5)}
        for size in (1, 2, 5, 9):
            pages = aws.client("route53").get_paginator("list_health_checks")
            listed = pages.paginate(PaginationConfig={"PageSize": size}).search("HealthChecks[].Id")
            assert list(listed) == sorted(ids)


class TestDeletingHealthChecks:
    def test_works_while_a_record_refers_to_it(self, aws: Any) -> None:
        check, client = made(aws, tcp())["Id"], aws.client("route53")
        record = {
            "Name": "pool.example.com.",
            "Type": "AAAA",
            "SetIdentifier": "one",
            "Weight": 1,
            "TTL": 60,
            "ResourceRecords": [{"Value": PROXY}],
            "HealthCheckId": check,
        }
        aws.change(("CREATE", record))
        client.delete_health_check(HealthCheckId=check)
        assert refused(lambda: client.get_health_check(HealthCheckId=check)) == (
            "NoSuchHealthCheck",
            f"A health check with id {check} does not exist.",
        )
        assert aws.records()[0]["HealthCheckId"] == check
        aws.change(("DELETE", record))

    @pytest.mark.parametrize("operation", ["get", "update", "delete"])
    def test_or_reading_what_is_not_there_says_so(self, aws: Any, operation: str) -> None:
        request = getattr(aws.client("route53"), f"{operation}_health_check")
        assert refused(lambda: request(HealthCheckId="none"))[0] == "NoSuchHealthCheck"


def test_a_health_check_has_tags(aws: Any) -> None:
    check, client = made(aws, tcp())["Id"], aws.client("route53")
    what = {"ResourceType": "healthcheck", "ResourceId": check}
    client.change_tags_for_resource(**what, AddTags=[{"Key": "Name", "Value": "fra1"}])
    tags = client.list_tags_for_resource(**what)["ResourceTagSet"]["Tags"]
    assert tags == [{"Key": "Name", "Value": "fra1"}]
