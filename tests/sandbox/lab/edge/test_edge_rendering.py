"""What an edge node is told, as text, and whether nginx takes it."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.lab.deployed import Deployed, DeployedDistribution
from sandbox.lab.edge import DEFAULT_CERTIFICATE, program, unsupported
from sandbox.lab.edge.edge_behavior import EdgeSite
from sandbox.lab.edge.lua import lua
from sandbox.lab.edge.nginx_text import regex
from sandbox.lab.edge.sites import sites
from support.edge import (
    ALL_VIEWER_AND_CLOUDFRONT,
    API,
    ARN,
    behavior,
    deployed,
    distribution,
    issued,
    legacy,
    listed,
    origin,
)

_LONG = ".".join(["a" * 60] * 4)

_DEPLOYED: dict[str, Deployed] = {
    "nothing": Deployed(),
    "pass-through": deployed(),
    "everything off": deployed(
        distribution(
            IsIPV6Enabled=False,
            HttpVersion="http1.1",
            ViewerCertificate={"CloudFrontDefaultCertificate": True},
            Aliases=listed([]),
        )
    ),
    "two": deployed(distribution("E1", [API]), distribution("E2", ["*.example.org", _LONG])),
    "many behaviors": deployed(
        distribution(
            CacheBehaviors=listed(
                [
                    behavior(PathPattern='/a"b\\$c{d}/*;#', Compress=True),
                    legacy() | {"PathPattern": "*.jpg"},
                    behavior(PathPattern="/é%20?", OriginRequestPolicyId=ALL_VIEWER_AND_CLOUDFRONT),
                ]
            ),
            CustomErrorResponses=listed(
                [
                    {
                        "ErrorCode": 404,
                        "ResponsePagePath": '/errors/$it\'s "404".html',
                        "ResponseCode": "200",
                        "ErrorCachingMinTTL": 5,
                    }
                ]
            ),
            Origins=listed(
                [
                    origin(
                        CustomOriginConfig={
                            "OriginProtocolPolicy": "match-viewer",
                            "OriginSslProtocols": listed(["SSLv3", "TLSv1"]),
                        }
                    )
                ]
            ),
        )
    ),
    "nothing but what must be": Deployed(
        distributions=(
            DeployedDistribution(
                "E1",
                "e1.cloudfront.net",
                {
                    "Enabled": True,
                    "Origins": listed([{"Id": "o", "DomainName": "o.example.com"}]),
                    "DefaultCacheBehavior": {"TargetOriginId": "o", "CachePolicyId": "unknown"},
                },
            ),
        )
    ),
}


@pytest.mark.parametrize("name", _DEPLOYED)
@pytest.mark.parametrize("certificates", [{}, {ARN: (API,), DEFAULT_CERTIFICATE: ("x.test",)}])
def test_nginx_takes_the_configuration(
    tmp_path: Path, name: str, certificates: dict[str, tuple[str, ...]]
) -> None:
    folder = tmp_path / 'with space and "quotes"'
    folder.mkdir()
    issued_ = {
        arn: issued(folder / str(number), *names)
        for number, (arn, names) in enumerate(certificates.items())
    }
    ca = issued(folder, "ca.test")[0]
    made = program("edge-1", _DEPLOYED[name], issued_, ca, "127.0.0.1", folder)
    for path, text in made.files.items():
        path.write_text(text)
    done = subprocess.run(
        ("unshare", "--net", *made.command, "-t"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_the_program_is_a_function_of_what_is_deployed(tmp_path: Path) -> None:
    def render(host: str, what: Deployed) -> Any:
        return program(host, what, {}, tmp_path / "ca.pem", "198.18.3.2", tmp_path)

    first = render("edge-1", deployed())
    assert first == render("edge-1", deployed())
    assert (first.name, first.host) == ("edge", "edge-1")
    changed = render("edge-1", deployed(distribution(IsIPV6Enabled=False)))
    # A change is taken by a reload: the command stays, only files differ.
    assert (changed.command, changed.reload) == (first.command, first.reload)
    assert changed.files.keys() == first.files.keys()
    assert changed.files != first.files
    assert first.reload == (*first.command, "-s", "reload")
    assert all(path.parent == tmp_path for path in first.files)
    assert "resolver 198.18.3.2 ipv6=off;" in first.files[tmp_path / "nginx.conf"]


def _site(**changes: Any) -> EdgeSite:
    (site,) = sites(deployed(distribution(**changes)))
    return site


def test_a_distribution_of_this_project_keeps_and_drops_nothing() -> None:
    site = _site()
    (only,) = site.behaviors
    assert (site.name, site.aliases) == ("e1.cloudfront.net", (API,))
    assert (site.ipv6, site.http2, site.certificate) == (True, True, ARN)
    assert (only.min_ttl, only.default_ttl, only.max_ttl) == (0, 0, 0)
    assert set(only.error_ttls.values()) == {0}
    assert any(selection.headers.kind == "all" for selection in only.forwarded)
    assert only.cookies_pass
    assert not only.compress
    assert not only.legacy


def test_the_name_of_a_behavior_does_not_depend_on_its_neighbours() -> None:
    one, two = behavior(PathPattern="/a/*"), behavior(PathPattern="/b/*")
    alone = _site(CacheBehaviors=listed([two]))
    both = _site(CacheBehaviors=listed([one, two]))
    assert alone.behaviors[0].name == both.behaviors[1].name
    assert len({made.name for made in both.behaviors}) == 3


def test_staging_and_disabled_distributions_are_not_served() -> None:
    made = distribution()
    for change in ({"Enabled": False}, {"Staging": True}):
        assert sites(deployed(replace(made, config={**made.config, **change}))) == ()


@given(
    st.text("ab/*?.", max_size=8),
    st.text("ab/.", max_size=8),
)
def test_a_pattern_matches_as_documented(pattern: str, path: str) -> None:
    def matches(pattern: str, path: str) -> bool:
        if not pattern:
            return not path
        if pattern[0] == "*":
            return any(matches(pattern[1:], path[start:]) for start in range(len(path) + 1))
        return bool(path) and pattern[0] in ("?", path[0]) and matches(pattern[1:], path[1:])

    assert bool(re.match(regex(pattern), path)) == matches(pattern, path)


@given(st.text())
def test_a_text_survives_lua(text: str) -> None:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return
    written = lua(text)
    assert written.isascii()
    assert written.isprintable()
    read = re.sub(r"\\(\d{3})", lambda escape: chr(int(escape.group(1))), written[1:-1])
    assert '"' not in re.sub(r"\\\d{3}", "", written[1:-1])
    assert read.encode("latin-1") == raw


# What it cannot stand in for ----------------------------------------------------------------------


def test_nothing_of_this_project_is_unsupported() -> None:
    assert unsupported(deployed()) == []


_UNSUPPORTED: dict[str, tuple[dict[str, Any], str]] = {
    "web ACL": ({"WebACLId": "arn"}, "the lab has no web ACL (WebACLId)"),
    "HTTP/3": ({"HttpVersion": "http2and3"}, "the lab has no HTTP/3 (HttpVersion)"),
    "logs": (
        {"Logging": {"Enabled": True, "Bucket": "b", "Prefix": "", "IncludeCookies": False}},
        "the lab has no standard logs (Logging)",
    ),
    "countries": (
        {"Restrictions": {"GeoRestriction": {"RestrictionType": "whitelist"} | listed(["DE"])}},
        "the lab has no geographic restrictions (GeoRestriction)",
    ),
    "origin groups": (
        {"OriginGroups": listed([{"Id": "g", "Members": listed([{"OriginId": "o"}])}])},
        "the lab has no origin groups (OriginGroups)",
    ),
    "IPv6 origin": (
        {"Origins": listed([origin(CustomOriginConfig={"IpAddressType": "dualstack"})])},
        "origin o: the lab has no IPv6 towards the origin (IpAddressType)",
    ),
    "a bucket": (
        {
            "Origins": listed(
                [
                    {
                        "Id": "o",
                        "DomainName": "b.s3.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ]
            )
        },
        "origin o: the lab has no S3 bucket (S3OriginConfig)",
    ),
    "shield": (
        {"Origins": listed([origin(OriginShield={"Enabled": True})])},
        "origin o: the lab has no Origin Shield (OriginShield)",
    ),
    "Lambda@Edge": (
        {"DefaultCacheBehavior": behavior(LambdaFunctionAssociations=listed([{}]))},
        "behavior default: the lab has no Lambda@Edge functions",
    ),
    "functions": (
        {"CacheBehaviors": listed([behavior(PathPattern="/a", FunctionAssociations=listed([{}]))])},
        "behavior /a: the lab has no CloudFront Functions",
    ),
    "signed URLs": (
        {"DefaultCacheBehavior": behavior(TrustedKeyGroups={"Enabled": True, "Quantity": 0})},
        "behavior default: the lab has no signed URLs or cookies",
    ),
    "field-level encryption": (
        {"DefaultCacheBehavior": behavior(FieldLevelEncryptionId="F")},
        "behavior default: the lab has no field-level encryption",
    ),
    "real-time logs": (
        {"DefaultCacheBehavior": behavior(RealtimeLogConfigArn="arn")},
        "behavior default: the lab has no real-time logs",
    ),
    "response headers": (
        {"DefaultCacheBehavior": behavior(ResponseHeadersPolicyId="R")},
        "behavior default: the lab has no response headers policy",
    ),
    "cached OPTIONS": (
        {
            "DefaultCacheBehavior": behavior(
                AllowedMethods=listed(["GET", "HEAD", "OPTIONS"])
                | {"CachedMethods": listed(["GET", "HEAD", "OPTIONS"])}
            )
        },
        "behavior default: the lab has no caching of OPTIONS (CachedMethods)",
    ),
    "an unknown policy": (
        {"DefaultCacheBehavior": behavior(OriginRequestPolicyId="gone")},
        "behavior default: the policy gone (OriginRequestPolicyId) could not be read",
    ),
}


@pytest.mark.parametrize("name", _UNSUPPORTED)
def test_what_the_edge_cannot_stand_in_for_is_named(name: str) -> None:
    changes, expected = _UNSUPPORTED[name]
    (message,) = unsupported(deployed(distribution(**changes)))
    assert message.startswith(f"Distribution E1: {expected}")
    assert message.endswith(".")


def test_a_mixture_of_http_versions_is_named() -> None:
    mixed = deployed(distribution("E1"), distribution("E2", [], HttpVersion="http1.1"))
    (message,) = unsupported(mixed)
    assert message.startswith("Some distributions offer HTTP/2 and some do not")


def test_what_is_not_enabled_is_not_named() -> None:
    made = distribution(WebACLId="arn", Enabled=False)
    assert unsupported(deployed(made)) == []
