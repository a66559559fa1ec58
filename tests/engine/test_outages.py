"""Weights change while nobody but Route 53 answers, whatever else waits to be deployed.

Each test begins with a copy of one deployment, at 100/0, and ends with the weights in the zone.
"""

import re
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.engine import holders, weights
from support.outage import AWS_THROTTLES, Outage, refusing

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background
    from support.engine import Stack

NEW: Final = {"direct": 90, "cdn": 10}

RECORDS: Final = "**WeightedDns$aws:route53/record:Record::**"
"""What docs/operating.md targets while something else cannot be deployed."""

WEIGHTS_ALONE: Final = {"aws:route53:Record", "pulumi:providers:aws"}
"""Types of what changes: the records, and the provider that is to be less patient."""

SECONDS: Final = 90
"""How long a change of weights may take on a busy machine; it waits for nobody who is away."""


@contextmanager
def outage(stack: "Stack", digitalocean: HTTPStatus) -> Generator[tuple[Outage, Outage]]:
    """Leave a stack nothing but Route 53: the rest of AWS throttles, DigitalOcean refuses."""
    with refusing(HTTPStatus.BAD_REQUEST, AWS_THROTTLES) as aws, refusing(digitalocean) as droplets:
        stack.variables["AWS_ENDPOINT_URL_ROUTE_53"] = stack.variables["AWS_ENDPOINT_URL"]
        stack.variables["AWS_ENDPOINT_URL"] = aws.url
        stack.variables["DIGITALOCEAN_API_URL"] = droplets.url
        yield aws, droplets


def has_new_weights(route53: "Route53Client") -> bool:
    """Say whether all eight records of the two hostnames have the new weights."""
    of_paths = {key: weight for key, weight in weights(route53).items() if key[2] in NEW}
    return len(of_paths) == 8 and all(NEW[key[2]] == each for key, each in of_paths.items())


def changed(printed: str) -> set[str]:
    """Return the types of the resources that a deployment has changed."""
    lines = r"^ \S+ +(\S+) .*\b(?:updated|created|deleted|replaced)\b"
    return set(re.findall(lines, printed, re.MULTILINE))


def patient(stack: "Stack") -> None:
    """Have AWS asked three times and not 25, as docs/operating.md says for an outage."""
    stack.pulumi("config", "set", "aws:maxRetries", "3").must()


@pytest.mark.parametrize(
    "digitalocean", [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.UNAUTHORIZED], ids=["down", "401"]
)
def test_weights_alone_change_in_one_plain_up_while_only_route_53_answers(
    deployed_whole: "Stack", route53: "Route53Client", digitalocean: HTTPStatus
) -> None:
    deployed_whole.configure(traffic=NEW)
    patient(deployed_whole)
    began = time.monotonic()
    with outage(deployed_whole, digitalocean) as (aws, droplets):
        printed = deployed_whole.up().must()
    assert time.monotonic() - began < SECONDS
    assert has_new_weights(route53)
    assert changed(printed) == WEIGHTS_ALONE, printed
    assert "which could not be looked up; a load balancer that can be described" in printed
    assert (bool(aws.requests), droplets.requests) == (True, [])


def test_weights_change_by_the_documented_command_while_everything_else_waits(
    deployed_whole: "Stack",
    route53: "Route53Client",
    cloudfront: "CloudFrontClient",
    droplets: "background.Cloud",
) -> None:
    """Another size and image, one region more, droplets that do not serve, a distribution."""
    before = holders(droplets)
    pool = {"regions": ["fra1", "ams3", "lon1"], "readySeconds": 600, "size": "s-2vcpu-2gb"}
    changes: Mapping[str, Any] = {
        "traffic": NEW,
        "proxy": {**pool, "image": "debian-13-x64"},
        "distribution": {"priceClass": "PriceClass_100"},
    }
    deployed_whole.configure(**changes)
    patient(deployed_whole)
    began = time.monotonic()
    with outage(deployed_whole, HTTPStatus.SERVICE_UNAVAILABLE):
        printed = deployed_whole.pulumi("up", "--yes", "--skip-preview", "--target", RECORDS).must()
    assert time.monotonic() - began < SECONDS
    assert has_new_weights(route53)
    assert changed(printed) == WEIGHTS_ALONE, printed
    assert holders(droplets) == before
    (summary,) = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    assert summary["PriceClass"] == "PriceClass_All"
