"""The page of documentation about the rules, made from the rules.

`python -m policies.catalogue > docs/rules.md` writes it anew.
"""

import sys

from policies.model import Rule
from policies.rules import DUAL_STACK

_HEAD = """\
# Rules

<!-- Made from the rules by `python -m policies.catalogue > docs/rules.md`; do not edit. -->

A rule looks at each resource of the types it reads before the resource is made, and has three
answers: it passes, it fails, or it cannot tell, because a value is not known before deployment or
names a policy that CloudFront does not manage. What a mandatory rule cannot tell stops the
deployment like a failure does; the message names the place, what was found, what may stand there
and what to do.

    pulumi preview --policy-pack policies/dual_stack

## Pack `dual-stack`, mandatory

What a pass-through edge cannot do without.
"""


def render() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *(_section(rule) for rule in DUAL_STACK)])


def _section(rule: Rule) -> str:
    return f"""\
### `{rule.name}`

**{rule.demand}**

{rule.why}

- How to mend it: {rule.remedy}
- Severity: {rule.severity}
- Reads: {", ".join(f"`{token}`" for token in sorted(rule.resource_types))}
- Source: {rule.source} <{rule.url}>
"""


if __name__ == "__main__":
    sys.stdout.write(render())
