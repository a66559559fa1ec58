"""The permissions a deployer needs, from the calls of the official plugin and of the program.

What the official plugin of AWS calls is in `provider_calls.json`, by resource type and function,
each with the files of hashicorp/terraform-provider-aws that call it: creation, waiting, reading,
changes in place of whatever the program or somebody by hand can change, deletion. The stand-ins of
the sandbox call those and no others, which the tests compare with what they note. What the program
asks by itself is in `OWN`. DigitalOcean's scopes are from notes alone.

A stand-in notes every request it sends, `route53:ChangeResourceRecordSets` of AWS or the scope
`droplet:create` of DigitalOcean (see `sandbox.plugins.actions`); what the program sends by itself
is in the log of the local AWS. Two things stand between these notes and a policy. What AWS calls an
operation and what IAM calls the permission for it are not always the same, and a tag given on the
way needs a permission of its own; `ACTIONS` says which. And DigitalOcean hands out no token with a
scope but without those that the scope requires; `REQUIRED` says which.
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from support import marks

Resources = tuple[str, ...]
"""ARNs, with placeholders in capitals for what differs from account to account."""

EVERYTHING: Final[Resources] = ("*",)
ZONE: Final = "arn:aws:route53:::hostedzone/HOSTED_ZONE_ID"
ANY_ZONE: Final = "arn:aws:route53:::hostedzone/*"
HEALTH_CHECKS: Final = "arn:aws:route53:::healthcheck/*"
DISTRIBUTIONS: Final[Resources] = ("arn:aws:cloudfront::ACCOUNT_ID:distribution/*",)
CERTIFICATES: Final[Resources] = ("arn:aws:acm:us-east-1:ACCOUNT_ID:certificate/*",)
ALARMS: Final[Resources] = ("arn:aws:cloudwatch:*:ACCOUNT_ID:alarm:*",)
GROUP_RULES: Final[Resources] = ("arn:aws:ec2:REGION:ACCOUNT_ID:security-group-rule/*",)
GROUP: Final[Resources] = (
    "arn:aws:ec2:REGION:ACCOUNT_ID:security-group/SECURITY_GROUP_ID",
    *GROUP_RULES,
)
CHANGED_GROUP: Final[Resources] = (*GROUP, "arn:aws:ec2:REGION:*:prefix-list/*")

Allowed = tuple[tuple[str, Resources], ...]
"""IAM's actions, each with what it may be done to."""


def _named_alike(resources: Resources, *operations: str) -> dict[str, Allowed]:
    """Return what to allow for operations whose permissions have their names."""
    return {operation: ((operation, resources),) for operation in operations}


ACTIONS: Final[Mapping[str, Allowed]] = {
    **_named_alike(
        CERTIFICATES,
        *("acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:DescribeCertificate"),
        *("acm:ListTagsForCertificate", "acm:RemoveTagsFromCertificate"),
    ),
    "acm:RequestCertificate": (
        ("acm:RequestCertificate", EVERYTHING),
        ("acm:AddTagsToCertificate", CERTIFICATES),
    ),
    "cloudfront:CreateDistributionWithTags": (
        ("cloudfront:CreateDistribution", DISTRIBUTIONS),
        ("cloudfront:TagResource", DISTRIBUTIONS),
    ),
    **_named_alike(
        DISTRIBUTIONS,
        *("cloudfront:DeleteDistribution", "cloudfront:GetDistribution"),
        *("cloudfront:GetDistributionConfig", "cloudfront:ListConflictingAliases"),
        *("cloudfront:ListTagsForResource", "cloudfront:TagResource"),
        *("cloudfront:UntagResource", "cloudfront:UpdateDistribution"),
    ),
    **_named_alike(
        CHANGED_GROUP, "ec2:AuthorizeSecurityGroupIngress", "ec2:ModifySecurityGroupRules"
    ),
    **_named_alike(GROUP_RULES, "ec2:CreateTags", "ec2:DeleteTags"),
    **_named_alike(GROUP, "ec2:RevokeSecurityGroupIngress"),
    **_named_alike(
        EVERYTHING,
        *("acm:ListCertificates", "cloudfront:ListDistributions"),
        *("ec2:DescribeManagedPrefixLists", "ec2:DescribeSecurityGroupRules"),
        *("ec2:DescribeSecurityGroups", "ec2:GetManagedPrefixListEntries"),
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        *("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags"),
        *("route53:CreateHealthCheck", "route53:ListHealthChecks", "route53:ListHostedZones"),
        "route53:ListHostedZonesByName",
    ),
    **{
        f"monitoring:{name}": ((f"cloudwatch:{name}", ALARMS),)
        for name in (
            *("DeleteAlarms", "DescribeAlarms", "ListTagsForResource", "TagResource"),
            "UntagResource",
        )
    },
    "monitoring:PutMetricAlarm": (
        ("cloudwatch:PutMetricAlarm", ALARMS),
        ("cloudwatch:TagResource", ALARMS),
    ),
    # That of protections is as the API names it: the reference that was read is older.
    **_named_alike(
        (ZONE,),
        *("route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"),
        "route53:ListResourceRecordSetProtections",
    ),
    **_named_alike(
        (ANY_ZONE, HEALTH_CHECKS), "route53:ChangeTagsForResource", "route53:ListTagsForResource"
    ),
    **_named_alike(
        (HEALTH_CHECKS,),
        *("route53:DeleteHealthCheck", "route53:GetHealthCheck", "route53:UpdateHealthCheck"),
    ),
    **_named_alike((ANY_ZONE,), "route53:GetHostedZone"),
    **_named_alike(("arn:aws:route53:::change/*",), "route53:GetChange"),
    # "No permissions are required to perform this operation": STS API Reference.
    "sts:GetCallerIdentity": (),
}
"""What IAM has to allow for each operation, by the name under which it is noted.

Source: Service Authorization Reference, 'Actions, resources, and condition keys' of ACM,
CloudFront, CloudWatch, EC2, Elastic Load Balancing and Route 53; CloudFront API Reference,
'CreateDistributionWithTags', for the two permissions that it needs.
"""

CALLS: Final[Mapping[str, Mapping[str, list[str]]]] = json.loads(
    Path(__file__).with_name("provider_calls.json").read_text()
)
"""What the official plugin calls, by resource type or function, and by what it does then; `source`
are files in `internal/service` of hashicorp/terraform-provider-aws, read in 2026."""

OWN: Final = frozenset(
    {"acm:DescribeCertificate", "acm:ListCertificates", "cloudfront:ListDistributions"}
    | {"monitoring:DescribeAlarms", "route53:ListHealthChecks", "route53:ListHostedZonesByName"}
    | {"sts:GetCallerIdentity"}
)
"""What the program asks by itself, past the plugin."""

ABORT: Final = frozenset(
    {"route53:ChangeResourceRecordSets", "route53:GetChange", "route53:ListHostedZonesByName"}
    | {"route53:ListResourceRecordSets"}
)
"""What `dualstack shift abort --direct` asks."""

RELEASE: Final = ABORT | {
    *("elasticloadbalancing:DescribeLoadBalancers", "route53:ListResourceRecordSetProtections"),
}
"""What `dualstack release` asks, besides the import into the state."""

ADOPT: Final = RELEASE | {
    *("cloudfront:GetDistributionConfig", "cloudfront:ListConflictingAliases"),
    "cloudfront:ListDistributions",
}
"""The same of `dualstack adopt`."""

IMPORT: Final = frozenset(CALLS["aws:route53/record:Record"]["read"])
"""What the plugin asks when `pulumi import` takes records into the state."""

PAGES: Final[Mapping[str, frozenset[str]]] = {
    "adopt.md": ADOPT | IMPORT,
    "recovery.md": ABORT,
}
"""Pages of docs/ that have the policy of a verb, and what it asks."""

_DROPLETS = ("actions:read", "droplet:read", "image:read", "regions:read", "sizes:read")

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "droplet": _DROPLETS,
    "image": _DROPLETS,
    "reserved_ip": _DROPLETS,
    "reserved_ip:create": ("project:read",),
    "sizes": ("regions:read",),
    "vpc": ("actions:read", "regions:read", "sizes:read"),
}
"""Which other scopes a token must have with a scope of a type, or with one in particular.

Beside them every scope requires the one that reads its type. Source: DigitalOcean API, 'Scopes for
API Tokens', the page of each scope; that of the types that are not listed here names no others.
"""


def called() -> frozenset[str]:
    """Return every operation of AWS that a deployer needs."""
    rows = ((step, names) for row in CALLS.values() for step, names in row.items())
    return OWN.union(*(names for step, names in rows if step != "source"))


def table() -> str:
    """Return what the official plugin calls, as Markdown."""
    lines = ["| what | when | calls | source |", "| --- | --- | --- | --- |"]
    for what, row in CALLS.items():
        source = "<br>".join(f"`{path}`" for path in row["source"])
        for step, names in row.items():
            if step != "source" and names:
                calls = ", ".join(
                    f"`{name.replace('monitoring:', 'cloudwatch:')}`" for name in names
                )
                lines.append(f"| `{what}` | {step} | {calls} | {source} |")
    return "\n".join(lines) + "\n"


def read(text: str) -> list[dict[str, str]]:
    """Return the notes in a file of actions, one a line."""
    return [json.loads(line) for line in text.splitlines() if line]


def policy(actions: Iterable[str]) -> dict[str, object]:
    """Return the IAM policy for operations, a statement for each service and set of resources.

    Raises:
        ValueError: an operation is not in the table; nothing is guessed.
    """
    operations = set(actions)
    unknown = sorted(operations - ACTIONS.keys())
    if unknown:
        raise ValueError(
            f"the operations recorded are {', '.join(unknown)} among others; ACTIONS in "
            "tests/support/permissions.py does not know them. Add them, as the Service "
            "Authorization Reference says."
        )
    reach: dict[str, set[str]] = {}
    for operation in operations:
        for action, resources in ACTIONS[operation]:
            reach.setdefault(action, set()).update(resources)
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for action, resources in sorted(reach.items()):
        service = action.partition(":")[0]
        grouped.setdefault((service, tuple(sorted(resources))), []).append(action)
    statements = [
        {"Effect": "Allow", "Action": names, "Resource": list(resources)}
        for (_, resources), names in sorted(grouped.items())
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def scopes(used: Iterable[str]) -> list[str]:
    """Return the scopes of a token that may use some: those, and all that they require."""
    needed: set[str] = set()
    left = set(used)
    while left:
        scope = left.pop()
        needed.add(scope)
        type_ = scope.partition(":")[0]
        required = (f"{type_}:read", *REQUIRED.get(type_, ()), *REQUIRED.get(scope, ()))
        left.update(set(required) - needed)
    return sorted(needed)


def render(notes: Iterable[Mapping[str, str]]) -> str:
    """Return the permissions for what was noted, as Markdown.

    Args:
        notes: each `{"action": ...}` of AWS or `{"scope": ...}` of DigitalOcean, in any order and
            number.
    """
    kept = list(notes)
    noted = {note["action"] for note in kept if "action" in note}
    document = json.dumps(policy(noted), indent=2)
    token = scopes(note["scope"] for note in kept if "scope" in note)
    lines = [
        "On AWS, this policy. Replace the words in capitals; the region is the load balancer's.",
        "",
        "```json",
        document,
        "```",
    ]
    if token:
        listed = ", ".join(f"`{scope}`" for scope in token)
        lines += ["", f"On DigitalOcean, where there is a proxy, a token with the scopes {listed}."]
    return "\n".join(lines) + "\n"


def inserted(document: str, notes: Iterable[Mapping[str, str]]) -> str:
    """Return a document in which the permissions are written again between their marks."""
    return marks.inserted(document, "permissions", "support.permissions", render(notes))


def page(name: str, document: str) -> str:
    """Return one of `PAGES` in which the policy of its verbs is written again."""
    text = f"```json\n{json.dumps(policy(PAGES[name]), indent=2)}\n```\n"
    return marks.inserted(document, "permissions", "support.permissions", text)


def main() -> None:
    """Write the permissions for what is called, and for recorded scopes, into a document."""
    parser = argparse.ArgumentParser(prog="python -m support.permissions", description=__doc__)
    parser.add_argument("actions", type=Path, help="what DUALSTACK_SANDBOX_ACTIONS named")
    parser.add_argument("document", type=Path, help="a Markdown file with the two marks")
    arguments = parser.parse_args()
    notes = read(arguments.actions.read_text(encoding="utf-8"))
    document: Path = arguments.document
    notes += [{"action": operation} for operation in called()]
    document.write_text(inserted(document.read_text(encoding="utf-8"), notes), encoding="utf-8")


if __name__ == "__main__":
    main()
