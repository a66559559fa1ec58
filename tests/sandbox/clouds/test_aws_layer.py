"""The layer carries out one request at a time."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.test import Client

CLIENTS = 4


class Crowd:
    """Stands in for moto: lets nobody out before all are in, or a while has passed."""

    def __init__(self) -> None:
        self.most = 0
        self._inside = 0
        self._everybody = threading.Condition()

    def __call__(self, _environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        with self._everybody:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._everybody.notify_all()
            self._everybody.wait_for(lambda: self.most == CLIENTS, timeout=0.1)
            self._inside -= 1
        start("200 OK", [("Content-Type", "text/plain")])
        return [b""]


@pytest.mark.parametrize(
    ("service", "path"),
    [
        pytest.param("route53", "/2013-04-01/hostedzonecount", id="Route 53"),
        pytest.param("cloudfront", "/2020-05-31/function", id="CloudFront"),
        pytest.param("acm", "/", id="ACM"),
        pytest.param("elasticloadbalancing", "/", id="load balancers"),
        pytest.param("s3", "/bucket", id="S3, which has no rules"),
    ],
)
def test_requests_never_overlap(service: str, path: str) -> None:
    # With moto, which takes a second to import: too long for each worker that collects the tests.
    from sandbox.clouds.aws.layer import Layer  # noqa: PLC0415
    from sandbox.clouds.aws.state import MotoAccount  # noqa: PLC0415

    moto, lines = Crowd(), list[str]()
    layer = Layer(moto, MotoAccount(), lines.append)
    scope = f"AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/{service}/aws4_request"

    def ask() -> int:
        with Client(layer).get(path, headers={"Authorization": scope}) as response:
            return response.status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [answer.result() for answer in [pool.submit(ask) for _ in range(CLIENTS)]]
    assert answers == [200] * CLIENTS
    assert moto.most == 1
    assert len(lines) == CLIENTS
