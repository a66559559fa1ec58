"""What is verified, as outputs and users name it."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rollout.edge import Source, by_hand, of_outputs, of_source, pulumi_outputs
from rollout.faults import WrongUseError
from rollout.probe.model import EdgeTarget

OUTPUTS: dict[str, Any] = {
    "hostnames": ["api.example.com", "API2.example.com."],
    "distributionId": "E1",
    "distributionDomainName": "d1.cloudfront.net",
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
    "proxyAddresses": ["2001:0db8:d1::1"],
    "traffic": {"direct": 99, "cdn": 1},
    "originSecrets": "[secret]",
    "records": [
        {
            "name": name,
            "type": kind,
            "setIdentifier": path,
            "weight": 99,
            "target": "Lb.example.net." if path == "direct" else "d1.cloudfront.net",
        }
        for name in ("api.example.com", "api2.example.com")
        for kind in ("A", "AAAA")
        for path in ("direct", "cdn")
    ],
}
CURE = "Deploy the edge with this version of it: pulumi up"


def of(outputs: Mapping[str, Any]) -> EdgeTarget:
    return of_outputs(json.dumps(outputs), "outputs.json")


def test_the_outputs_of_a_stack_tell_all_of_it() -> None:
    assert of(OUTPUTS) == EdgeTarget(
        ("api.example.com", "api2.example.com"),
        "lb.example.net",
        "d1.cloudfront.net",
        ("2001:db8:d1::1",),
        (99, 1),
        "E1",
    )


def test_a_stack_without_proxies_has_no_direct_way_over_ipv6() -> None:
    assert of({**OUTPUTS, "proxyAddresses": []}).proxy_addresses == ()


SIMPLE: list[dict[str, Any]] = [
    {"name": name, "type": kind, "setIdentifier": "", "target": "Lb.example.net."}
    for name in ("api.example.com", "api2.example.com")
    for kind in ("A", "AAAA")
]


@pytest.mark.parametrize(
    ("changed", "weights"),
    [
        pytest.param(
            {"records": [], "loadBalancer": "Lb.example.net."}, None, id="no record is declared"
        ),
        pytest.param(
            {"records": SIMPLE, "loadBalancer": "Lb.example.net."}, (99, 1), id="simple ones are"
        ),
        pytest.param({"records": SIMPLE}, (99, 1), id="and name the load balancer themselves"),
        pytest.param(
            {
                "records": [{**record, "target": "d1.cloudfront.net"} for record in SIMPLE],
                "loadBalancer": "Lb.example.net.",
            },
            (99, 1),
            id="they lead to cdn",
        ),
    ],
)
def test_a_stack_is_verified_whatever_records_it_declares(
    changed: dict[str, Any], weights: tuple[int, int] | None
) -> None:
    target = of({**OUTPUTS, **changed})
    assert (target.direct, target.weights) == ("lb.example.net", weights)


def test_simple_records_that_lead_to_cdn_do_not_name_the_load_balancer() -> None:
    records = [{**record, "target": "d1.cloudfront.net"} for record in SIMPLE]
    with pytest.raises(WrongUseError, match=r"is not there; .* Name it by hand"):
        of({**OUTPUTS, "records": records})


def test_an_empty_stack_is_told_of_everything_it_lacks() -> None:
    with pytest.raises(WrongUseError) as refused:
        of({})
    assert str(refused.value).splitlines() == [
        f"Output {name} is not there; it has to be there. {CURE}"
        for name in ("hostnames", "distributionId", "distributionDomainName", "traffic", "records")
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param(
            {"hostnames": []},
            f"Output hostnames is []; it should have at least one entry. {CURE}",
            id="no hostname",
        ),
        pytest.param(
            {"hostnames": ["*.example.com"]},
            'Output hostnames[0] is "*.example.com"; it should be a DNS name such as '
            f"api.example.com. {CURE}",
            id="a wildcard",
        ),
        pytest.param(
            {"distributionDomainName": "192.0.2.1"},
            'Output distributionDomainName is "192.0.2.1"; it should be a DNS name such as '
            f"api.example.com. {CURE}",
            id="an address where a name belongs",
        ),
        pytest.param(
            {"proxyAddresses": ["192.0.2.1"]},
            'Output proxyAddresses[0] is "192.0.2.1"; it should be an IPv6 address: proxies are '
            f"the direct path over IPv6. {CURE}",
            id="an IPv4 proxy",
        ),
        pytest.param(
            {"traffic": {"direct": 256, "cdn": 1}},
            f"Output traffic.direct is 256; it should be less than or equal to 255. {CURE}",
            id="a weight out of range",
        ),
        pytest.param(
            {"traffic": {"direct": 0, "cdn": 0}},
            "Output traffic is direct 0 and cdn 0; Route 53 takes that as equal shares, so one of "
            "them has to be above 0. Set it with: pulumi config set --path "
            "dualstack-edge:traffic.direct 100",
            id="both weights 0",
        ),
        pytest.param(
            {"records": []},
            "The target of the A records `direct` in output records is not there; it should be the "
            "one load balancer's name, the same for every hostname. Name it by hand, with "
            f"--hostname, --direct and --cdn, or {CURE.replace('Deploy', 'deploy')}",
            id="no record names the load balancer",
        ),
    ],
)
def test_outputs_that_are_not_an_edges_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        of({**OUTPUTS, **changed})
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", "not JSON (Expecting value: line 1 column 1 (char 0))"), ("[]", "[]")],
)
def test_what_is_not_one_json_object_is_refused(text: str, shown: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        of_outputs(text, "outputs.json")
    assert str(refused.value) == (
        f"outputs.json is {shown}; it should be one object, as `pulumi stack output --json` prints "
        "it. Write it again with: pulumi stack output --json"
    )


def test_a_target_can_be_named_by_hand() -> None:
    source = Source(
        hostnames=("api.example.com", "api.example.com."),
        direct="lb.example.net",
        cdn="D1.cloudfront.net",
        proxy_addresses=("2001:db8::0:1",),
    )
    assert by_hand(source) == EdgeTarget(
        ("api.example.com",), "lb.example.net", "d1.cloudfront.net", ("2001:db8::1",)
    )


def test_all_that_is_wrong_by_hand_is_told_at_once() -> None:
    source = Source(hostnames=("a b",), direct="192.0.2.1", proxy_addresses=("[::1]", "192.0.2.1"))
    with pytest.raises(WrongUseError) as refused:
        by_hand(source)
    assert [(fault.what, fault.value) for fault in refused.value.faults] == [
        ("--hostname", '"a b"'),
        ("--direct", '"192.0.2.1"'),
        ("--cdn", "not given"),
        ("--proxy-address", '"[::1]"'),
        ("--proxy-address", '"192.0.2.1"'),
    ]


def never(_name: str | None) -> str:
    raise AssertionError("it is not asked")


def test_two_places_to_look_are_one_too_many() -> None:
    with pytest.raises(WrongUseError) as refused:
        of_source(Source(outputs="-", stack="prod", direct="lb.example.net"), never, never)
    assert str(refused.value) == (
        "What to verify is given 3 times (--outputs, --stack, --direct); it comes from a file, "
        "from a stack, or from --hostname, --direct and --cdn. Keep one of them."
    )


def test_pulumi_is_asked_where_nothing_else_is_named() -> None:
    stacks: list[str | None] = []

    def pulumi(stack: str | None) -> str:
        stacks.append(stack)
        return json.dumps(OUTPUTS)

    assert of_source(Source(), never, pulumi) == of(OUTPUTS)
    assert of_source(Source(stack="prod"), never, pulumi) == of(OUTPUTS)
    assert stacks == [None, "prod"]


def test_a_file_that_cannot_be_read_is_wrong_use(tmp_path: Path) -> None:
    def read(name: str) -> str:
        return (tmp_path / name).read_text()

    with pytest.raises(WrongUseError, match=r"--outputs gone\.json is not readable"):
        of_source(Source(outputs="gone.json"), read, never)


def pulumi_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    command = folder / "pulumi"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_pulumi_is_asked_for_the_stack_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi_on_path(tmp_path, monkeypatch, 'echo "$@"')
    assert pulumi_outputs("prod") == "stack output --json --non-interactive --stack prod\n"


def test_what_pulumi_says_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi_on_path(tmp_path, monkeypatch, "echo 'error: no stack selected' >&2; exit 255")
    with pytest.raises(WrongUseError, match="is refused: no stack selected; the stack's outputs"):
        pulumi_outputs(None)


def test_a_machine_without_pulumi_is_told_of_the_other_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WrongUseError) as refused:
        pulumi_outputs(None)
    assert str(refused.value) == (
        "`pulumi stack output --json` is not on PATH; the stack's outputs say what to verify. Run "
        "it where the stack is selected, or give --outputs FILE, or --hostname, --direct and --cdn."
    )
