"""What a deployer may do is what was recorded, in the words of IAM and of DigitalOcean."""

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from hypothesis import given
from hypothesis import strategies as st

from sandbox.plugins.aws.aws_package import aws_package
from sandbox.plugins.digitalocean.scopes import SCOPES
from support import permissions
from support.permissions import (
    ABORT,
    ACTIONS,
    CALLS,
    PAGES,
    called,
    inserted,
    policy,
    read,
    render,
    scopes,
    table,
)

PACKAGE = aws_package()
ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BEGIN = "<!-- permissions: begin; written by support.permissions -->"
END = "<!-- permissions: end -->"
ZONE = "arn:aws:route53:::hostedzone/HOSTED_ZONE_ID"
DISTRIBUTIONS = "arn:aws:cloudfront::ACCOUNT_ID:distribution/*"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_of_a_verb_has_its_policy(
    name: str, check_page: Callable[[str, str], None]
) -> None:
    check_page(name, permissions.page(name, (ROOT / "docs" / name).read_text()))


def test_whoever_may_deploy_may_lead_everybody_back() -> None:
    assert called() >= ABORT


def allow(*actions: str, on: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": [on]}


@pytest.mark.parametrize(
    ("recorded", "statements"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(["sts:GetCallerIdentity"], [], id="what needs no permission"),
        pytest.param(
            ["route53:ChangeResourceRecordSets"] * 3,
            [allow("route53:ChangeResourceRecordSets", on=ZONE)],
            id="the same thrice",
        ),
        pytest.param(
            ["cloudfront:CreateDistributionWithTags"],
            [allow("cloudfront:CreateDistribution", "cloudfront:TagResource", on=DISTRIBUTIONS)],
            id="an operation that IAM calls otherwise, and needs another",
        ),
        pytest.param(
            ["monitoring:PutMetricAlarm", "monitoring:DescribeAlarms"],
            [
                allow(
                    "cloudwatch:DescribeAlarms",
                    "cloudwatch:PutMetricAlarm",
                    "cloudwatch:TagResource",
                    on="arn:aws:cloudwatch:*:ACCOUNT_ID:alarm:*",
                )
            ],
            id="a service that IAM calls otherwise",
        ),
        pytest.param(
            [
                "route53:ListResourceRecordSets",
                "route53:CreateHealthCheck",
                "elasticloadbalancing:DescribeLoadBalancers",
                "route53:ListHostedZones",
            ],
            [
                allow("elasticloadbalancing:DescribeLoadBalancers", on="*"),
                allow("route53:CreateHealthCheck", "route53:ListHostedZones", on="*"),
                allow("route53:ListResourceRecordSets", on=ZONE),
            ],
            id="by service, then by what it is done to",
        ),
    ],
)
def test_a_policy_allows_what_was_recorded(
    recorded: list[str], statements: list[dict[str, object]]
) -> None:
    assert policy(recorded) == {"Version": "2012-10-17", "Statement": statements}


@given(st.sets(st.sampled_from(sorted(ACTIONS))))
def test_a_policy_allows_every_needed_action_once_and_no_other(recorded: set[str]) -> None:
    document = json.loads(json.dumps(policy(recorded)))
    allowed = [action for statement in document["Statement"] for action in statement["Action"]]
    needed = {action for operation in recorded for action, _ in ACTIONS[operation]}
    assert sorted(allowed) == sorted(needed)
    assert all(statement["Resource"] for statement in document["Statement"])


def test_an_operation_that_nobody_looked_up_is_refused() -> None:
    with pytest.raises(ValueError, match=r"are iam:CreateUser, s3:PutObject among others; .* Add"):
        policy(["s3:PutObject", "iam:CreateUser", "route53:GetChange"])


def test_every_operation_that_the_stand_in_calls_is_known() -> None:
    sources = (ROOT / "sandbox" / "plugins" / "aws").glob("*.py")
    text = "".join(source.read_text(encoding="utf-8") for source in sources)
    called = set(re.findall(r'\.([a-z0-9_]+)\(|get_paginator\("([a-z_0-9]+)"\)', text))
    names = {name for groups in called for name in groups if name}
    session = botocore.session.get_session()
    clients = set(re.findall(r'client\(\s*"(\w+)"', text))
    assert clients == {
        *("acm", "cloudfront", "cloudwatch", "ec2", "elb", "elbv2", "route53", "sts"),
    }
    listed = {action.partition(":")[2] for action in ACTIONS}
    missing = {
        f"{service}:{operation}"
        for service in clients
        for operation in session.get_service_model(service).operation_names
        if xform_name(operation) in names and operation not in listed
    }
    assert missing == set()


def test_the_readme_allows_every_call_of_the_official_plugin_and_of_the_program() -> None:
    document = README.read_text(encoding="utf-8")
    written = document.partition("```json\n")[2].partition("```")[0]
    assert json.loads(written) == policy(called())


def test_every_type_and_function_of_the_stand_in_has_its_calls() -> None:
    kinds = {*PACKAGE.resources, *PACKAGE.functions}
    assert {*CALLS} - {"pulumi:providers:aws"} == kinds
    for what, row in CALLS.items():
        assert row["source"], what
        steps = {"create", "wait", "read", "update", "delete"}
        assert set(row) - {"source"} == (steps if what in PACKAGE.resources else {"read"}), what
        assert {name for step in steps for name in row.get(step, [])} <= ACTIONS.keys(), what


def test_the_stand_in_calls_what_the_official_plugin_calls_and_no_more() -> None:
    session = botocore.session.get_session()
    models = ("acm", "cloudfront", "cloudwatch", "ec2", "elb", "elbv2", "route53", "sts")
    by_method: dict[str, set[str]] = {}
    for model in map(session.get_service_model, models):
        for operation in model.operation_names:
            name = f"{model.signing_name}:{operation}"
            by_method.setdefault(xform_name(operation), set()).add(name)
    for what, row in CALLS.items():
        if what not in PACKAGE.resources:
            continue
        source = inspect.getsource(inspect.getmodule(type(PACKAGE.resources[what])) or sys)
        methods = set(re.findall(r"\.([a-z0-9_]+)\(", source)) & by_method.keys()
        methods |= set(re.findall(r'get_paginator\("([a-z_0-9]+)"\)', source))
        allowed = {name for step, names in row.items() if step != "source" for name in names}
        unknown = {method for method in methods if by_method[method].isdisjoint(allowed)}
        assert unknown == set(), what


def test_the_page_of_calls_is_up_to_date(check_page: Callable[[str, str], None]) -> None:
    check_page("permissions.md", f"{PAGE}\n{table()}")


PAGE = """# What the official plugin of AWS calls

README.md has the permissions for these calls. The files are those of
hashicorp/terraform-provider-aws, which pulumi-aws bridges, below `internal/service`. An update is
whatever the program, the provider's `defaultTags` or a change by hand make it put right in place.
Written by `make docs` from `tests/support/provider_calls.json`.
"""


def test_every_known_operation_is_one_of_aws() -> None:
    session = botocore.session.get_session()
    models = ("acm", "cloudfront", "cloudwatch", "ec2", "elb", "elbv2", "route53", "sts")
    every = {
        f"{model.signing_name}:{operation}"
        for model in map(session.get_service_model, models)
        for operation in model.operation_names
    }
    assert ACTIONS.keys() <= every


@pytest.mark.parametrize(
    ("used", "needed"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(["tag:create"], ["tag:create", "tag:read"], id="reading what is written"),
        pytest.param(["firewall:read"], ["firewall:read"], id="what requires nothing"),
        pytest.param(
            ["droplet:create"],
            [
                *("actions:read", "droplet:create", "droplet:read", "image:read"),
                *("regions:read", "sizes:read"),
            ],
            id="as the page of droplet:create lists them",
        ),
        pytest.param(
            ["reserved_ip:create"],
            [
                *("actions:read", "droplet:read", "image:read", "project:read", "regions:read"),
                *("reserved_ip:create", "reserved_ip:read", "sizes:read"),
            ],
            id="as the page of reserved_ip:create lists them",
        ),
        pytest.param(
            ["vpc:create"],
            ["actions:read", "regions:read", "sizes:read", "vpc:create", "vpc:read"],
            id="as the pages of vpc list them",
        ),
    ],
)
def test_a_token_has_the_scopes_that_scopes_require(used: list[str], needed: list[str]) -> None:
    assert scopes(used) == needed


@given(st.sets(st.sampled_from(sorted({scope for each in SCOPES.values() for scope in each}))))
def test_what_requires_more_is_whole(used: set[str]) -> None:
    whole = scopes(used)
    assert used <= set(whole)
    assert scopes(whole) == whole


def test_both_clouds_are_rendered_in_one_section() -> None:
    notes = read(
        '{"scope": "tag:read"}\n{"action": "route53:GetChange"}\n\n{"scope": "tag:read"}\n'
    )
    assert render(notes) == (
        "On AWS, this policy. Replace the words in capitals; the region is the load balancer's.\n"
        "\n"
        "```json\n"
        "{\n"
        '  "Version": "2012-10-17",\n'
        '  "Statement": [\n'
        "    {\n"
        '      "Effect": "Allow",\n'
        '      "Action": [\n'
        '        "route53:GetChange"\n'
        "      ],\n"
        '      "Resource": [\n'
        '        "arn:aws:route53:::change/*"\n'
        "      ]\n"
        "    }\n"
        "  ]\n"
        "}\n"
        "```\n"
        "\n"
        "On DigitalOcean, where there is a proxy, a token with the scopes `tag:read`.\n"
    )


def test_without_a_proxy_nothing_is_said_of_digitalocean() -> None:
    assert "DigitalOcean" not in render([{"action": "route53:GetChange"}])


def test_the_section_between_the_marks_is_written_anew() -> None:
    notes = [{"action": "route53:GetChange"}]
    document = f"# Title\n\n{BEGIN}\nold\n{END}\n\nrest\n"
    once = inserted(document, notes)
    assert once == f"# Title\n\n{BEGIN}\n\n{render(notes)}\n{END}\n\nrest\n"
    assert inserted(once, notes) == once
    with pytest.raises(ValueError, match="the marks are there 0 times; each belongs there once"):
        inserted("# Title\n", notes)


def test_the_command_writes_into_a_document(tmp_path: Path) -> None:
    recorded, document = tmp_path / "actions.jsonl", tmp_path / "README.md"
    recorded.write_text('{"action": "route53:GetChange"}\n')
    document.write_text(f"{BEGIN}\n{END}\n")
    subprocess.run(
        [sys.executable, "-m", permissions.__name__, str(recorded), str(document)],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
    )
    assert "route53:GetChange" in document.read_text()
