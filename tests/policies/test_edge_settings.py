"""Findings about a `DualStackEdge` name its settings, as its user wrote them."""

import pytest

from components.settings import KEYS
from components.settings.commands import SettingPlace
from policies.edge_settings import NAMES, message_of
from policies.model import Finding, Judgement, Resource

EDGE = "urn:pulumi:prod::dualstack-edge::dualstack:index:DualStackEdge$dualstack:index:ProxyPool$"
DROPLET = "digitalocean:index/droplet:Droplet"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"


def resource(urn: str, token: str) -> Resource:
    return Resource(f"{urn}{token}::edge-proxy-fra1-1", token, "edge-proxy-fra1-1", dict)


def finding(path: str) -> Finding:
    return Finding(Judgement.FAIL, path, "absent", "there", "Name one.")


@pytest.mark.parametrize(
    ("token", "path", "message"),
    [
        pytest.param(
            DROPLET,
            "sshKeys",
            "rule: proxy.sshKeys (property sshKeys) is absent; it must be there. Set it to keys of "
            "the DigitalOcean account; the proxies are replaced one after the other.",
            id="a list",
        ),
        pytest.param(
            DISTRIBUTION,
            "loggingConfig.bucket",
            "rule: distribution.logs (property loggingConfig.bucket) is absent; it must be there. "
            "Set distribution.logs.bucket to the name of a bucket of yours.",
            id="below a property",
        ),
        pytest.param(
            DISTRIBUTION,
            "option protect",
            "rule: protect (option protect) is absent; it must be there. Set it to true.",
            id="an option",
        ),
        pytest.param(
            DISTRIBUTION,
            "origins[0].customOriginConfig.originReadTimeout",
            "rule: origin.readTimeoutSeconds (property "
            "origins[0].customOriginConfig.originReadTimeout) is absent; it must be there. Name "
            "one.",
            id="with the rule's own remedy",
        ),
        pytest.param(
            DISTRIBUTION,
            "comment",
            "rule: comment is absent; it must be there. Name one.",
            id="none",
        ),
    ],
)
def test_a_finding_about_an_edge_names_the_setting(token: str, path: str, message: str) -> None:
    assert message_of("rule", resource(EDGE, token), finding(path)) == message


def test_a_finding_about_another_program_names_the_property() -> None:
    other = resource("urn:pulumi:prod::other::", DROPLET)
    assert message_of("rule", other, finding("sshKeys")) == finding("sshKeys").message("rule")


def test_every_setting_that_is_named_is_one() -> None:
    paths = [tuple(name.split(".")) for name in NAMES]
    assert [path for path in paths if path[0] not in KEYS] == []
    assert [path for path in paths if SettingPlace.of(path).field is None] == []
