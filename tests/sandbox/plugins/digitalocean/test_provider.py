"""The provider's configuration, its token, its limits, and the scopes it notes."""

import json
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2
from werkzeug.serving import make_server

from sandbox.clouds.digitalocean import TOKEN
from sandbox.clouds.digitalocean.api import ROUTES
from sandbox.plugins.digitalocean.scopes import SCOPES
from sandbox.plugins.values import UNKNOWN, Props, encode

PROVIDER = "urn:pulumi:dev::edge::pulumi:providers:digitalocean::do"
GET_REGION = "digitalocean:index/getRegion:getRegion"
DROPLET = "digitalocean:index/droplet:Droplet"
TAG = "digitalocean:index/tag:Tag"
VPC = "digitalocean:index/vpc:Vpc"
MEND = (
    "Set DIGITALOCEAN_TOKEN to one made at https://cloud.digitalocean.com/account/api/tokens, "
    "or run `pulumi config set --secret digitalocean:token`."
)


def noted(file: Path) -> list[str]:
    return [json.loads(line)["scope"] for line in file.read_text().splitlines()]


def test_the_version_is_that_of_the_sdk(plugin: Any) -> None:
    info = plugin.stub.GetPluginInfo(empty_pb2.Empty())
    assert info.version == metadata.version("pulumi-digitalocean")


def test_an_unknown_resource_type_is_refused_by_name(plugin: Any) -> None:
    app = "digitalocean:index/app:App"
    failed = plugin.failure(lambda: plugin.check(app, {}))
    assert f"the resource type is {app}; the stand-in for the digitalocean plugin" in failed.text
    assert "digitalocean:index/vpc:Vpc. Install the official plugin for others" in failed.text


def test_without_a_token_nothing_is_configured(started_plugin: Any) -> None:
    _, plugin = started_plugin(DIGITALOCEAN_TOKEN="")
    failed = plugin.failure(plugin.configure)
    assert failed.text == (
        "configuring the digitalocean provider: the DigitalOcean API token is missing; "
        f"the provider needs one. {MEND}"
    )


@pytest.mark.parametrize(
    ("variables", "config"),
    [
        pytest.param({"DIGITALOCEAN_ACCESS_TOKEN": TOKEN}, {}, id="older variable"),
        pytest.param({}, {"token": TOKEN}, id="configuration"),
    ],
)
def test_a_token_comes_from_elsewhere_too(
    started_plugin: Any, cloud: Any, variables: dict[str, str], config: dict[str, str]
) -> None:
    del cloud
    _, plugin = started_plugin(**{"DIGITALOCEAN_TOKEN": "", **variables})
    plugin.configure(**config)
    assert plugin.invoke(GET_REGION, {"slug": "fra1"})["available"] is True


def test_a_token_that_is_not_known_yet_counts_as_none(started_plugin: Any) -> None:
    _, plugin = started_plugin(DIGITALOCEAN_TOKEN="")
    failed = plugin.failure(lambda: plugin.configure(token=UNKNOWN))
    assert "the DigitalOcean API token is missing" in failed.text


def test_a_token_that_is_refused_is_told_and_nothing_is_made(
    started_plugin: Any, cloud: Any, proxy: Props
) -> None:
    _, plugin = started_plugin()
    plugin.configure(token="dop_v1_expired")
    failed = plugin.failure(lambda: plugin.made(DROPLET, proxy))
    assert failed.partial is None
    before, after = failed.text.split(" (request ")
    assert before.endswith("the DigitalOcean API token is refused (POST /v2/droplets: 401")
    assert after.endswith(
        f"Unable to authenticate you.); one that is valid and not expired is needed. {MEND}"
    )
    assert "dop_v1" not in failed.text
    assert cloud.droplets() == []
    failed = plugin.failure(lambda: plugin.invoke(GET_REGION, {"slug": "fra1"}))
    assert "the DigitalOcean API token is refused (GET /v2/regions: 401" in failed.text


def test_a_token_without_a_scope_is_told_which_are_needed(
    plugin: Any, cloud: Any, proxy: Props
) -> None:
    cloud.settings(token_scopes=["droplet:create", "image:read"])
    failed = plugin.failure(lambda: plugin.made(DROPLET, proxy | {"tags": ["pool"]}))
    assert "POST /v2/droplets: 403" in failed.text
    assert failed.text.endswith("(It takes a token with droplet:create, image:read, tag:create.)")


@pytest.mark.parametrize(
    "endpoint", ["http://api.example.com", "ftp://127.0.0.1", "api.digitalocean.com", "https://"]
)
def test_a_token_is_not_sent_in_the_clear(started_plugin: Any, endpoint: str) -> None:
    reason = (
        f"is {endpoint!r}; an https address, or an http one on this machine, is allowed. "
        "Set it to https://api.digitalocean.com, or leave it out."
    )
    _, plugin = started_plugin(DIGITALOCEAN_API_URL=endpoint)
    failed = plugin.failure(plugin.configure)
    assert failed.text.endswith(f": DIGITALOCEAN_API_URL {reason}")
    answer = plugin.stub.CheckConfig(
        provider_pb2.CheckRequest(urn=PROVIDER, news=encode({"apiEndpoint": endpoint}))
    )
    assert [(item.property, item.reason) for item in answer.failures] == [
        ("apiEndpoint", f"apiEndpoint {reason}")
    ]


def test_an_endpoint_of_the_configuration_comes_before_the_environments(
    started_plugin: Any, cloud: Any
) -> None:
    _, plugin = started_plugin(DIGITALOCEAN_API_URL="http://127.0.0.1:9")
    plugin.configure(apiEndpoint=cloud.url)
    assert plugin.made(TAG, {"name": "pool"})[0]["id"] == "pool"


def test_an_api_that_cannot_be_reached_is_told(started_plugin: Any) -> None:
    _, plugin = started_plugin(
        DIGITALOCEAN_API_URL="http://127.0.0.1:9", DIGITALOCEAN_HTTP_RETRY_MAX="1"
    )
    plugin.configure()
    failed = plugin.failure(lambda: plugin.made(TAG, {"name": "pool"}))
    assert "DigitalOcean's API could not be reached: " in failed.text
    assert failed.text.endswith(
        "Look at the network, and at DIGITALOCEAN_API_URL or `digitalocean:apiEndpoint`."
    )


@contextmanager
def served(answer: Any) -> Generator[str]:
    """Serve a cloud that has used up its quota, which the sandbox's never does."""
    server = make_server("127.0.0.1", 0, answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_throttled_request_is_sent_again_when_the_answer_says(started_plugin: Any) -> None:
    requests: list[tuple[str, float]] = []
    kinds = ("droplets", "images", "volumes", "volume_snapshots", "databases")
    counts = {"count": 0, **{kind: {"count": 0} for kind in kinds}}
    tag = {"name": "pool", "resources": counts}

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        requests.append((environ["REQUEST_METHOD"], time.monotonic()))
        headers = [("Content-Type", "application/json")]
        if len(requests) == 1:
            start_response("429 Too Many Requests", [*headers, ("Retry-After", "1")])
            return [b'{"id": "too_many_requests", "message": "API rate limit exceeded."}']
        start_response("201 Created" if len(requests) == 2 else "200 OK", headers)
        return [json.dumps({"tag": tag}).encode()]

    with served(answer) as url:
        _, plugin = started_plugin(DIGITALOCEAN_API_URL=url)
        plugin.configure()
        assert plugin.create(TAG, {"name": "pool"})["id"] == "pool"
    assert [method for method, _ in requests] == ["POST", "POST", "GET"]
    assert requests[1][1] - requests[0][1] >= 1


def test_a_used_up_quota_is_told(started_plugin: Any) -> None:
    def answer(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("429 Too Many Requests", [("Content-Type", "application/json")])
        return [b'{"id": "too_many_requests", "message": "API rate limit exceeded."}']

    with served(answer) as url:
        _, plugin = started_plugin(DIGITALOCEAN_API_URL=url, DIGITALOCEAN_HTTP_RETRY_MAX="0")
        plugin.configure()
        failed = plugin.failure(lambda: plugin.create(TAG, {"name": "pool"}))
    assert "POST /v2/tags: 429" in failed.text
    assert failed.text.endswith("API rate limit exceeded. Wait, then run it again.")


def test_many_requests_at_the_same_time_are_answered_in_silence(
    capfd: pytest.CaptureFixture[str], started_plugin: Any, cloud: Any
) -> None:
    del cloud
    _, plugin = started_plugin()
    plugin.configure()
    names = [f"t{number}" for number in range(60)]
    with ThreadPoolExecutor(60) as pool:
        sent = [pool.submit(plugin.create, TAG, {"name": name}) for name in names]
        states = [future.result() for future in sent]
    assert [state["id"] for state in states] == names
    # The engine would show it.
    assert capfd.readouterr().err == ""


def test_the_scopes_noted_are_those_the_cloud_wanted(
    plugin: Any, cloud: Any, proxy: Props, actions_file: Path
) -> None:
    vpc = plugin.made(VPC, {"name": "pool", "region": "fra1"})[0]
    address = plugin.made("digitalocean:index/reservedIpv6:ReservedIpv6", {"regionSlug": "fra1"})[0]
    given = {"sshKeys": ["512189"], "vpcUuid": vpc["id"], "tags": ["pool"]}
    state = plugin.made(DROPLET, proxy | given)[0]
    assignment = "digitalocean:index/reservedIpv6Assignment:ReservedIpv6Assignment"
    held = plugin.made(assignment, {"ip": address["ip"], "dropletId": int(state["id"])})[0]
    plugin.delete(assignment, held)
    plugin.delete(DROPLET, state)
    plugin.invoke(GET_REGION, {"slug": "fra1"})
    assert set(noted(actions_file)) == cloud.scopes()
    # With these and no others it works, too.
    cloud.settings(token_scopes=sorted(cloud.scopes()))
    plugin.made(DROPLET, proxy | given)


def test_every_operation_needs_the_scopes_of_its_route() -> None:
    def bare(name: str) -> str:
        return name.replace("_", "").replace(".", "").lower()

    documented = {bare(route.operation): route.scopes for route in ROUTES}
    assert {name: documented[bare(name)] for name in SCOPES} == dict(SCOPES)
