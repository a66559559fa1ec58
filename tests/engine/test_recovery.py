"""A deployment that was interrupted goes on, by what docs/recovery.md says to type.

What the cloud made before the interruption is in use afterwards or gone: nothing of ours is left
in either account that the state does not know.
"""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import urllib3

from sandbox.clouds import digitalocean
from sandbox.engine.shell import STACK
from support.engine import COMMAND_SECONDS, Said, client
from support.interruption import CloudLine, line_to

if TYPE_CHECKING:
    from sandbox.clouds import background
    from support.engine import Stack

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "recovery.md"
ANSWERED: Final = re.compile(r"pulumi (up|import|refresh|destroy) ?")
"""Commands that ask before they change anything."""

DISTRIBUTION: Final = r"POST /2020-05-31/distribution"
CERTIFICATE: Final = "RequestCertificate"
TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:edge-alarms"
RULE: Final = "AuthorizeSecurityGroupIngress"


def record(name: str, family: str, member: str) -> str:
    """Return the pattern of a request that creates a record."""
    return rf"rrset.*>CREATE<.*<Name>{name}\.?<.*<Type>{family}<.*<SetIdentifier>{member}<"


@dataclass(frozen=True)
class Section:
    """What the page says of one thing that can happen."""

    words: tuple[str, ...]
    """What the user sees, one of them."""
    commands: tuple[str, ...]
    """What to type."""


def section(title: str, **names: str) -> Section:
    """Return a section of the page, with names instead of its placeholders."""
    _, _, after = PAGE.read_text().partition(f"\n## {title}\n")
    assert after, title
    text = after.partition("\n## ")[0]
    for placeholder, name in names.items():
        text = re.sub(rf"\b{placeholder}\b", name, text)
    return Section(
        tuple(re.findall(r"^> (.*)$", text, re.MULTILINE)),
        tuple(re.findall(r"^    (\S.*)$", text, re.MULTILINE)),
    )


def typed(stack: "Stack", command: str) -> Said:
    """Run a command of the page or of a message; its questions are answered with yes."""
    if ANSWERED.match(command):
        command = f"{command} --yes --skip-preview"
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=stack.folder,
        env=stack.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    return Said(done.returncode, done.stdout)


def take_over(stack: "Stack", said: Said) -> list[str]:
    """Run each command that a preview shows; return what each takes over."""
    commands = re.findall(r"^ +(pulumi import .*)$", said.text, re.MULTILINE)
    for command in commands:
        typed(stack, command).must()
    return [command.split()[3] for command in commands]


def converges(stack: "Stack") -> None:
    """Deploy what is left to do, and see that there is nothing after that."""
    stack.up().must()
    converged(stack)


def converged(stack: "Stack") -> str:
    """See that there is nothing to do; return what Pulumi says."""
    return stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes").must()


@pytest.fixture
def lines(
    account: "background.Cloud", droplets: "background.Cloud"
) -> Iterator[tuple[CloudLine, CloudLine]]:
    """Connections to AWS and to DigitalOcean that can break."""
    with line_to(account.url) as to_aws, line_to(droplets.url) as to_droplets:
        yield to_aws, to_droplets


def connect(stack: "Stack", lines: tuple[CloudLine, CloudLine]) -> None:
    """Have a stack talk to the clouds through lines that can break, and without its packs."""
    to_aws, to_droplets = lines
    stack.variables["AWS_ENDPOINT_URL"] = to_aws.url
    stack.variables["DIGITALOCEAN_API_URL"] = to_droplets.url
    stack.variables["PULUMI_OPTION_POLICY_PACK"] = ""


def killed(
    stack: "Stack",
    clouds: "tuple[background.Cloud, background.Cloud]",
    requests: tuple[Sequence[str], Sequence[str]],
    command: str,
) -> None:
    """Run a command, and kill the engine with all it started when its requests are answered.

    Args:
        stack: The stack.
        clouds: AWS and DigitalOcean.
        requests: Patterns of the requests to each that are answered, and nobody hears of it.
        command: What `pulumi` is to do.
    """
    processes: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        for line in lines:
            line.cut = True
        os.killpg(processes[0].pid, signal.SIGKILL)

    count = sum(map(len, requests))
    answered = threading.Barrier(count, kill, COMMAND_SECONDS)
    with line_to(clouds[0].url) as to_aws, line_to(clouds[1].url) as to_droplets:
        lines = to_aws, to_droplets
        connect(stack, lines)
        for line, patterns in zip(lines, requests, strict=True):
            for pattern in patterns:
                line.lose(pattern, then=answered.wait)
        processes.append(
            subprocess.Popen(
                ["pulumi", command, "--yes", "--skip-preview", "--non-interactive"],
                cwd=stack.folder,
                env=stack.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        assert processes[0].wait(COMMAND_SECONDS) == -signal.SIGKILL
    stack.variables["AWS_ENDPOINT_URL"] = clouds[0].url
    stack.variables["DIGITALOCEAN_API_URL"] = clouds[1].url


# ---- what is there ------------------------------------------------------------------------------


def ids_in_state(stack: "Stack") -> set[str]:
    """Return the ids of everything that the state has in a cloud."""
    return {
        resource["id"]
        for resource in stack.resources()
        if resource["custom"] and resource["type"].startswith(("aws:", "digitalocean:"))
    }


def ids_in_accounts(account: "background.Cloud", droplets: "background.Cloud") -> set[str]:
    """Return the ids of all that an edge makes and an account keeps, whoever made it.

    But of no health check of the load balancer, which has no address of this stack's: one whose
    creation was cut off stays without a word, as docs/recovery.md says.
    """
    distributions = client(account, "cloudfront").list_distributions()["DistributionList"]
    certificates = client(account, "acm").list_certificates()["CertificateSummaryList"]
    checks = client(account, "route53").list_health_checks()["HealthChecks"]
    alarms = client(account, "cloudwatch").describe_alarms()["MetricAlarms"]
    return {
        *(item["Id"] for item in distributions.get("Items", [])),
        *(item["CertificateArn"] for item in certificates),
        *(item["Id"] for item in checks if "IPAddress" in item["HealthCheckConfig"]),
        *(item["AlarmName"] for item in alarms),
        *(str(item["id"]) for item in listed(droplets, "droplets")),
        *(item["id"] for item in listed(droplets, "firewalls")),
        *(item["id"] for item in listed(droplets, "vpcs") if not item["default"]),
        *(item["ip"] for item in listed(droplets, "reserved_ipv6", "reserved_ipv6s")),
        *(item["uuid"] for item in listed(droplets, "monitoring/alerts", "policies")),
    }


def listed(droplets: "background.Cloud", path: str, key: str = "") -> list[dict[str, Any]]:
    """Return what DigitalOcean has of a kind."""
    answer = urllib3.request(
        "GET",
        f"{droplets.url}/v2/{path}?per_page=200",
        headers={"Authorization": f"Bearer {digitalocean.TOKEN}"},
    )
    return answer.json()[key or path]


# ---- answers that were lost ---------------------------------------------------------------------


def test_what_lost_answers_left_behind_is_named_taken_over_and_used(
    whole: "Stack",
    account: "background.Cloud",
    droplets: "background.Cloud",
    lines: tuple[CloudLine, CloudLine],
) -> None:
    """The plugins send a creation again whose answer was lost: it is refused, or done twice."""
    seeded = ids_in_accounts(account, droplets)
    connect(whole, lines)
    whole.configure(hostnames=["api.example.com"], proxy={"regions": ["fra1"], "readySeconds": 0})
    to_aws, to_droplets = lines
    to_aws.lose(record(r"api\.example\.com", "A", "direct"))
    to_aws.lose(record(r"_proxy\.api\.example\.com", "AAAA", "none"))
    to_droplets.lose("POST /v2/vpcs ")
    to_droplets.lose("POST /v2/firewalls ")
    to_droplets.lose("POST /v2/reserved_ipv6 ")
    said = whole.pulumi("up", "--yes", "--skip-preview", "--continue-on-error").refused()
    taken = section("A VPC or a firewall exists"), section("A record exists")
    at_once = [word in said for each in taken for word in each.words]
    assert at_once == [True, True, False, True, False]
    preview = typed(whole, taken[0].commands[0])
    assert all(each.words[-1] in preview.refused() for each in taken)
    assert sorted(take_over(whole, preview)) == [
        "edge-dns-api.example.com-a-direct",
        "edge-proxy-dns-none",
        "edge-proxy-firewall",
        "edge-proxy-fra1-vpc",
    ]

    to_aws.lose(DISTRIBUTION)
    to_droplets.lose("POST /v2/droplets ")
    taken = (section("A distribution has the hostname"),)
    assert taken[0].words[0] in whole.up().refused()
    preview = typed(whole, taken[0].commands[0])
    assert taken[0].words[-1] in preview.refused()
    assert take_over(whole, preview) == ["edge-cdn-distribution"]

    to_aws.lose(record(r"api\.example\.com", "AAAA", "cdn"))
    whole.up().refused()
    preview = typed(whole, section("A record exists").commands[0])
    assert take_over(whole, preview) == ["edge-dns-api.example.com-aaaa-cdn"]
    assert (len(to_aws.lost), len(to_droplets.lost)) == (4, 4)

    whole.up().must()
    in_state = ids_in_state(whole)
    (address, droplet) = sorted(ids_in_accounts(account, droplets) - seeded - in_state, key=len)[
        ::-1
    ]
    show, take, deploy = section("Something is there twice", ID=droplet).commands
    assert f"ID: {droplet}\n" not in typed(whole, show).must()
    typed(whole, take).must()
    reserved = "digitalocean:index/reservedIpv6:ReservedIpv6"
    assert reserved in PAGE.read_text()
    words = take.split()
    words[2:5] = reserved, "left-over-address", address
    typed(whole, " ".join(words)).must()
    typed(whole, deploy).must()
    converges(whole)
    assert ids_in_accounts(account, droplets) - seeded <= ids_in_state(whole)


# ---- kills --------------------------------------------------------------------------------------


def test_a_killed_deployment_goes_on_with_what_was_under_way_and_so_does_a_killed_destroy(
    whole: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    seeded, clouds = ids_in_accounts(account, droplets), (account, droplets)
    pool = {"regions": ["fra1"], "readySeconds": 0, "alertEmails": ["edge@example.com"]}
    whole.configure(hostnames=["api.example.com"], proxy=pool, alarms={"topicArn": TOPIC})
    of_droplets = "droplets ", "reserved_ipv6 ", "monitoring/alerts .*disk"
    creations = (CERTIFICATE,), [f"POST /v2/{what}" for what in of_droplets]
    killed(whole, clouds, creations, "up")

    locked = section("Locked")
    assert locked.words[0] in whole.up().refused()
    (cancel,) = locked.commands
    typed(whole, cancel).must()
    pending = section("Pending operations")
    look, forget = pending.commands
    preview = typed(whole, look)
    warned = section("Something is there and not in the state")
    assert all(word in preview.text for word in warned.words), preview.text
    # Records that were being made at that moment may be among them.
    assert {
        "edge-proxy-alert-disk",
        "edge-proxy-fra1-1",
        "edge-proxy-fra1-1-address",
        "edge-tls-certificate",
    } <= {*take_over(whole, preview)}

    of_what_watches = r"<ResourcePath>/</ResourcePath>", "PutMetricAlarm.*5xxErrorRate"
    killed(whole, clouds, (of_what_watches, ()), "up")
    typed(whole, cancel).must()
    preview = typed(whole, look)
    assert {"edge-alarms-cdn-errors", "edge-alarms-fra1-1-room"} <= {*take_over(whole, preview)}

    assert pending.words[0] in whole.up().must()
    typed(whole, forget).must()
    assert pending.words[0] not in converged(whole)
    assert ids_in_accounts(account, droplets) - seeded <= ids_in_state(whole)

    killed(whole, clouds, ([r"DELETE /2020-05-31/distribution"], []), "destroy")
    for command in section("A destroy that was interrupted").commands:
        typed(whole, command).must()
    assert ids_in_accounts(account, droplets) == seeded


# ---- a state that cannot be read ----------------------------------------------------------------


def test_a_state_that_is_cut_off_is_the_one_before_it_again(deployed: "Stack") -> None:
    deployed.variables["PULUMI_OPTION_POLICY_PACK"] = ""
    deployed.configure(traffic={"direct": 90, "cdn": 10})
    deployed.up().must()
    state = Path(deployed.variables["PULUMI_BACKEND_URL"].partition("?")[0].removeprefix("file://"))
    names = {"STATE": str(state), "PROJECT": "dualstack-edge", "STACK": STACK}
    unreadable = section("The state cannot be read", **names)
    checkpoint = state / ".pulumi/stacks/dualstack-edge" / f"{STACK}.json"
    assert not [*state.rglob("*.attrs")]
    assert [*state.glob(f".pulumi/history/dualstack-edge/{STACK}/*.checkpoint.json")]

    checkpoint.with_suffix(".json.attrs").touch()
    said = deployed.pulumi("preview").refused()
    assert unreadable.words[0] in said
    assert "EOF" in said
    remove, *restore = unreadable.commands
    typed(deployed, remove).must()
    deployed.pulumi("stack", "export").must()

    checkpoint.write_text(checkpoint.read_text()[:1000])
    said = deployed.pulumi("preview").refused()
    assert unreadable.words[0] in said
    assert "unexpected end of JSON input" in said
    for command in restore:
        typed(deployed, command).must()
    converges(deployed)


# ---- the rule of the lock -----------------------------------------------------------------------


def test_a_rule_whose_creation_was_not_answered_is_found_and_taken_over(
    deployed: "Stack", account: "background.Cloud", lines: tuple[CloudLine, CloudLine]
) -> None:
    connect(deployed, lines)
    (group,) = client(account, "ec2").describe_security_groups(GroupNames=["api-lb"])[
        "SecurityGroups"
    ]
    deployed.configure(
        traffic={"direct": 0, "cdn": 100},
        originLock={"generation": 1, "securityGroup": group["GroupId"]},
    )
    to_aws, _ = lines
    to_aws.lose(RULE)
    exists = section("A rule of the security group exists")
    said = deployed.up().refused()
    assert any(word in said for word in exists.words)
    rules = client(account, "ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group["GroupId"]]}]
    )["SecurityGroupRules"]
    (rule,) = (rule for rule in rules if rule.get("Description") == "CloudFront")
    _, urns, take = exists.commands
    (urn,) = re.findall(r"URN: (\S+::edge-lock)$", typed(deployed, urns).must(), re.MULTILINE)
    typed(deployed, take.replace("RULE", rule["SecurityGroupRuleId"]).replace("URN", urn)).must()
    converges(deployed)
