"""What the policy packs cost on a large state, and against other tools with the same rules.

`pulumi policy analyze` runs both packs on a generated state of distributions and unrelated
resources. The floor is measured in the same run, in turns: two packs made with Pulumi's SDK, each
with one rule that does nothing. Checkov and conftest (OPA) are measured on the same data if they
are found: name their commands in CHECKOV and CONFTEST, or put them on PATH. They get the rules that
read a distribution alone, written in their own languages.

Run it with: make bench
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from measuring import alternate, parser, show

from policies.cloudfront import ALL_VIEWER, CACHING_DISABLED
from policies.rules import DUAL_STACK, HARDENING
from policies.rules.error_caching_off import CODES
from policies.rules.methods_allowed import METHODS
from sandbox.engine import find
from sandbox.engine.shell import Shell

CHECKOUT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).parent / "policies_rules"
SIZES = (250, 500, 1000)
"""Distributions in a state; it has four times as many unrelated resources."""
ROUNDS = 3
LIMIT = 1.25
"""How much longer than the floor both packs may take."""

EMPTY = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

PolicyPack(
    name="{name}",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy(
            name="nothing", description="Nothing.", validate=lambda args, report: None
        )
    ],
)
"""


def distribution(number: int) -> dict[str, Any]:
    """Return a distribution that passes everything through, two ordered behaviours included."""
    behavior = {
        "allowedMethods": list(METHODS),
        "cachedMethods": ["GET", "HEAD"],
        "cachePolicyId": CACHING_DISABLED,
        "originRequestPolicyId": ALL_VIEWER,
        "targetOriginId": "api",
        "viewerProtocolPolicy": "https-only",
        "compress": False,
        "smoothStreaming": False,
    }
    return {
        "aliases": [f"api-{number}.example.com"],
        "comment": f"the edge of api-{number}.example.com",
        "customErrorResponses": [{"errorCode": code, "errorCachingMinTtl": 0} for code in CODES],
        "defaultCacheBehavior": behavior,
        "domainName": f"d{number}.cloudfront.net",
        "enabled": True,
        "httpVersion": "http2",
        "isIpv6Enabled": True,
        "loggingConfig": {"bucket": "logs.s3.amazonaws.com", "includeCookies": False},
        "orderedCacheBehaviors": [{**behavior, "pathPattern": path} for path in ("/v1/*", "/v2/*")],
        "origins": [
            {
                "originId": "api",
                "domainName": f"api-{number}.us-east-1.elb.amazonaws.com",
                "customHeaders": [{"name": "x-origin-secret", "value": "s3cret"}],
                "customOriginConfig": {
                    "httpPort": 80,
                    "httpsPort": 443,
                    "originProtocolPolicy": "https-only",
                    "originSslProtocols": ["TLSv1.2"],
                },
            }
        ],
        "priceClass": "PriceClass_All",
        "restrictions": {"geoRestriction": {"restrictionType": "none", "locations": []}},
        "viewerCertificate": {
            "acmCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
            "minimumProtocolVersion": "TLSv1.2_2021",
            "sslSupportMethod": "sni-only",
        },
        "webAclId": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/1",
    }


def bucket(number: int) -> dict[str, Any]:
    """Return a resource that no rule is about."""
    return {
        "bucket": f"bucket-{number}",
        "forceDestroy": False,
        "tags": {"number": str(number), "team": "somebody else's"},
        "serverSideEncryptionConfiguration": {
            "rule": {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
        },
        "versioning": {"enabled": True},
    }


def state(distributions: int) -> dict[str, Any]:
    """Return an exported state, with outputs as large as the inputs."""
    prefix = "urn:pulumi:bench::bench::"
    provider = f"{prefix}pulumi:providers:aws::default"
    resources: list[dict[str, Any]] = [
        {"urn": provider, "custom": True, "id": "p", "type": "pulumi:providers:aws"}
    ]

    def add(kind: str, name: str, properties: dict[str, Any]) -> None:
        resources.append(
            {
                "urn": f"{prefix}{kind}::{name}",
                "custom": True,
                "id": name,
                "type": kind,
                "inputs": properties,
                "outputs": {**properties, "id": name},
                "provider": f"{provider}::p",
                "protect": True,
            }
        )

    for number in range(distributions):
        add("aws:cloudfront/distribution:Distribution", f"cdn-{number}", distribution(number))
        for other in range(4):
            add("aws:s3/bucket:Bucket", f"bucket-{number}-{other}", bucket(4 * number + other))
    return {"version": 3, "deployment": {"manifest": {}, "resources": resources}}


@dataclass(frozen=True)
class BenchmarkEngine:
    """The engine in an environment of its own."""

    folder: Path
    variables: Mapping[str, str]

    def analyze(self, file: Path, packs: list[Path]) -> None:
        """Analyze a state, which no pack may find fault with."""
        flags = [part for pack in packs for part in ("--policy-pack", str(pack))]
        run(
            ["pulumi", "policy", "analyze", "--file", str(file), *flags],
            self.folder,
            self.variables,
        )


def run(command: list[str], folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """Run a command that has to succeed; return what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=None if variables is None else dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def empty_packs(scratch: Path) -> list[Path]:
    """Lay out two packs with one empty rule each, on Pulumi's own server."""
    packs: list[Path] = []
    for name in ("nothing-one", "nothing-two"):
        folder = scratch / name
        folder.mkdir()
        project = (CHECKOUT / "policies" / "dual_stack" / "PulumiPolicy.yaml").read_text()
        venv = str(CHECKOUT / ".venv")
        (folder / "PulumiPolicy.yaml").write_text(project.replace("../../.venv", venv))
        (folder / "__main__.py").write_text(EMPTY.format(name=name))
        packs.append(folder)
    return packs


def measure(scratch: Path, sizes: Sequence[int], rounds: int) -> bool:
    """Measure the packs on states of so many distributions; return whether they are fast enough."""
    shell = Shell(CHECKOUT, scratch / "home")
    engine_found = find.find(print)
    shell.prepare()
    variables = {**os.environ, **shell.environment(engine_found, {})}
    variables.pop("PULUMI_OPTION_POLICY_PACK", None)
    engine = BenchmarkEngine(scratch, variables)
    ours = [CHECKOUT / "policies" / name for name in ("dual_stack", "hardening")]
    empty = empty_packs(scratch)
    files = {size: scratch / f"state-{size}.json" for size in (0, *sizes)}
    for size, file in files.items():
        file.write_text(json.dumps(state(size)))
    works: dict[str, Callable[[], object]] = {}
    for size, file in files.items():
        works[f"empty {size}"] = lambda file=file: engine.analyze(file, empty)
        works[f"ours {size}"] = lambda file=file: engine.analyze(file, ours)
    medians = alternate(works, rounds)
    rules = len(DUAL_STACK.rules) + len(HARDENING.rules)
    rows: list[tuple[str, ...]] = []
    for size in files:
        floor, own = medians[f"empty {size}"], medians[f"ours {size}"]
        each = (own - medians["ours 0"]) / (5 * size) * 1000 if size else 0
        cells = (f"{floor:.2f}", f"{own:.2f}", f"{own / floor:.2f}", f"{each:.2f}" if size else "")
        rows.append((f"{5 * size:,}" if size else "none (start-up)", *cells))
    show(
        f"pulumi policy analyze: both packs ({rules} rules) and two packs of one empty rule",
        ("resources", "empty s", "both packs s", "ratio", "ms per resource over start-up"),
        rows,
    )
    return medians[f"ours {sizes[-1]}"] <= LIMIT * medians[f"empty {sizes[-1]}"]


def others(scratch: Path, size: int, rounds: int) -> None:
    """Measure what other tools need for the rules that read a distribution alone."""
    works: dict[str, Callable[[], object]] = {}
    checkov = os.environ.get("CHECKOV") or shutil.which("checkov")
    if checkov:
        folder = scratch / "checkov"
        folder.mkdir()
        (folder / "template.json").write_text(json.dumps(template(size)))
        command = [
            *(checkov, "-d", str(folder), "--framework", "cloudformation", "--compact", "--quiet"),
            *("--external-checks-dir", str(HERE / "checkov"), "--check", "DUALSTACK_*"),
        ]
        works["Checkov"] = lambda: run(command, scratch)
    conftest = os.environ.get("CONFTEST") or shutil.which("conftest")
    if conftest:
        data = scratch / "conftest.json"
        data.write_text(json.dumps(state(size)))
        opa = [conftest, "test", str(data), "--policy", str(HERE / "opa"), "--no-color"]
        works["conftest (OPA)"] = lambda: run(opa, scratch)
    if not works:
        print("Neither Checkov nor conftest is here, so they are not measured.")
        return
    show(
        f"the rules that read a distribution alone, {5 * size:,} resources",
        ("tool", "s"),
        [(name, f"{median:.2f}") for name, median in alternate(works, rounds).items()],
    )


def template(distributions: int) -> dict[str, Any]:
    """Return the same data as a CloudFormation template, which is what Checkov reads."""

    def renamed(value: Any) -> Any:
        if isinstance(value, list):
            return [renamed(item) for item in cast("list[Any]", value)]
        if isinstance(value, dict):
            given = cast("dict[str, Any]", value)
            return {
                NAMES.get(key, key[0].upper() + key[1:]): renamed(part)
                for key, part in given.items()
            }
        return value

    resources: dict[str, Any] = {}
    for number in range(distributions):
        config = renamed(distribution(number))
        resources[f"Cdn{number}"] = {
            "Type": "AWS::CloudFront::Distribution",
            "Properties": {"DistributionConfig": config},
        }
        for other in range(4):
            resources[f"Bucket{number}x{other}"] = {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": f"bucket-{4 * number + other}"},
            }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


NAMES = {
    "customErrorResponses": "CustomErrorResponses",
    "errorCachingMinTtl": "ErrorCachingMinTTL",
    "isIpv6Enabled": "IPV6Enabled",
    "orderedCacheBehaviors": "CacheBehaviors",
    "webAclId": "WebACLId",
    "originSslProtocols": "OriginSSLProtocols",
    "originId": "Id",
}
"""Names that CloudFormation spells in a way of its own."""


def main() -> None:
    """Measure and print; without `--short`, what is too slow ends it with 1."""
    short: bool = parser("Measure the policy packs.").parse_args().short
    sizes, rounds = ((1,), 1) if short else (SIZES, ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        fast = measure(Path(folder), sizes, rounds)
        others(Path(folder), sizes[-1], rounds)
    if not fast and not short:
        sys.exit(f"Both packs took more than {LIMIT} x of the empty ones.")


if __name__ == "__main__":
    main()
