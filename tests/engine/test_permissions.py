"""The permissions in README.md are those of a whole life of everything that can be deployed."""

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.clouds import background
from sandbox.plugins.actions import ACTIONS_FILE
from support.engine import CHECKOUT, Stack, client
from support.permissions import called, inserted

README = CHECKOUT / "README.md"
TOPIC = "arn:aws:sns:us-east-1:123456789012:edge-alarms"


def lives(stack: Stack, changed: dict[str, object]) -> None:
    """Deploy, refresh, change, and destroy a stack."""
    stack.up().must()
    stack.pulumi("refresh", "--yes", "--skip-preview").must()
    stack.configure(**changed)
    stack.up().must()
    stack.pulumi("destroy", "--yes", "--skip-preview").must()


@contextmanager
def noted(account: background.Cloud, notes: Path) -> Generator[None]:
    """Add to the notes what the program itself asks of AWS, as the account's log has it."""
    before = len(account.log.read_text())
    yield
    request = re.compile(r"^[A-Z]+ ([a-z0-9-]+) ([A-Z]\w+) [0-9]{3}", re.MULTILINE)
    with notes.open("a") as lines:
        for service, operation in request.findall(account.log.read_text()[before:]):
            lines.write(f"{json.dumps({'action': f'{service}:{operation}'})}\n")


@pytest.fixture
def notes(whole: Stack, tmp_path: Path) -> Path:
    """Where the stand-ins note every request they send."""
    path = tmp_path / "actions.jsonl"
    whole.variables[ACTIONS_FILE] = str(path)
    return path


def test_the_readme_allows_what_is_needed_and_no_more(
    whole: Stack, account: background.Cloud, notes: Path
) -> None:
    whole.configure(dns={"negativeTtlSeconds": 60})
    pool = {"regions": ["fra1"], "readySeconds": 0, "alertEmails": ["edge@example.com"]}
    whole.configure(proxy={**pool, "healthCheckPath": "/health"})
    changed: dict[str, object] = {
        "proxy": {**pool, "ports": [80, 443], "healthCheckPath": "/alive"},
        "alarms": {"topicArn": TOPIC, "errorPercent": 9},
        "distribution": {"priceClass": "PriceClass_100"},
    }
    with noted(account, notes):
        lives(whole, changed)
    groups = client(account, "ec2").describe_security_groups(GroupNames=["api-lb"])
    lock = {"generation": 1, "securityGroup": groups["SecurityGroups"][0]["GroupId"]}
    whole.configure(
        proxy=None,
        alarms=None,
        dns=None,
        origin={"loadBalancer": "api-classic", "kind": "classic"},
        traffic={"direct": 0, "cdn": 100},
        originLock=lock,
    )
    with noted(account, notes):
        lives(whole, {"originLock": {**lock, "generation": 2}})
    noted_lines = [json.loads(line) for line in notes.read_text().splitlines()]
    actions = {line["action"] for line in noted_lines if "action" in line}
    # What only a hand's change, the provider's own tags or two zones of one name bring is not
    # deployed here.
    assert actions <= called()
    assert called() - actions <= {
        *("acm:AddTagsToCertificate", "acm:RemoveTagsFromCertificate", "cloudfront:TagResource"),
        *("cloudfront:UntagResource", "ec2:CreateTags", "ec2:DeleteTags"),
        *("ec2:ModifySecurityGroupRules", "monitoring:TagResource", "monitoring:UntagResource"),
        "route53:ListHostedZonesByName",
    }
    scopes = [line for line in noted_lines if "scope" in line]
    everything = [*scopes, *({"action": operation} for operation in called())]
    assert inserted(README.read_text(), everything) == README.read_text(), (
        f"README.md asks for other permissions than are needed; write it from a run's notes "
        f"({notes}) with: python -m support.permissions NOTES README.md"
    )
