"""The packs under the real engine: policies of the same stack, configuration, repairs, state."""

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from policies.rules import PACKS
from support.engine import Stack

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient

CHECKOUT = Path(__file__).resolve().parents[2]
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
CODES = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]
METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]

WITH_OWN_POLICY = """
import pulumi_aws as aws

nothing = {{"cookie_behavior": "none"}}
policy = aws.cloudfront.CachePolicy(
    "policy",
    min_ttl=0,
    default_ttl=0,
    max_ttl={max_ttl},
    parameters_in_cache_key_and_forwarded_to_origin={{
        "cookies_config": {{"cookie_behavior": "none"}},
        "headers_config": {{"header_behavior": "none"}},
        "query_strings_config": {{"query_string_behavior": "none"}},
    }},
)
requests = aws.cloudfront.OriginRequestPolicy(
    "requests",
    cookies_config={{"cookie_behavior": "{cookies}"}},
    headers_config={{"header_behavior": "allViewer"}},
    query_strings_config={{"query_string_behavior": "all"}},
)
cdn = aws.cloudfront.Distribution(
    "cdn",
    enabled=True,
    is_ipv6_enabled=True,
    aliases=["api.example.com"],
    origins=[{{"origin_id": "api", "domain_name": "api.us-east-1.elb.amazonaws.com"}}],
    default_cache_behavior={{
        "allowed_methods": {methods},
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": policy.id,
        "origin_request_policy_id": requests.id,
        "target_origin_id": "api",
        "viewer_protocol_policy": "allow-all",
    }},
    custom_error_responses=[
        {{"error_code": code, "error_caching_min_ttl": 0}} for code in {codes}
    ],
    restrictions={{"geo_restriction": {{"restriction_type": "none"}}}},
    viewer_certificate={{"cloudfront_default_certificate": True}},
)
for family in ("A", "AAAA"):
    aws.route53.Record(
        f"api-{{family}}",
        zone_id="Z1",
        name="API.example.com.",
        type=family,
        aliases=[
            {{
                "name": cdn.domain_name,
                "zone_id": cdn.hosted_zone_id,
                "evaluate_target_health": False,
            }}
        ],
    )
"""


@pytest.fixture
def own(stack: Stack, tmp_path: Path) -> Stack:
    """A stack whose provider takes any resource, for previews."""
    folder = tmp_path / "provider"
    folder.mkdir()
    launcher = folder / "pulumi-resource-aws"
    module = CHECKOUT / "tests" / "support" / "any_provider.py"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {module} "$@"\n')
    launcher.chmod(0o755)
    stack.variables["PATH"] = f"{folder}:{stack.variables['PATH']}"
    return stack


def program(stack: Stack, *, max_ttl: int = 0, cookies: str = "all") -> None:
    text = WITH_OWN_POLICY.format(max_ttl=max_ttl, cookies=cookies, methods=METHODS, codes=CODES)
    (stack.folder / "__main__.py").write_text(text)


def with_settings(stack: Stack, settings: Any) -> list[str]:
    """Return the flags that turn the mandatory pack on with these settings, and it alone."""
    stack.variables.pop("PULUMI_OPTION_POLICY_PACK", None)
    path = stack.folder / "settings.json"
    path.write_text(json.dumps(settings))
    pack = str(CHECKOUT / "policies" / "dual_stack")
    return ["--policy-pack", pack, "--policy-pack-config", str(path)]


def mandatory(printed: str) -> set[str]:
    return set(re.findall(r"\[mandatory\] (?:\[severity: \w+\])? +(\S+)", printed))


def test_policies_made_in_the_same_stack_are_judged_by_what_they_say(own: Stack) -> None:
    program(own)
    printed = own.pulumi("preview").must()
    assert mandatory(printed) == set()
    assert "unknowns" not in printed


def test_a_cache_policy_of_the_same_stack_that_caches_is_a_certain_violation(own: Stack) -> None:
    program(own, max_ttl=60)
    printed = own.pulumi("preview").refused()
    assert mandatory(printed) == {"caching-off"}
    assert (
        'caching-off: defaultCacheBehavior.cachePolicyId is that of "policy" in this stack, whose '
        "maxTtl is 60; it must be "
    ) in printed


def test_an_origin_request_policy_that_drops_cookies_breaks_that_rule_alone(own: Stack) -> None:
    program(own, cookies="none")
    printed = own.pulumi("preview").refused()
    assert mandatory(printed) == {"cookies-forwarded"}
    assert 'whose cookiesConfig.cookieBehavior is "none"' in printed


def test_an_unknown_id_that_leads_nowhere_is_one_message_at_the_level_that_is_set(
    own: Stack,
) -> None:
    program(own)
    text = (own.folder / "__main__.py").read_text()
    reference = "aws.s3.Bucket('elsewhere').bucket"
    (own.folder / "__main__.py").write_text(
        text.replace('"cache_policy_id": policy.id', f'"cache_policy_id": {reference}')
    )
    printed = own.pulumi("preview").refused()
    assert mandatory(printed) == {"unknowns"}
    assert "caching-off cannot tell: defaultCacheBehavior.cachePolicyId is not known" in printed
    flags = with_settings(own, {"unknowns": "advisory"})
    assert mandatory(own.pulumi("preview", *flags).must()) == set()


BREAK = """
import pulumi

def change(args):
    if args.type_ == "aws:cloudfront/distribution:Distribution":
        props = dict(args.props)
        behavior = dict(props["defaultCacheBehavior"])
        behavior.update(
            allowedMethods=["GET", "HEAD"],
            cachePolicyId="658327ea-f89d-4fab-a63d-7e88639e58f6",
            originRequestPolicyId=None,
        )
        props.update(
            defaultCacheBehavior=behavior,
            isIpv6Enabled=False,
            customErrorResponses=[{"errorCode": 404, "errorCachingMinTtl": 300}],
        )
        return pulumi.ResourceTransformResult(props=props, opts=args.opts)
    return None

pulumi.runtime.register_resource_transform(change)
"""


def test_at_level_remediate_the_repaired_distribution_is_the_one_that_is_deployed(
    stack: Stack, cloudfront: "CloudFrontClient"
) -> None:
    stack.wrap(BREAK)
    flags = with_settings(stack, {"all": "remediate"})
    printed = stack.pulumi("up", "--yes", "--skip-preview", *flags).must()
    assert mandatory(printed) == set()
    (summary,) = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    config = cloudfront.get_distribution_config(Id=summary["Id"])["DistributionConfig"]
    behavior = config["DefaultCacheBehavior"]
    errors = config.get("CustomErrorResponses", {}).get("Items", [])
    assert config.get("IsIPV6Enabled") is True
    assert behavior.get("CachePolicyId") == CACHING_DISABLED
    assert behavior.get("OriginRequestPolicyId") == ALL_VIEWER
    assert sorted(behavior.get("AllowedMethods", {}).get("Items", [])) == METHODS
    assert {error["ErrorCode"]: error.get("ErrorCachingMinTTL") for error in errors} == (
        dict.fromkeys(CODES, 0)
    )


@pytest.mark.parametrize(
    ("until", "broken"),
    [
        pytest.param("2999-12-31", set[str](), id="holds"),
        pytest.param("2020-01-31", {"caching-off"}, id="ended"),
    ],
)
def test_an_exemption_is_listed_while_it_holds_and_does_nothing_afterwards(
    own: Stack, until: str, broken: set[str]
) -> None:
    program(own, max_ttl=60)
    exemption = {"rule": "caching-off", "resource": "cdn", "reason": "Old site.", "until": until}
    flags = with_settings(own, {"exceptions": {"exemptions": [exemption]}})
    printed = own.pulumi("preview", *flags)
    assert mandatory(printed.text) == broken
    if broken:
        assert f'The exemption ("Old site.") ended on {until}.' in printed.refused()
    else:
        assert f'cdn is exempt from caching-off until {until} ("Old site.")' in printed.must()


def test_faults_in_the_configuration_stop_the_command_and_are_all_said(own: Stack) -> None:
    program(own)
    exemption = {"rule": "caching", "resource": "cdn", "reason": "x", "until": "soon"}
    flags = with_settings(
        own, {"cache-off": "mandatory", "exceptions": {"exemptions": [exemption]}}
    )
    printed = own.pulumi("preview", *flags).refused()
    assert "The configuration of pack dual-stack cannot be used" in printed
    assert "cache-off is set; it must be one of all, ipv6-enabled" in printed
    assert 'exceptions.exemptions[0].until is "soon"; it must be a date as 2027-01-31.' in printed


def exported(corpus: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a state in which each entry of the corpus is a project of its own."""
    resources: list[dict[str, Any]] = []
    for number, entry in enumerate(corpus):
        prefix = f"urn:pulumi:dev::corpus-{number}::"
        provider = f"{prefix}pulumi:providers:aws::default"
        resources.append(
            {"urn": provider, "custom": True, "id": "p", "type": "pulumi:providers:aws"}
        )
        for one in entry["resources"]:
            urns = {
                other["name"]: f"{prefix}{other['type']}::{other['name']}"
                for other in entry["resources"]
            }
            needed = {
                key: [urns[name] for name in names]
                for key, names in one.get("dependencies", {}).items()
            }
            resources.append(
                {
                    "urn": urns[one["name"]],
                    "custom": True,
                    "id": one["name"],
                    "type": one["type"],
                    "inputs": one["properties"],
                    "outputs": one["properties"],
                    "provider": f"{provider}::p",
                    "propertyDependencies": needed,
                    "dependencies": [urn for names in needed.values() for urn in names],
                }
            )
    return {"version": 3, "deployment": {"manifest": {}, "resources": resources}}


def test_analyzing_a_state_of_public_configurations_finds_what_is_wrong_and_nothing_else(
    stack: Stack,
) -> None:
    """Entries are analyzed one by one, because in life each is a stack of its own."""
    corpus = yaml.safe_load((CHECKOUT / "tests/policies/corpus/public.yaml").read_text())
    chosen = [entry for entry in corpus if len(entry["resources"]) > 1][:4] + corpus[:2]
    rules = {rule.name for pack in PACKS for rule in pack.rules}
    for entry in chosen:
        path = stack.folder / "state.json"
        path.write_text(json.dumps(exported([entry])))
        printed = stack.pulumi("policy", "analyze", "--file", str(path), "--json").text
        events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
        rules_by_resource: dict[str, set[str]] = {}
        for event in events:
            violation = event.get("policyEvent")
            if violation:
                name = violation["resourceUrn"].rsplit("::", 1)[1]
                rules_by_resource.setdefault(name, set()).add(violation["policyName"])
        assert rules_by_resource == {name: set(broken) for name, broken in entry["breaks"].items()}
        assert {name for names in rules_by_resource.values() for name in names} <= rules


@pytest.mark.parametrize(
    "relative", [pytest.param(False, id="as it is"), pytest.param(True, id="a relative path")]
)
def test_a_pack_that_is_given_by_the_environment_and_by_flag_says_everything_once(
    own: Stack, relative: bool
) -> None:
    program(own, max_ttl=60)
    pack = str(CHECKOUT / "policies" / "dual_stack")
    own.variables["PULUMI_OPTION_POLICY_PACK"] = pack
    flag = os.path.relpath(pack, own.folder) if relative else pack
    said = own.pulumi("preview", "--policy-pack", flag).refused()
    assert len(re.findall(r"\[mandatory\].* caching-off", said)) == 1
