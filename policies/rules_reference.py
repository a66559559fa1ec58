"""The page of documentation about the rules, made from the rules.

`python -m policies.rules_reference` writes it again, and with it the JSON schema of each pack's
configuration. A pack's own folder has the same page about that pack alone: `policies.bundle`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from policies.model import Pack, Rule, RuleOptions
from policies.rules import PACKS
from policies.settings import Exceptions, properties_of, schema

_AUTHOR = "<!-- Made from the rules by `python -m policies.rules_reference`; do not edit. -->"

_HEAD = """\
# Rules

A rule looks at each resource of the types it reads and has three answers: it passes, it fails, or
it cannot tell, because a value is not known before deployment or names a policy that nobody here
made. The message names the place, what was found, what may stand there and what to do.
"""

_JUDGING = """\
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

Of a resource of a `DualStackEdge` a finding names the setting that mends it beside the property, as
in `proxy.sshKeys (property sshKeys)`.

## Configuration

`--policy-pack-config FILE` takes a JSON file for each pack. A rule's name takes a level
(`advisory`, `mandatory`, `remediate`, `disabled`), or an object with `enforcementLevel` and the
rule's options. `all` sets the level of everything that is not named itself. At level `remediate` a
rule that can repair a resource does so before it is made; values that are not known are left as
they are, and what is left wrong stops the deployment.
"""

_USED = """\
An exemption that is used is listed in the output; after its last day the rule is violated again,
and the message says so. A resource outside the scope is not judged at all. Faults in the file stop
the command before anything is judged. The schema of a whole file is in
"""


_EXAMPLES = {
    "dual-stack": """\
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
""",
    "hardening": """\
    {
      "all": "advisory",
      "unknowns": "disabled",
      "viewer-tls": "mandatory",
      "record-ttl": {"enforcementLevel": "mandatory", "seconds": 300},
      "exceptions": {
        "scope": [{"name": "*.example.com"}, {"tags": {"edge": "dual-stack"}}],
        "exemptions": [
          {
            "rule": "waf-attached",
            "resource": "partners",
            "reason": "Its clients are known.",
            "until": "2027-01-31"
          }
        ]
      }
    }
""",
}
"""A configuration of each pack."""


def render() -> str:
    """Return the page about all packs as Markdown."""
    folders = [f"policies/{pack.name.replace('-', '_')}" for pack in PACKS]
    commands = (
        f"pulumi preview --policy-pack {' --policy-pack '.join(folders)}",
        f"pulumi policy analyze --file export.json --policy-pack {folders[0]}",
    )
    page = _page(PACKS, commands, {pack: f"schemas/{pack.name}.schema.json" for pack in PACKS})
    return page.replace("# Rules\n", f"# Rules\n\n{_AUTHOR}\n", 1)


def render_one(pack: Pack, schema_file: str) -> str:
    """Return the page about a pack as Markdown, for the pack's own folder.

    Args:
        pack: The pack.
        schema_file: The file beside the page that has the schema of the pack's configuration.
    """
    commands = ("pulumi policy analyze --file export.json --policy-pack .",)
    return _page((pack,), commands, {pack: schema_file})


def _page(packs: Sequence[Pack], commands: Sequence[str], schemas: Mapping[Pack, str]) -> str:
    links = " and\n".join(f"[`{Path(file).name}`]({file})" for file in schemas.values())
    return "\n".join(
        [
            _HEAD,
            *(f"    {command}" for command in commands),
            f"\n{_JUDGING}\n{_EXAMPLES[packs[0].name]}\n{_USED}{links}.\n",
            "### `exceptions`, in every pack\n",
            *_options(Exceptions),
            *map(_pack, packs),
        ]
    )


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
