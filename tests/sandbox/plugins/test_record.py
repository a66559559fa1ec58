"""Records and zones, from check to destruction, against the cloud."""

from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

RECORD = "aws:route53/record:Record"


@pytest.fixture
def weighted(cloud: Any) -> Props:
    """Return the inputs of one weighted alias to the load balancer."""
    return {
        "zoneId": cloud.zone_id,
        "name": "api.example.com",
        "type": "A",
        "setIdentifier": "direct",
        "weightedRoutingPolicies": [{"weight": 100}],
        "aliases": [cloud.load_balancer()],
    }


@pytest.fixture
def addresses(cloud: Any) -> Props:
    """Return the inputs of a plain record of two addresses."""
    return {
        "zoneId": cloud.zone_id,
        "name": "v4.example.com",
        "type": "A",
        "ttl": 60,
        "records": ["192.0.2.2", "192.0.2.1"],
    }


def test_a_record_goes_from_creation_to_destruction(
    plugin: Any, cloud: Any, weighted: Props
) -> None:
    state, inputs = plugin.made(RECORD, weighted)
    zone_id = cloud.zone_id
    assert state == weighted | {
        "id": f"{zone_id}_api.example.com_A_direct",
        "fqdn": "api.example.com",
    }
    assert cloud.records("api.example.com")[0]["Weight"] == 100

    lighter = inputs | {"weightedRoutingPolicies": [{"weight": 0}]}
    assert plugin.diff(RECORD, state, lighter) == {"weightedRoutingPolicies[0].weight": "UPDATE"}
    assert plugin.update(RECORD, state, lighter, preview=True) == state | lighter
    state = plugin.update(RECORD, state, lighter)
    assert cloud.records("api.example.com")[0]["Weight"] == 0
    assert plugin.diff(RECORD, state, lighter) == {}

    plugin.delete(RECORD, state)
    assert cloud.records("api.example.com") == []
    plugin.delete(RECORD, state)  # again, because it is gone already


def test_a_refresh_after_creation_changes_nothing(
    plugin: Any, weighted: Props, addresses: Props
) -> None:
    text = addresses | {"name": "Text.example.com.", "type": "TXT", "records": ["v=1 a", 'b" "c']}
    for record in (weighted, addresses, text):
        state, inputs = plugin.made(RECORD, record)
        assert plugin.refresh(RECORD, state, inputs) == (state, inputs)
        assert plugin.diff(RECORD, state, inputs) == {}


def test_a_dot_at_the_end_of_a_name_stays_in_the_id(plugin: Any, cloud: Any) -> None:
    name = "_a1B2.api.example.com."
    record = {
        "zoneId": cloud.zone_id,
        "name": name,
        "type": "CNAME",
        "ttl": 60,
        "records": ["_c3.acm-validations.aws."],
    }
    state, inputs = plugin.made(RECORD, record)
    assert state["id"] == f"{cloud.zone_id}_{name.lower()}_CNAME"
    assert plugin.refresh(RECORD, state, inputs) == (state, inputs)
    text = plugin.update(RECORD, state, inputs | {"type": "TXT", "records": ["x"]})
    refreshed, _ = plugin.refresh(RECORD, text, inputs | {"type": "TXT", "records": ["x"]})
    assert refreshed["id"].endswith("_TXT")
    plugin.delete(RECORD, refreshed)
    assert cloud.records("_a1b2.api.example.com") == []


def test_a_weight_changed_by_hand_shows_as_just_that(
    plugin: Any, cloud: Any, weighted: Props
) -> None:
    state, inputs = plugin.made(RECORD, weighted)
    record = cloud.records("api.example.com")[0]
    cloud.change(("UPSERT", record | {"Weight": 7}))
    drifted = {"weightedRoutingPolicies": [{"weight": 7}]}
    assert plugin.refresh(RECORD, state, inputs) == (state | drifted, inputs | drifted)
    assert plugin.diff(RECORD, state | drifted, inputs) == {
        "weightedRoutingPolicies[0].weight": "UPDATE"
    }


def test_a_record_deleted_by_hand_is_read_as_gone(plugin: Any, cloud: Any, weighted: Props) -> None:
    state, inputs = plugin.made(RECORD, weighted)
    cloud.change(("DELETE", cloud.records("api.example.com")[0]))
    assert plugin.refresh(RECORD, state, inputs) == ({}, {})


def test_a_record_of_a_zone_that_is_gone_is_gone(plugin: Any, weighted: Props) -> None:
    state, inputs = plugin.made(RECORD, weighted)
    gone = {"zoneId": "ZGONE"}
    assert plugin.refresh(RECORD, state | gone, inputs | gone) == ({}, {})


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"setIdentifier": "cdn"}, id="set identifier"),
        pytest.param({"type": "AAAA"}, id="type"),
        pytest.param(
            {"setIdentifier": None, "weightedRoutingPolicies": None}, id="weighted to simple"
        ),
    ],
)
def test_a_record_changes_its_identity_in_one_change_batch(
    plugin: Any, cloud: Any, weighted: Props, changed: Props
) -> None:
    state, inputs = plugin.made(RECORD, weighted)
    desired = {name: value for name, value in (inputs | changed).items() if value is not None}
    state = plugin.update(RECORD, state, desired)
    # A simple record beside a weighted one is refused: two batches could not have done it.
    [record] = cloud.records("api.example.com")
    assert record["Type"] == desired["type"]
    assert record.get("SetIdentifier") == desired.get("setIdentifier")
    parts = [cloud.zone_id, "api.example.com", desired["type"], desired.get("setIdentifier")]
    assert state["id"] == "_".join(part for part in parts if part)


def test_an_existing_record_is_overwritten_only_where_that_is_allowed(
    plugin: Any, cloud: Any, addresses: Props
) -> None:
    plugin.made(RECORD, addresses)
    other = addresses | {"records": ["192.0.2.9"]}
    failed = plugin.failure(lambda: plugin.made(RECORD, other))
    assert failed.partial is None
    assert failed.text.startswith(
        f"creating {RECORD} it: ChangeResourceRecordSets: InvalidChangeBatch: "
    )
    assert "v4.example.com" in failed.text
    state, inputs = plugin.made(RECORD, other | {"allowOverwrite": True})
    assert cloud.records("v4.example.com")[0]["ResourceRecords"] == [{"Value": "192.0.2.9"}]
    assert plugin.refresh(RECORD, state, inputs) == (state, inputs)


def test_a_record_in_a_zone_that_does_not_exist_is_refused(plugin: Any, addresses: Props) -> None:
    failed = plugin.failure(lambda: plugin.made(RECORD, addresses | {"zoneId": "ZNONE"}))
    assert failed.text == (
        f"creating {RECORD} it: reading Route 53 Hosted Zone (ZNONE): there is none. "
        "Check `zoneId`."
    )


def test_a_record_that_is_not_in_sync_in_time_is_kept_and_waited_for_again(
    plugin: Any, cloud: Any, addresses: Props
) -> None:
    cloud.settings(change_seconds=60)
    failed = plugin.failure(lambda: plugin.create(RECORD, addresses, timeout=0.2))
    assert failed.partial.id == f"{cloud.zone_id}_v4.example.com_A"
    assert failed.partial.reasons[0].startswith("waited 0.2 s for Route 53 change ")
    assert failed.partial.properties["fqdn"] == "v4.example.com"
    cloud.settings(change_seconds=0)
    kept = addresses | {"id": failed.partial.id}
    assert plugin.update(RECORD, kept, addresses)["fqdn"] == "v4.example.com"


def test_a_preview_knows_the_full_name_and_not_the_id(
    plugin: Any, cloud: Any, weighted: Props
) -> None:
    short = plugin.preview(RECORD, weighted | {"name": "API"})
    assert (short["name"], short["fqdn"], short["id"]) == ("api", "api.example.com", UNKNOWN)
    unknown = plugin.preview(RECORD, weighted | {"zoneId": UNKNOWN, "aliases": [UNKNOWN]})
    assert (unknown["fqdn"], unknown["aliases"]) == (UNKNOWN, [UNKNOWN])
    assert cloud.records("api.example.com") == []


@pytest.mark.parametrize("name", ["api.example.com", "_acme-challenge.example.com"])
def test_a_record_is_imported_by_its_id(plugin: Any, weighted: Props, name: str) -> None:
    record = weighted | {"name": name}
    state, inputs = plugin.made(RECORD, record)
    assert plugin.read(RECORD, state["id"], {}, {}) == (state, inputs)


def test_an_id_that_is_none_is_refused(plugin: Any) -> None:
    failed = plugin.failure(lambda: plugin.read(RECORD, "api.example.com", {}, {}))
    assert 'unexpected format of ID ("api.example.com"), expected ZONEID_RECORDNAME_TYPE' in (
        failed.text
    )
