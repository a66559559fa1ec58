"""Health checks, from check to destruction, against the cloud."""

from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

HEALTH_CHECK = "aws:route53/healthCheck:HealthCheck"
RECORD = "aws:route53/record:Record"


def tcp(**other: Any) -> Props:
    return {
        "type": "TCP",
        "ipAddress": "2001:db8:0:5::1",
        "port": 443,
        "requestInterval": 30,
        **other,
    }


def of_web(**other: Any) -> Props:
    return {"type": "HTTPS", "fqdn": "api.example.com", "port": 443, "requestInterval": 10, **other}


def config_of(cloud: Any, state: Props) -> Props:
    answer = cloud.client("route53").get_health_check(HealthCheckId=state["id"])
    return answer["HealthCheck"]["HealthCheckConfig"]


def test_a_health_check_goes_from_creation_to_destruction(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(HEALTH_CHECK, tcp(tags={"Name": "fra1"}))
    assert inputs == tcp(tags={"Name": "fra1"}, disabled=False)
    assert state == inputs | {
        "id": state["id"],
        "arn": f"arn:aws:route53:::healthcheck/{state['id']}",
        "enableSni": False,
        "failureThreshold": 3,
        "invertHealthcheck": False,
        "tagsAll": {"Name": "fra1"},
    }

    changed = inputs | {"port": 8443, "failureThreshold": 1, "tags": {"team": "api"}}
    assert plugin.diff(HEALTH_CHECK, state, changed) == {
        "failureThreshold": "UPDATE",
        "port": "UPDATE",
        "tags.Name": "DELETE",
        "tags.team": "ADD",
    }
    state = plugin.update(HEALTH_CHECK, state, changed)
    assert config_of(cloud, state) | {"Port": 8443, "FailureThreshold": 1} == config_of(
        cloud, state
    )
    assert (state["tags"], state["port"]) == ({"team": "api"}, 8443)
    assert plugin.diff(HEALTH_CHECK, state, changed) == {}

    plugin.delete(HEALTH_CHECK, state)
    assert cloud.client("route53").list_health_checks()["HealthChecks"] == []
    plugin.delete(HEALTH_CHECK, state)  # again, because it is gone already


def test_a_refresh_after_creation_changes_nothing(plugin: Any) -> None:
    for desired in (
        tcp(ipAddress="2001:0db8::0:1"),
        of_web(resourcePath="/healthz", enableSni=True, tags={"a": "b"}),
        of_web(type="HTTPS_STR_MATCH", searchString="drain", invertHealthcheck=True),
    ):
        state, inputs = plugin.made(HEALTH_CHECK, desired)
        assert plugin.refresh(HEALTH_CHECK, state, inputs) == (state, inputs)
        assert plugin.diff(HEALTH_CHECK, state, inputs) == {}


def test_what_the_program_no_longer_gives_is_reset(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(HEALTH_CHECK, of_web(resourcePath="/healthz"))
    fewer = {key: value for key, value in inputs.items() if key != "resourcePath"}
    assert set(plugin.diff(HEALTH_CHECK, state, fewer).values()) == {"DELETE"}
    state = plugin.update(HEALTH_CHECK, state, fewer)
    assert "ResourcePath" not in config_of(cloud, state)
    assert plugin.diff(HEALTH_CHECK, state, fewer) == {}


def test_a_change_by_hand_shows_as_just_that(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(HEALTH_CHECK, tcp())
    cloud.client("route53").update_health_check(HealthCheckId=state["id"], Disabled=True)
    drifted, drifted_inputs = plugin.refresh(HEALTH_CHECK, state, inputs)
    assert (drifted, drifted_inputs) == (state | {"disabled": True}, inputs | {"disabled": True})
    assert plugin.diff(HEALTH_CHECK, drifted, inputs) == {"disabled": "UPDATE"}


def test_a_health_check_deleted_by_hand_is_read_as_gone(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(HEALTH_CHECK, tcp())
    cloud.client("route53").delete_health_check(HealthCheckId=state["id"])
    assert plugin.refresh(HEALTH_CHECK, state, inputs) == ({}, {})


def test_an_imported_health_check_gives_the_inputs_that_would_make_it(plugin: Any) -> None:
    desired = of_web(resourcePath="/healthz", failureThreshold=2, enableSni=True, tags={"a": "b"})
    state, inputs = plugin.made(HEALTH_CHECK, desired)
    imported, imported_inputs = plugin.read(HEALTH_CHECK, state["id"], {}, {})
    assert (imported, imported_inputs) == (state, desired)
    assert plugin.diff(HEALTH_CHECK, imported, inputs) == {}


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"type": "HTTP"}, "type"),
        ({"requestInterval": 10}, "requestInterval"),
        ({"requestInterval": None}, "requestInterval"),
    ],
)
def test_some_changes_need_a_new_one(plugin: Any, changed: Props, path: str) -> None:
    state, inputs = plugin.made(HEALTH_CHECK, tcp())
    differences = plugin.diff(HEALTH_CHECK, state, inputs | changed)
    assert list(differences) == [path]
    assert differences[path].endswith("_REPLACE")


def test_a_preview_leaves_unknown_what_route53_decides(plugin: Any) -> None:
    checked = plugin.checked(HEALTH_CHECK, tcp(ipAddress=UNKNOWN))
    assert plugin.preview(HEALTH_CHECK, checked) == checked | {
        "id": UNKNOWN,
        "arn": UNKNOWN,
        "enableSni": UNKNOWN,
        "failureThreshold": UNKNOWN,
        "tagsAll": {},
    }


@pytest.mark.parametrize(
    ("desired", "failures"),
    [
        pytest.param(
            tcp(ipAddress="api.example.com"),
            [
                (
                    "ipAddress",
                    (
                        "ipAddress is 'api.example.com'; an IPv4 or IPv6 address is allowed. "
                        "Name a host with fqdn."
                    ),
                )
            ],
            id="a name for an address",
        ),
        pytest.param(
            {"type": "TCP", "port": 443},
            [
                (
                    "ipAddress",
                    "neither ipAddress nor fqdn is given; an endpoint needs one. Set one.",
                )
            ],
            id="no endpoint",
        ),
        pytest.param(
            tcp(requestInterval=20),
            [("requestInterval", "requestInterval is 20; one of 10, 30 is allowed.")],
            id="interval",
        ),
        pytest.param(
            tcp(failureThreshold=11, port=65536),
            [
                (
                    "failureThreshold",
                    "failureThreshold is 11; a whole number from 1 to 10 is allowed.",
                ),
                ("port", "port is 65536; a whole number from 0 to 65535 is allowed."),
            ],
            id="two at once",
        ),
        pytest.param(
            tcp(regions=["us-east-1"]),
            [
                (
                    "regions",
                    (
                        "regions is given; the stand-in for the plugin does without it. "
                        "Leave it out, or install the official plugin."
                    ),
                )
            ],
            id="what the stand-in does without",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_check(
    plugin: Any, desired: Props, failures: list[tuple[str, str]]
) -> None:
    assert plugin.check(HEALTH_CHECK, desired)[1] == failures


def test_what_only_route53_refuses_is_told_in_its_words(plugin: Any) -> None:
    checked = plugin.checked(HEALTH_CHECK, tcp(ipAddress="10.0.0.1"))
    failed = plugin.failure(lambda: plugin.create(HEALTH_CHECK, checked))
    assert failed.text == (
        f"creating {HEALTH_CHECK} it: CreateHealthCheck: InvalidInput: Invalid parameter : "
        "IPAddress 10.0.0.1 is in a local, private, non-routable or multicast range; Route 53 "
        "can't check it."
    )


def test_a_record_refers_to_it(plugin: Any, cloud: Any) -> None:
    state, _ = plugin.made(HEALTH_CHECK, tcp())
    record = {
        "zoneId": cloud.zone_id,
        "name": "pool.example.com",
        "type": "AAAA",
        "ttl": 60,
        "records": ["2001:db8:0:5::1"],
        "setIdentifier": "fra1",
        "weightedRoutingPolicies": [{"weight": 1}],
        "healthCheckId": state["id"],
    }
    made, inputs = plugin.made(RECORD, record)
    assert plugin.refresh(RECORD, made, inputs) == (made, inputs)
    assert cloud.records("pool.example.com")[0]["HealthCheckId"] == state["id"]
    without = inputs | {"healthCheckId": None}
    assert plugin.diff(RECORD, made, without) == {"healthCheckId": "DELETE"}


def test_the_soa_is_taken_over_and_changed(plugin: Any, cloud: Any) -> None:
    """The zone's negative answers are shortened by a record that exists before the program."""
    (there,) = [record for record in cloud.records("example.com") if record["Type"] == "SOA"]
    value = there["ResourceRecords"][0]["Value"].rpartition(" ")[0] + " 60"
    desired = {
        "zoneId": cloud.zone_id,
        "name": "example.com",
        "type": "SOA",
        "ttl": 60,
        "records": [value],
        "allowOverwrite": True,
    }
    state, inputs = plugin.made(RECORD, desired)
    assert plugin.refresh(RECORD, state, inputs) == (state, inputs)
    (now,) = [record for record in cloud.records("example.com") if record["Type"] == "SOA"]
    assert (now["TTL"], now["ResourceRecords"][0]["Value"]) == (60, value)
    failed = plugin.failure(lambda: plugin.delete(RECORD, state))
    assert "A HostedZone must contain exactly one SOA record." in failed.text
