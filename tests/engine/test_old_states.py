"""A stack that stands sees at its next `pulumi up` what the changelog names, and nothing else.

Each state was exported by the version before (states/README.md). It is imported into a stack with
today's program, and a preview says what would change. A resource of another name or type would be
one that is deleted and one that is created, so there is none of those either.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from support import old_states
from support.engine import weights

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background
    from support.engine import Stack

CHANGELOG: Final = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
POINT: Final = "\n- **What a stack that stands sees at its next `pulumi up`.**"

NODES: Final = ("fra1-1", "ams3-1")
ASSIGNMENT: Final = "digitalocean:index/reservedIpv6Assignment:ReservedIpv6Assignment"
DROPLET: Final = "digitalocean:index/droplet:Droplet"
FIREWALL: Final = "digitalocean:index/firewall:Firewall"
HEALTH_CHECK: Final = "aws:route53/healthCheck:HealthCheck"
METRIC_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
RECORD: Final = "aws:route53/record:Record"


class Change(NamedTuple):
    """What a preview says of a resource that does not stay as it is."""

    operation: str
    type: str
    name: str
    properties: tuple[str, ...] = ()
    """Those that differ, each with all that is in it."""


NEW_DROPLETS: Final = {
    change
    for node in NODES
    for change in (
        Change("replace", DROPLET, f"edge-proxy-{node}", ("userData",)),
        Change("replace", ASSIGNMENT, f"edge-proxy-{node}-assignment", ("dropletId",)),
    )
}
"""Another droplet for each proxy, with other user data, and the address that moves to it."""

CHECKED_PORT: Final = {
    Change("update", HEALTH_CHECK, f"edge-proxy-dns-{node}-health", ("port",)) for node in NODES
}
"""The port that a proxy is asked at, where port 80 is the first and 443 is not served."""

ROOM: Final = {
    Change("update", FIREWALL, "edge-proxy-firewall", ("inboundRules",)),
    *(Change("create", HEALTH_CHECK, f"edge-alarms-{node}-room") for node in NODES),
    *(Change("create", METRIC_ALARM, f"edge-alarms-{node}-full") for node in NODES),
}
"""What tells with `alarms` that a proxy is nearly full."""

NEXT_UP: Final[dict[str, set[Change]]] = {
    "no-proxy": set(),
    "cloudfront-only": set(),
    "proxy": NEW_DROPLETS,
    "sandbox": NEW_DROPLETS,
    "alarms": NEW_DROPLETS | CHECKED_PORT | ROOM,
}


def previewed(stack: "Stack") -> dict[str, Any]:
    """Return what a preview says; the policy packs have no part in it."""
    said = stack.pulumi("preview", "--json", PULUMI_OPTION_POLICY_PACK="").must()
    return json.JSONDecoder().raw_decode(said, said.index("{"))[0]


def change_of(step: dict[str, Any]) -> Change:
    """Return what a step of a preview changes."""
    state = step.get("newState") or step["oldState"]
    paths: dict[str, Any] = step.get("detailedDiff") or {}
    properties = {re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths}
    name = step["urn"].rpartition("::")[2]
    return Change(step["op"], state["type"], name, tuple(sorted(properties)))


def kinds(changes: set[Change]) -> set[tuple[str, str, str]]:
    """Return operation, type as a preview shows it, and property of changes."""
    return {
        (change.operation, re.sub("/[^:]*", "", change.type), "".join(change.properties))
        for change in changes
    }


def own(resources: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Return what a state has of each resource that is in a cloud, by name."""
    return {
        resource["urn"].rpartition("::")[2]: (resource["id"], resource["inputs"])
        for resource in resources
        if resource.get("id") and not resource["type"].startswith("pulumi:")
    }


@pytest.mark.parametrize("name", NEXT_UP)
def test_a_stack_that_stands_changes_in_nothing_else(
    name: str, whole: "Stack", account: "background.Cloud"
) -> None:
    old_states.stand(name, whole, account)
    preview = previewed(whole)
    changes = [change_of(step) for step in preview["steps"] if step["op"] != "same"]
    assert set(changes) == NEXT_UP[name]
    assert len(changes) == len(NEXT_UP[name])
    messages = preview.get("diagnostics", [])
    assert not {message["severity"] for message in messages} & {"warning", "error"}, messages


def test_every_state_has_a_program() -> None:
    states = {path.stem for path in old_states.STATES.glob("*.json")}
    examples = {path.parent.name for path in old_states.CHECKOUT.glob("examples/*/Pulumi.yaml")}
    assert states == set(NEXT_UP)
    # Examples that came later have no state of that time.
    assert states - set(old_states.OF_THE_SANDBOX) == examples & states
    assert examples - states == {"several-stacks", "typescript", "yaml"}


def test_the_changelog_names_each_kind_of_change_and_no_other() -> None:
    unreleased = CHANGELOG.read_text().partition("\n## Unreleased\n")[2].partition("\n## ")[0]
    point = unreleased.partition(POINT)[2].partition("\n- ")[0]
    lines = re.findall(r"^  - (.*)\*\*(\w+)d\*\*: `(\S+)`(?:, `(\w+)`)?\.", point, re.MULTILINE)
    assert {tuple(kind) for _, *kind in lines} == set().union(*map(kinds, NEXT_UP.values()))
    with_alarms = {tuple(kind) for words, *kind in lines if words == "With `alarms`, "}
    assert with_alarms == kinds(ROOM)


def test_weights_of_a_stack_that_stands_do_not_wait_for_its_droplets(
    whole: "Stack", account: "background.Cloud", route53: "Route53Client"
) -> None:
    """By the command of docs/operating.md; DigitalOcean has none of the droplets here."""
    old_states.stand("proxy", whole, account)
    before = own(whole.resources())
    program = whole.folder / "__main__.py"
    text = program.read_text()
    traffic = '"traffic": {"direct": 90, "cdn": 10}, "proxy": {'
    program.write_text(text.replace('"proxy": {', traffic, 1))
    target = "**WeightedDns$aws:route53/record:Record::**"
    whole.pulumi(
        *("up", "--yes", "--skip-preview", "--target", target), PULUMI_OPTION_POLICY_PACK=""
    ).must()
    of_paths = {
        (family, path): weight
        for (hostname, family, path), weight in weights(route53).items()
        if hostname == "api.example.com"
    }
    assert of_paths == {
        (family, path): weight
        for family in ("A", "AAAA")
        for path, weight in (("direct", 90), ("cdn", 10))
    }
    after = own(whole.resources())
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {
        f"edge-dns-api.example.com-{family}-{path}"
        for family in ("a", "aaaa")
        for path in ("direct", "cdn")
    }
