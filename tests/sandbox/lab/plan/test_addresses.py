"""Which addresses a lab has, which names its certificates cover, and what it says it lacks."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.lab.deployed import Deployed, DeployedDistribution
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.origin import unsupported
from sandbox.lab.plan.addresses import leads, load_balancer_addresses
from sandbox.lab.plan.names_covered import CLOUDFRONT_NAMES, certificates_needed
from support.deployed import BALANCER, DEPLOYED, distribution, planned


@given(st.sets(st.from_regex(r"[a-z]{1,8}\.elb\.amazonaws\.com", fullmatch=True), max_size=60))
def test_no_two_load_balancers_share_an_address(names: set[str]) -> None:
    balancers = tuple(replace(BALANCER, dns_name=name) for name in names)
    addresses_by_name = load_balancer_addresses(Deployed(load_balancers=balancers), LabSettings())
    addresses = [address for own in addresses_by_name.values() for address in own]
    assert set(addresses_by_name) == names
    assert len(set(addresses)) == len(addresses) == 2 * len(names)
    assert all(address.startswith("198.18.0.") for address in addresses)


def test_names_lead_to_addresses_and_to_ipv6_only_where_it_is_on() -> None:
    settings = LabSettings(load_balancer_addresses={BALANCER.dns_name: ("198.18.0.250",)})
    off = DeployedDistribution("E2", "e2.cloudfront.net", {"IsIPV6Enabled": False})
    on = distribution(IsIPV6Enabled=True)
    addresses_by_name = leads(replace(DEPLOYED, distributions=(on, off)), settings)
    assert addresses_by_name == {
        BALANCER.dns_name: (("198.18.0.250",), ()),
        on.domain_name: (
            ("198.18.1.1", "198.18.1.2"),
            ("2001:db8:cf:1::1", "2001:db8:cf:2::1"),
        ),
        off.domain_name: (("198.18.1.1", "198.18.1.2"), ()),
    }


# Certificates


def test_a_load_balancer_without_a_listener_has_a_certificate_for_all_that_leads_to_it() -> None:
    certificates = certificates_needed(replace(DEPLOYED, distributions=(distribution(),)))
    assert certificates == {
        CLOUDFRONT_NAMES,
        frozenset(
            {
                "api.example.com",
                "inner.example.com",
                "old.example.com",
                "cdn.example.com",
            }
        ),
    }


def test_a_load_balancer_has_the_certificates_that_its_listeners_name() -> None:
    named = replace(BALANCER, certificates=("arn:1",))
    deployed = replace(
        DEPLOYED, load_balancers=(named,), certificates={"arn:1": ("*.example.org", "example.org")}
    )
    assert certificates_needed(deployed) == {
        CLOUDFRONT_NAMES,
        frozenset({"*.example.org", "example.org"}),
    }


def test_a_certificate_that_cannot_be_read_is_not_made_up_and_told(tmp_path: Path) -> None:
    old = "arn:aws:iam::123456789012:server-certificate/old.example.org"
    deployed = replace(
        DEPLOYED,
        load_balancers=(replace(BALANCER, listeners=(("HTTPS", 443),), certificates=(old,)),),
    )

    assert certificates_needed(deployed) == {CLOUDFRONT_NAMES}
    assert unsupported(deployed) == [
        (
            f"Load balancer {BALANCER.dns_name}: the certificate {old} is not one that ACM has "
            "issued, and what it covers cannot be read; it is not shown."
        )
    ]
    (program,) = (each for each in planned(tmp_path, deployed).programs if each.name == "origin")
    (text,) = program.files.values()
    (balancer,) = json.loads(text)["load_balancers"]
    assert balancer["certificates"] == []


@pytest.mark.parametrize(
    ("fields", "sentences"),
    [
        ({"open_ports": ((80, 80), (400, 500))}, []),
        ({"open_ports": ((0, 65535),)}, []),
        (
            {"open_ports": ((80, 80),)},
            [
                (
                    "its security groups do not let everybody in on port 443; the lab has no "
                    "security groups, and does"
                )
            ],
        ),
        (
            {"open_ports": (), "listeners": (("TCP", 8443),)},
            [
                (
                    "its security groups do not let everybody in on port 8443; the lab has no "
                    "security groups, and does"
                )
            ],
        ),
        ({"scheme": "internal"}, ["its scheme is internal; in the lab everybody reaches it"]),
        (
            {"address_type": "dualstack"},
            ["its address type is dualstack; in the lab it has IPv4 alone"],
        ),
    ],
)
def test_what_a_load_balancer_has_and_the_lab_has_not_is_told(
    fields: dict[str, Any], sentences: list[str]
) -> None:
    deployed = replace(DEPLOYED, load_balancers=(replace(BALANCER, **fields),))
    assert unsupported(deployed) == [
        f"Load balancer {BALANCER.dns_name}: {sentence}." for sentence in sentences
    ]
