"""Reading the buckets of S3: what everybody may read of them.

Whether everybody may, S3 decides from the bucket's policy. moto lets everybody read everything, and
so here the whole policy is taken for what its status says: public or not. What is read is text, and
of each object no more than a health check looks at.

Source: Amazon S3 API Reference, 'GetBucketPolicyStatus'; Route 53 API Reference, HealthCheckConfig,
SearchString.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from sandbox.lab.deployed import DeployedBucket

MOST_BYTES: Final = 5_120
"""How much of an object is read."""

HOME_REGION: Final = "us-east-1"
"""The region whose buckets have no location. Source: as above, 'GetBucketLocation'."""


def buckets(client_of: Callable[[str], Any]) -> Iterator[DeployedBucket]:
    """Yield the buckets of an account.

    Args:
        client_of: Returns a client of S3 for a region.
    """
    client = client_of(HOME_REGION)
    for listed in client.list_buckets()["Buckets"]:
        name = listed["Name"]
        region = client.get_bucket_location(Bucket=name)["LocationConstraint"] or HOME_REGION
        objects = dict(_objects(client, name)) if _is_public(client, name) else {}
        yield DeployedBucket(name, region, objects)


def _is_public(client: Any, name: str) -> bool:
    try:
        return bool(client.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"])
    except ClientError:  # it has no policy
        return False


def _objects(client: Any, name: str) -> Iterator[tuple[str, str]]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for each in page.get("Contents") or ():
            body = client.get_object(Bucket=name, Key=each["Key"])["Body"]
            yield each["Key"], body.read(MOST_BYTES).decode(errors="replace")
