"""With Route 53's API refusing everything, the kill switch drains cdn, and no request fails."""

import json
import subprocess
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import pytest

from sandbox.engine.shell import STACK
from support.engine import DUALSTACK, client
from support.outage import AWS_THROTTLES, refusing
from support.passage import passage
from support.scene import BOTH_PATHS, CLIENTS, HOSTNAME
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from support.scene import Scene

BUCKET: Final = "edge-switch"
REGION: Final = "eu-west-1"
URL: Final = f"https://{BUCKET}.s3.{REGION}.amazonaws.com/drain"
READABLE: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/drain",
        }
    ],
}
"""The policy of docs/recovery.md."""

SOON: Final = "import components.kill_switch\ncomponents.kill_switch.LOOKED_SECONDS = 8"
"""Lines in front of the program, for checks that look ten times as often as configured."""

RANGES: Final = {
    "prefixes": [{"ip_prefix": "198.18.1.0/24", "service": "CLOUDFRONT"}],
    "ipv6_prefixes": [{"ipv6_prefix": "2001:db8:cf::/48", "service": "CLOUDFRONT"}],
}
"""Where the lab's CloudFront is, as AWS publishes where its own is."""

DOCUMENTED_SECONDS: Final = 90

EVERY_SECOND: Final = """
while sleep 1; do
    curl --silent --show-error --fail --output /dev/null --max-time 8 --cacert "$0" "$1" 2>&1 \\
        && echo answered
done
"""


@pytest.fixture
def switched(scene: "Scene") -> "Iterator[Scene]":
    """A lab at 50/50 with a kill switch, whose bucket everybody may read."""
    s3 = client(scene.account, "s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(READABLE))
    scene.lab.change(check_speed=10.0)
    scene.deploy(SOON, **BOTH_PATHS, killSwitch={"url": URL})
    yield scene
    s3.delete_object(Bucket=BUCKET, Key="drain")
    s3.delete_bucket(Bucket=BUCKET)
    scene.lab.change(check_speed=1.0)
    scene.deploy(**BOTH_PATHS, killSwitch=None)


@contextmanager
def asking(scene: "Scene") -> "Generator[list[str]]":
    """Have every client send a request each second; yields what they said, once it is over."""
    words = (str(scene.lab.ca), f"https://{HOSTNAME}/echo")
    running = [
        subprocess.Popen(
            scene.lab.command(name, "/bin/sh", "-c", EVERY_SECOND, *words),
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in CLIENTS
    ]
    said: list[str] = []
    try:
        yield said
    finally:
        for process in running:
            process.terminate()
            said += (process.communicate()[0]).splitlines()


def abort(scene: "Scene", folder: "Path") -> tuple[int, dict[str, Any], str]:
    """Run the command on a client, where nothing outside is reached but S3."""
    ranges = folder / "ip-ranges.json"
    ranges.write_text(json.dumps(RANGES))
    words = f"{DUALSTACK} shift abort --switch --stack {STACK} --ip-ranges {ranges} --json"
    host = "dual-stack"
    with (
        refusing(HTTPStatus.BAD_REQUEST, AWS_THROTTLES) as aws,
        passage(scene.lab, host, scene.account.url) as s3,
    ):
        done = scene.lab.run(
            host,
            *("/bin/sh", "-c", f"cd {scene.stack.folder} && exec {words}"),
            env={
                "AWS_ENDPOINT_URL": aws.url,
                "AWS_ENDPOINT_URL_S3": s3,
                "AWS_ACCESS_KEY_ID": scene.stack.variables["AWS_ACCESS_KEY_ID"],
                "AWS_SECRET_ACCESS_KEY": scene.stack.variables["AWS_SECRET_ACCESS_KEY"],
            },
            timeout=300,
        )
        assert aws.requests == []
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def paths(scene: "Scene") -> set[str]:
    """Return the paths that the clients' requests come by."""
    headers = [scene.ask(name)["headers"] for name in CLIENTS]
    return {"cdn" if "x-amz-cf-id" in json.dumps(each).lower() else "direct" for each in headers}


def test_the_switch_drains_cdn_from_any_weights_while_every_request_is_answered(
    switched: "Scene", tmp_path: "Path"
) -> None:
    switched.lab.change(check_speed=1.0)  # the time is the documented one
    with asking(switched) as said:
        code, report, printed = abort(switched, tmp_path)
        assert (code, report.get("put"), report.get("drained")) == (0, True, True), printed
        assert 20 < report["lastAnswerSeconds"] <= DOCUMENTED_SECONDS
        assert report["notes"] == []
    switched.forget_names()  # the resolver starts again, so no request may be under way
    assert paths(switched) == {"direct"}
    assert set(said) == {"answered"}
    assert len(said) > report["lastAnswerSeconds"]  # of four clients, one a second each

    # Taken away before the weights are 100 and 0, it brings everybody back.
    switched.lab.change(check_speed=10.0)
    s3 = client(switched.account, "s3")
    s3.delete_object(Bucket=BUCKET, Key="drain")
    everybody: dict[str, Any] = {**BOTH_PATHS, "traffic": {"direct": 0, "cdn": 100}}
    switched.deploy(SOON, **everybody)
    switched.forget_names()
    wait_until(lambda: paths(switched) == {"cdn"}, 90)

    # From 0/100, Route 53 answers with the records of weight 0.
    switched.lab.change(check_speed=1.0)
    with asking(switched) as said:
        code, report, printed = abort(switched, tmp_path)
    assert (code, report.get("drained")) == (0, True), printed
    assert 20 < report["lastAnswerSeconds"] <= DOCUMENTED_SECONDS
    assert set(said) == {"answered"}
    switched.forget_names()
    assert paths(switched) == {"direct"}
