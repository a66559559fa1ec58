"""Looking up what exists: found, not found, ambiguous, of the wrong kind, and nobody knows."""

from typing import TYPE_CHECKING, Any, NoReturn, cast

import pulumi
import pytest

from components.faults import Fault
from components.last_deployment import LastDeployment
from components.lookups import (
    HostedZone,
    LoadBalancerTarget,
    OriginError,
    Prerequisites,
    UnansweredError,
    look_up,
)
from components.lookups.zone import find_zone
from components.settings import Origin, OriginLock, Proxies, Settings

if TYPE_CHECKING:
    from support.recording import MockEngine

NEWER = "aws:lb/getLoadBalancer:getLoadBalancer"
CLASSIC = "aws:elb/getLoadBalancer:getLoadBalancer"
ZONE = "aws:route53/getZone:getZone"
BY_NAME = Origin(load_balancer="api", kind="application")


SETTINGS = Settings(hostnames=("api.example.com",), zone="example.com", origin=BY_NAME)
HOSTED_ZONE = HostedZone("Z0EXAMPLE", "ns-1.awsdns-01.org")


def prerequisites(engine: "MockEngine", **changes: Any) -> Prerequisites:
    settings = SETTINGS.model_copy(update=changes)
    return engine.run(lambda: look_up(settings, None, LastDeployment()))


def faults(engine: "MockEngine", **changes: Any) -> list[str]:
    with pytest.raises(OriginError) as caught:
        prerequisites(engine, **changes)
    assert isinstance(caught.value, pulumi.RunError)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("kind", ["classic", "application", "network"])
def test_a_load_balancer_is_found_by_name_and_kind(engine: "MockEngine", kind: Any) -> None:
    engine.account.set_load_balancers(f"api:{kind}", "other:classic")
    assert prerequisites(engine, origin=Origin(load_balancer="api", kind=kind)) == Prerequisites(
        LoadBalancerTarget(f"api-{kind}.eu-central-1.elb.amazonaws.com", f"Z{kind.upper()}"),
        HOSTED_ZONE,
    )


def test_a_load_balancer_that_is_given_is_not_looked_up(engine: "MockEngine") -> None:
    engine.account.set_load_balancers()
    engine.account.broken.update({NEWER: "asked", CLASSIC: "asked"})
    given = Origin(domain_name="lb.example.net", hosted_zone_id="Z215JYRZR1TBD5")
    assert prerequisites(engine, origin=given) == Prerequisites(
        LoadBalancerTarget("lb.example.net", "Z215JYRZR1TBD5"), HOSTED_ZONE
    )


KEY = "dualstack-edge:origin.loadBalancer"
NOT_THERE = (
    f'{KEY} is "api", which was not found; the name of a load balancer in the account and region '
    "of the stack (Search returned 0 results, please revise so only one is returned (name)). Set "
    "the region with pulumi config set aws:region REGION, or the name with: "
    f"pulumi config set --path {KEY} NAME"
)
NO_ZONE = (
    'dualstack-edge:zone is "example.com", which was not found; the name of a public hosted zone '
    "in the account of the stack (no matching Route 53 Hosted Zone found (name)). Set it with: "
    "pulumi config set dualstack-edge:zone NAME"
)
OR_GIVE = (
    "give dualstack-edge:origin.domainName and dualstack-edge:origin.hostedZoneId instead of its "
    "name."
)


@pytest.mark.parametrize(
    ("load_balancers", "fault"),
    [
        pytest.param([], NOT_THERE, id="there is none"),
        pytest.param(["other:application"], NOT_THERE, id="there is another"),
        pytest.param(
            ["api:network"],
            'dualstack-edge:origin.kind is "application"; network, which is the kind load balancer '
            '"api" has. Set it with: pulumi config set --path dualstack-edge:origin.kind network',
            id="it is a network load balancer",
        ),
        pytest.param(
            ["api:classic"],
            'dualstack-edge:origin.kind is "application"; classic, which is the kind load balancer '
            '"api" has. Set it with: pulumi config set --path dualstack-edge:origin.kind classic',
            id="it is a classic load balancer",
        ),
        pytest.param(
            ["api:application", "api:classic"],
            f'{KEY} is "api", of which there are several; the name of one load balancer only (one '
            f"is application, one classic). Delete or rename the other, or {OR_GIVE}",
            id="there is a classic one beside it",
        ),
        pytest.param(
            ["api:application", "api:network"],
            f'{KEY} is "api", of which there are several; the name of one load balancer only '
            "(Search returned 2 results, please revise so only one is returned (name)). "
            f"Delete or rename the other, or {OR_GIVE}",
            id="the provider finds two",
        ),
        pytest.param(
            ["api:application:internal"],
            f'{KEY} is "api", which is internal; a load balancer that faces the internet, for '
            "CloudFront reaches it from there. Set another with: "
            f"pulumi config set --path {KEY} NAME",
            id="it is internal",
        ),
    ],
)
def test_a_load_balancer_that_cannot_be_used_is_a_fault(
    engine: "MockEngine", load_balancers: list[str], fault: str
) -> None:
    engine.account.set_load_balancers(*load_balancers)
    assert faults(engine) == [fault]


def test_a_load_balancer_of_the_wrong_kind_that_is_internal_too_has_two_faults(
    engine: "MockEngine",
) -> None:
    engine.account.set_load_balancers("api:network:internal")
    assert len(faults(engine)) == 2


@pytest.mark.parametrize(
    ("zones", "fault"),
    [
        pytest.param(["example.org"], NO_ZONE, id="there is none"),
        pytest.param(
            ["example.com", "example.com"],
            'dualstack-edge:zone is "example.com", of which there are several; the name of one '
            "public hosted zone only (multiple Route 53 Hosted Zones matched; use additional "
            "constraints (name)). Delete those the registrar does not delegate to; list them with: "
            "aws route53 list-hosted-zones-by-name --dns-name example.com",
            id="there are two",
        ),
    ],
)
def test_a_zone_that_cannot_be_used_is_a_fault(
    engine: "MockEngine", zones: list[str], fault: str
) -> None:
    engine.account.zones[:] = zones
    assert faults(engine) == [fault]


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (0, "which was not found"),
        (1, "which could not be looked up"),
        (2, "of which there are several"),
    ],
)
@pytest.mark.parametrize(
    "words",
    [
        "too many results: wanted 1, got 2",
        "no matching Route 53 Hosted Zone found",
        "multiple Route 53 Hosted Zones matched; use additional constraints",
    ],
)
def test_the_account_says_how_many_zones_there_are_whatever_the_provider_s_words(
    engine: "MockEngine", words: str, number: int, state: str
) -> None:
    engine.account.broken[ZONE] = words
    engine.account.apis.zones_of_the_name = number
    with pytest.raises(OriginError) as caught:
        engine.run(
            lambda: find_zone("example.com", pulumi.InvokeOptions(), lambda: engine.account.apis)
        )
    (fault,) = caught.value.faults
    assert str(fault).startswith(f'dualstack-edge:zone is "example.com", {state};')
    assert words in str(fault)


def test_where_the_account_does_not_answer_the_provider_s_words_have_to_do(
    engine: "MockEngine",
) -> None:
    def nobody() -> NoReturn:
        raise UnansweredError(Fault("the account", "silent", "one that answers", "Wait."))

    engine.account.broken[ZONE] = "multiple Route 53 Hosted Zones matched"
    with pytest.raises(OriginError, match="of which there are several"):
        engine.run(lambda: find_zone("example.com", pulumi.InvokeOptions(), nobody))
    engine.account.broken[ZONE] = "too many results: wanted 1, got 2"
    with pytest.raises(OriginError, match="which could not be looked up"):
        engine.run(lambda: find_zone("example.com", pulumi.InvokeOptions(), nobody))


@pytest.mark.parametrize("token", [NEWER, CLASSIC, ZONE])
def test_a_look_up_that_fails_for_another_reason_is_never_taken_for_none(
    engine: "MockEngine", token: str
) -> None:
    engine.account.broken[token] = "AccessDenied: no identity-based policy allows it.\n"
    (fault,) = faults(engine)
    assert "which could not be looked up; " in fault
    assert "(AccessDenied: no identity-based policy allows it. (name))" in fault


def test_what_the_engine_puts_before_the_provider_s_words_is_left_out(engine: "MockEngine") -> None:
    engine.account.broken[ZONE] = (
        f"invocation of {ZONE} returned an error: invoking {ZONE}: 1 error occurred:\n"
        "\t* reading Route 53 Hosted Zones:  throttled: slow down\n\n"
    )
    (fault,) = faults(engine)
    assert (
        "(1 error occurred: * reading Route 53 Hosted Zones: throttled: slow down (name))" in fault
    )


def test_faults_of_load_balancer_and_zone_come_together_with_what_the_provider_said(
    engine: "MockEngine",
) -> None:
    engine.account.set_load_balancers()
    engine.account.zones.clear()
    with pytest.raises(OriginError) as caught:
        prerequisites(engine)
    assert str(caught.value) == (
        f"The edge cannot be built on what is there:\n  - {NOT_THERE}\n  - {NO_ZONE}"
    )
    group = caught.value.__cause__
    assert isinstance(group, ExceptionGroup)
    first, second = cast("ExceptionGroup[Exception]", group).exceptions
    assert str(first).startswith(f"invoke of {NEWER} failed: Search returned 0 results")
    assert str(second).startswith(f"invoke of {ZONE} failed: no matching Route 53 Hosted Zone")


def test_a_single_fault_is_caused_by_what_the_provider_said(engine: "MockEngine") -> None:
    engine.account.zones.clear()
    with pytest.raises(OriginError) as caught:
        prerequisites(engine)
    assert str(caught.value.__cause__).startswith(f"invoke of {ZONE} failed: no matching")


# ---- regions of proxies -------------------------------------------------------------------------

REGION = "digitalocean:index/getRegion:getRegion"
SET_REGION = "pulumi config set --path 'dualstack-edge:proxy.regions[{}]' fra1"


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        pytest.param(
            Proxies(regions=("fra1", "sfo2")),
            [
                'dualstack-edge:proxy.regions[1] is "sfo2", which is closed; a region that is open '
                "to new droplets and reserved IPv6 addresses, such as ams3, atl1, blr1, fra1, "
                "lon1, nyc1, nyc3, sfo3, sgp1, syd1, tor1. Set it with: "
                + SET_REGION.format(1).replace("fra1", "sfo3")
            ],
            id="a region that is closed, and has no reserved IPv6",
        ),
        pytest.param(
            Proxies(regions=("blr1",)),
            [
                (
                    'dualstack-edge:proxy.regions[0] is "blr1", which could not be looked up; a '
                    "region that DigitalOcean knows, asked with a token it accepts (Region does "
                    "not exist: blr1 (name)). List the regions with: doctl compute region list. "
                    "Set the token "
                    "with: pulumi config set --secret digitalocean:token TOKEN"
                )
            ],
            id="a region that there is not",
        ),
        pytest.param(
            Proxies(regions=("fra1",), size="m-64"),
            [
                (
                    'dualstack-edge:proxy.size is "m-64", which fra1 does not offer; one of '
                    "s-1vcpu-1gb, s-2vcpu-2gb. Set it with: "
                    "pulumi config set --path dualstack-edge:proxy.size s-1vcpu-1gb"
                )
            ],
            id="a size that the region does not offer",
        ),
    ],
)
def test_a_region_that_can_have_no_proxy_is_a_fault(
    engine: "MockEngine", pool: Proxies, expected: list[str]
) -> None:
    assert faults(engine, proxy=pool) == expected


def test_a_token_that_is_refused_is_told_once_and_by_digitalocean_s_own_words(
    engine: "MockEngine",
) -> None:
    engine.account.broken[REGION] = "GET /v2/regions: 401 Unable to authenticate you"
    (fault,) = faults(engine, proxy=Proxies(regions=("fra1", "ams3")))
    assert "(GET /v2/regions: 401 Unable to authenticate you (name))" in fault
    assert fault.endswith("pulumi config set --secret digitalocean:token TOKEN")


# ---- what a lock needs --------------------------------------------------------------------------

LOCK = OriginLock(generation=1, security_group="sg-0123456789abcdef0")


def test_the_prefix_list_is_found_where_a_security_group_is_to_admit_it(
    engine: "MockEngine",
) -> None:
    assert prerequisites(engine, origin_lock=LOCK).prefix_list_id == "pl-3b927c52"
    assert prerequisites(engine, origin_lock=OriginLock(generation=1)).prefix_list_id is None


def test_a_security_group_and_a_prefix_list_that_are_not_there_are_two_faults(
    engine: "MockEngine",
) -> None:
    engine.account.broken["aws:ec2/getSecurityGroup:getSecurityGroup"] = "no matching group"
    engine.account.broken["aws:ec2/getManagedPrefixList:getManagedPrefixList"] = "AccessDenied"
    assert faults(engine, origin_lock=LOCK) == [
        (
            'dualstack-edge:originLock.securityGroup is "sg-0123456789abcdef0", which could not be '
            "looked up; a security group in the account and region of the stack (no matching group "
            "(name)). Set it with: pulumi config set --path "
            "dualstack-edge:originLock.securityGroup ID"
        ),
        (
            "The prefix list com.amazonaws.global.cloudfront.origin-facing is one that could not "
            "be "
            "looked up; there for everybody who may see it (AccessDenied (name)). See that the "
            "credentials allow ec2:DescribeManagedPrefixLists."
        ),
    ]


def test_everything_that_is_missing_is_told_at_once(engine: "MockEngine") -> None:
    engine.account.set_load_balancers()
    engine.account.zones.clear()
    pool = Proxies(regions=("sfo2",))
    assert len(faults(engine, proxy=pool)) == 3
