"""The page of documentation about the rules, made from the rules.

`python -m policies.rules_reference` writes it again, and with it the JSON schema of each pack's
configuration.
"""

import json
from pathlib import Path
from typing import Any

from policies.model import Pack, Rule, RuleOptions
from policies.rules import PACKS
from policies.settings import Exceptions, properties_of, schema

_HEAD = """\
# Rules

<!-- Made from the rules by `python -m policies.rules_reference`; do not edit. -->

A rule looks at each resource of the types it reads and has three answers: it passes, it fails, or
it cannot tell, because a value is not known before deployment or names a policy that nobody here
made. The message names the place, what was found, what may stand there and what to do.

    pulumi preview --policy-pack policies/dual_stack --policy-pack policies/hardening
    pulumi policy analyze --file export.json --policy-pack policies/dual_stack

Rules that read a resource alone run before it is made. Rules that need the whole stack run when all
of it is known: at the end of a preview, and at the end of an update. So preview before you update:
what such a rule forbids is then stopped before anything is made.

What rules cannot tell about a resource is judged again with the whole stack: the id of a cache
policy or origin request policy that is made in the same stack leads to what the policy says, also
while the id itself is not known. What is left is one message for each resource, naming the places,
from the policy `unknowns`. Its level is the pack's own, so in `dual-stack` it stops the deployment;
it can be set apart.

Distributions for many tenants (`aws:cloudfront/multitenantDistribution:MultitenantDistribution`),
zones whose records are one resource (`aws:route53/recordsExclusive:RecordsExclusive`) and
`aws-native:cloudfront:Distribution`, with its policies and zones, are read like the distribution
and the records that the rules name, and reported at their own paths; no rule repairs them. Of what
nobody reads and may answer for a name, `not-judged` says so.

A rule may also advise. Advice is a note at whatever level, and stops nothing.

## Configuration

`--policy-pack-config FILE` takes a JSON file for each pack. A rule's name takes a level
(`advisory`, `mandatory`, `remediate`, `disabled`), or an object with `enforcementLevel` and the
rule's options. `all` sets the level of everything that is not named itself. At level `remediate` a
rule that can repair a resource does so before it is made; values that are not known are left as
they are, and what is left wrong stops the deployment.

    {
      "all": "mandatory",
      "unknowns": "advisory",
      "ipv6-enabled": "remediate",
      "headers-forwarded": {"acceptedPolicyIds": ["b689b0a8-53d0-40ab-baf2-68738e2966ac"]},
      "exceptions": {
        "scope": [{"name": "*.example.com"}, {"tags": {"edge": "dual-stack"}}],
        "exemptions": [
          {
            "rule": "caching-off",
            "resource": "static-site",
            "reason": "Serves files only.",
            "until": "2027-01-31"
          }
        ]
      }
    }

An exemption that is used is listed in the output; after its last day the rule is violated again,
and the message says so. A resource outside the scope is not judged at all. Faults in the file stop
the command before anything is judged. The schema of a whole file is in
[`dual-stack.schema.json`](schemas/dual-stack.schema.json) and
[`hardening.schema.json`](schemas/hardening.schema.json).
"""


def render() -> str:
    """Return the page as Markdown."""
    tail = ["### `exceptions`, in every pack\n", *_options(Exceptions)]
    return "\n".join([_HEAD, *tail, *(_pack(pack) for pack in PACKS)])


def _pack(pack: Pack) -> str:
    head = f"## Pack `{pack.name}`, {pack.level}\n\n{pack.summary}\n"
    return "\n".join([head, *(_section(rule) for rule in pack.rules)])


def _section(rule: Rule) -> str:
    reads = ", ".join(f"`{token}`" for token in sorted(rule.resource_types))
    if rule.more_types is not None:
        reads += ", every other type that no rule reads and that answers for names"
    lines = [
        f"### `{rule.name}`\n",
        f"**{rule.demand}**\n",
        f"{rule.why}\n",
        f"- How to mend it: {rule.remedy}",
        f"- Severity: {rule.severity}",
        f"- Reads: {reads}{', and the rest of the stack' if rule.stack else ''}",
        f"- Level `remediate`: {'repairs it' if rule.repair else 'cannot repair it'}",
        f"- Source: {rule.source} <{rule.url}>",
        *_options(rule.options),
    ]
    return "\n".join(lines) + ("" if lines[-1] == "" else "\n")


def _options(kind: type[RuleOptions]) -> list[str]:
    return [
        f"- Option `{name}`: {option['description']}{_default(option)}"
        for name, option in properties_of(kind).items()
    ]


def _default(option: dict[str, Any]) -> str:
    return f" Default: `{json.dumps(option['default'])}`."


def pages() -> dict[str, str]:
    """Return the text of every page by its path in `docs/`."""
    schemas = {
        f"schemas/{pack.name}.schema.json": json.dumps(schema(pack), indent=2) + "\n"
        for pack in PACKS
    }
    return {"rules.md": render(), **schemas}


if __name__ == "__main__":
    for path, text in pages().items():
        page = Path(__file__).parents[1] / "docs" / path
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")
