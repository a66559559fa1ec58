"""The list of rules in `docs/aws-model.md`, made of the rules' own docstrings.

`PYTHONPATH=tests python -m support.aws_rules_page docs/aws-model.md` writes it again.
"""

import inspect
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from sandbox.clouds.aws.rules import (
    batches,
    cloudfront_policies,
    distribution_rules,
    health_check_config,
    inbound_rules,
    issuing,
    metric_alarms,
    protections,
    record_changes,
)
from support.marks import inserted

Rules = Iterable[Callable[..., object]]

CHAPTERS: Final[tuple[tuple[str, Rules], ...]] = (
    ("Route 53: a change batch as a whole", (*batches.BATCH_RULES, *batches.ZONE_RULES)),
    ("Route 53: each change of a batch", record_changes.CHANGE_RULES),
    ("Route 53: record set protections", protections.REQUEST_RULES),
    ("Route 53: other requests", batches.REQUEST_RULES),
    (
        "Route 53: health checks",
        (*health_check_config.CONFIG_RULES, *health_check_config.REQUEST_RULES),
    ),
    ("CloudFront: a distribution's configuration", distribution_rules.DISTRIBUTION_RULES),
    ("CloudFront: updating and deleting", distribution_rules.REQUEST_RULES),
    (
        "CloudFront: cache and origin request policies",
        (*cloudfront_policies.POLICY_RULES, *cloudfront_policies.REQUEST_RULES),
    ),
    ("ACM", (*issuing.DECISIONS, *issuing.REQUEST_RULES)),
    ("EC2: inbound rules of security groups", inbound_rules.REQUEST_RULES),
    ("CloudWatch: alarms", metric_alarms.ALARM_RULES),
)
MARK: Final = "rules"
AUTHOR: Final = "support.aws_rules_page"


def every_rule() -> list[Callable[..., object]]:
    """Return all rules, in the order of the list."""
    return [rule for _, rules in CHAPTERS for rule in rules]


def described(rule: Callable[..., object]) -> tuple[str, str]:
    """Return what a rule demands and who says so, each as one line.

    Raises:
        ValueError: its docstring names no source.
    """
    text = inspect.getdoc(rule) or ""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    paragraphs = [part for part in paragraphs if not part.startswith("Args:")]
    sources = [part for part in paragraphs if part.startswith("Source: ")]
    if len(sources) != 1:
        raise ValueError(
            f"The docstring of {rule.__name__} names {len(sources)} sources; it has one paragraph "
            "that begins with 'Source: '. Write it."
        )
    demands = " ".join(part for part in paragraphs if part not in sources)
    return demands, sources[0].removeprefix("Source: ")


def listed() -> str:
    """Return the list of rules as Markdown."""
    lines: list[str] = []
    for title, rules in CHAPTERS:
        lines += [f"### {title}", "", "| rule | what is demanded | source |", "| --- | --- | --- |"]
        for rule in rules:
            demands, source = described(rule)
            lines.append(f"| `{rule.__name__}` | {_cell(demands)} | {_cell(source)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(inserted(path.read_text(), MARK, AUTHOR, listed()))
