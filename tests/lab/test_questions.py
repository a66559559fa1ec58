"""Ask `dualstack verify` nonsense, or from a client that sees half of it, and it says so."""

import json
from dataclasses import dataclass
from typing import Final

import pytest
import trustme

from rollout.verify.run import WRONG_USE
from support.breaking import DUAL_STACK, balancer
from support.engine import DUALSTACK
from support.faults import MISTAKES
from support.scene import (
    BOTH_PATHS,
    ELSEWHERE,
    HOSTNAME,
    VERIFY_SECONDS,
    Scene,
    Verified,
)

# What it is asked


def _run(
    scene: Scene, *options: str, host: str = DUAL_STACK, within: tuple[str, ...] = ()
) -> Verified:
    """Run the command with nothing but some options; it is never lost for words."""
    done = scene.lab.run(
        host, *within, str(DUALSTACK), "verify", "--json", *options, timeout=VERIFY_SECONDS
    )
    assert "Traceback" not in done.stderr
    if done.returncode == WRONG_USE:
        assert done.stdout == ""
        return Verified(done.returncode, [], done.stderr)
    return Verified(done.returncode, json.loads(done.stdout)["results"], done.stderr)


WRONG_USES: Final[dict[str, tuple[str, str, str, tuple[str, ...]]]] = {
    "requests that are not YAML": (
        "--requests",
        "requests.yaml",
        "requests:\n  - path: [/echo\n",
        ("requests.yaml:3:1 is not YAML (", "; the whole file should be YAML or JSON. "),
    ),
    "requests with a path that is not encoded": (
        "--requests",
        "requests.yaml",
        "requests:\n  - path: /a b\n    methud: GET\n",
        ("requests.yaml:2:", '"/a b"; it should begin with / and be encoded', "requests.yaml:3:"),
    ),
    "an OpenAPI document that is cut off": (
        "--openapi",
        "api.json",
        '{"openapi": "3.1.0",\n "paths": {',
        ("api.json:2:", "is not JSON (", "; the whole file should be one JSON object. "),
    ),
    "a recording that is cut off": (
        "--har",
        "recording.har",
        '{"log": {"version": "1.2", "entries": [',
        ("recording.har:1:", "is not JSON (", "; the whole file should be one JSON object. "),
    ),
    "outputs that are cut off": (
        "--outputs",
        "cut-off.json",
        '{"hostnames": [',
        ("cut-off.json is not JSON (", "; it should be one object, as `pulumi stack output"),
    ),
    "outputs of something else": (
        "--outputs",
        "others.json",
        '{"hostnames": [], "url": "https://example.com"}',
        ("Output hostnames is []; ", "Output distributionDomainName is not there; "),
    ),
    "authorities that are none": (
        "--ca",
        "ca.pem",
        "no certificate",
        ("The file of trusted certificates is ", "; a PEM file with at least one certificate"),
    ),
}
"""Option, file and what is in it, and what is said."""


@pytest.mark.parametrize("name", WRONG_USES)
def test_a_file_that_is_no_use_is_wrong_use_with_the_reason(edge: Scene, name: str) -> None:
    option, file, content, named = WRONG_USES[name]
    path = edge.folder / file
    path.write_text(content)
    outputs = () if option == "--outputs" else ("--outputs", str(edge.folder / "outputs.json"))
    verified = _run(edge, *outputs, option, str(path), "--echo", "/echo")
    assert verified.code == WRONG_USE, verified.printed
    for text in named:
        assert text in verified.printed


def test_every_option_that_is_wrong_is_told_at_once(edge: Scene) -> None:
    verified = _run(
        edge,
        *("--hostname", "no name", "--direct", "198.18.0.1", "--only", "nothing"),
        *("--ca", str(edge.folder / "not-there.pem"), "--rate", "0"),
    )
    assert verified.code == WRONG_USE
    for text in (
        '--hostname is "no name"; it should be a DNS name such as api.example.com. ',
        '--direct is "198.18.0.1"; it should be a DNS name such as api.example.com. ',
        "--cdn is not given; ",
        '--only is "nothing"; it should be one of dns-records, ',
        "not-there.pem",
        "--rate is 0",
    ):
        assert text in verified.printed


def test_a_stack_that_nothing_tells_of_is_wrong_use(edge: Scene) -> None:
    verified = _run(edge)  # no host of the lab has Pulumi
    assert verified.code == WRONG_USE
    assert "`pulumi stack output --json` is not on PATH; " in verified.printed


@dataclass(frozen=True)
class Question:
    """A question without an answer, or with one that nobody likes."""

    options: tuple[str, ...]
    """Options; names in braces are those of the deployed edge."""
    code: int
    verdict: str
    named: str
    within: tuple[str, ...] = ()
    """A command that it is run by."""


BY_HAND: Final = ("--hostname", HOSTNAME, "--direct", "{balancer}", "--cdn", "{cdn}")

QUESTIONS: Final = {
    "a hostname that does not resolve": Question(
        ("--hostname", ELSEWHERE, *BY_HAND[2:], "--only", "dns-records"),
        1,
        "fail",
        f"dns-exists None None {ELSEWHERE}: the resolver answers NXDOMAIN",
    ),
    "a path's name that does not resolve": Question(
        (*BY_HAND[:3], "elb.example.net", *BY_HAND[4:], "--only", "reach-certificates"),
        3,
        "unknown",
        f"ways direct IPv4 {HOSTNAME}: elb.example.net does not resolve: its A is answered ",
    ),
    "an echo path that does not echo": Question(
        (*BY_HAND, "--echo", "/nothing", "--only", "echo"),
        3,
        "unknown",
        "Wrong use: the echo path is /nothing, which direct over IPv4 is answered 404",
    ),
    "authorities that did not sign anything here": Question(
        (*BY_HAND, "--ca", "{folder}/stranger.pem", "--only", "reach-certificates"),
        1,
        "fail",
        f"tls-certificate cdn IPv6 {HOSTNAME}: ",
    ),
    "no network": Question(
        (*BY_HAND, "--echo", "/echo", "--only", "reach", "--only", "cache-methods"),
        3,
        "unknown",
        f"by-name None IPv4 {HOSTNAME}: {HOSTNAME} does not resolve: ",
        ("unshare", "--net"),
    ),
}
"""What is asked, by what it is about."""


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_that_cannot_be_answered_never_passes(edge: Scene, name: str) -> None:
    question = QUESTIONS[name]
    outputs = json.loads((edge.folder / "outputs.json").read_text())
    (edge.folder / "stranger.pem").write_bytes(trustme.CA().cert_pem.bytes())
    values = {
        "balancer": balancer(edge),
        "cdn": outputs["distributionDomainName"],
        "folder": edge.folder,
    }
    options = [option.format_map(values) for option in question.options]
    verified = _run(edge, *options, within=question.within)
    summary = "\n".join(
        f"{result['check']} {result.get('path')} {result.get('family')} {result['hostname']}: "
        f"{result['evidence']}"
        for result in verified.results
        if result["verdict"] == question.verdict
    )
    assert verified.code == question.code, f"{summary}\n{verified.printed}"
    assert question.named in summary, summary


# Who asks


CLIENTS: Final = {
    "dual-stack": (0, "pass", "reach-connect cdn IPv6: 2001:db8:cf:"),
    "ipv4-only": (3, "unknown", "reach-connect cdn IPv6: this machine has no IPv6"),
    "ipv6-only": (3, "unknown", "reach-connect direct IPv4: this machine has no IPv4"),
    "nat64-client": (3, "pass", "reach-nat64 direct IPv6: 2001:db8:64:6464::/96: 2001:db8:64:6464"),
}
"""Exit code, and a verdict with what it is about, by who asks."""


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_tells_of_what_it_sees_and_never_passes_the_rest(edge: Scene, name: str) -> None:
    code, verdict, named = CLIENTS[name]
    verified = edge.verify("--only", "reach", "--only", "dns-records", client=name)
    assert (verified.code, verified.evidence()) == (code, ""), verified.printed
    assert named in verified.evidence(verdict), verified.evidence(verdict)


# Whose requests


REQUESTS: Final = """
ignore: [json:/headers, json:/client]  # the echo tells who asked and by which way
requests:
  - path: /echo?b=1
  - path: /echo/status=404
    ignore: [header:X-Request-Id]
  - name: compressed
    path: /echo/encoding=gzip
    headers: {Accept-Encoding: gzip}
  - name: order
    method: POST
    path: /echo
"""


def test_a_users_own_requests_tell_of_a_header_that_is_dropped(edge: Scene) -> None:
    path = edge.folder / "own.yaml"
    path.write_text(REQUESTS)
    arguments = ("--outputs", str(edge.folder / "outputs.json"), "--requests", str(path))
    whole = _run(edge, *arguments, "--only", "opaque")
    assert whole.code == 0, f"{whole.evidence()}\n{whole.evidence('unknown')}"
    edge.deploy(MISTAKES["headers are dropped"].program, **BOTH_PATHS)
    try:
        edge.name_one()
        dropped = _run(edge, *arguments, "--only", "opaque")
    finally:
        edge.deploy(**BOTH_PATHS)
        edge.name_one()
    assert dropped.code == 1, dropped.printed
    # Without Host the edge asks by a name that the load balancer's certificate does not have.
    assert dropped.paths_by_check() == {
        "answers compressed": {"cdn"},
        "answers GET /echo?b=1": {"cdn"},
        "answers GET /echo/status=404": {"cdn"},
    }
    assert "status expected 200, came 502" in dropped.evidence()
