"""A hostname that a wildcard serves is not hidden from it: it gets records of its own first."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import jmespath
import pulumi
import pytest

from components.last_deployment import LastDeployment
from components.lookups import OriginError, ZoneRecord, look_up
from components.lookups.records import zone_records
from components.lookups.wildcards import served_by_wildcards
from components.settings import Dns, Origin, Proxies, Settings

if TYPE_CHECKING:
    from support.recording import MockEngine

API: Final = "api.example.com"
ARN: Final = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-0000-0000-000000000000"
SETTINGS: Final = Settings(
    hostnames=(API,),
    zone="example.com",
    origin=Origin(load_balancer="api", kind="application"),
)
DEEP: Final = {"hostnames": ("a.eu.example.com",)}
BY_HAND: Final = {"certificate_arn": ARN, "dns": Dns(records="none")}


def record(name: str, type_: str = "A") -> ZoneRecord:
    return ZoneRecord(name, type_, "", 0, 60, "")


def told(names: Sequence[str | ZoneRecord], **changes: Any) -> list[str]:
    settings = SETTINGS.model_copy(update=changes)
    records = [each if isinstance(each, ZoneRecord) else record(each) for each in names]
    return [str(fault) for fault in served_by_wildcards("Z1", settings, records)]


@pytest.mark.parametrize(
    ("names", "changes", "wildcard"),
    [
        pytest.param([r"\052.example.com"], {}, "*.example.com", id="as Route 53 writes it"),
        pytest.param(["*.example.com"], {}, "*.example.com", id="as the provider writes it"),
        pytest.param([record("*.example.com", "CNAME")], {}, "*.example.com", id="a CNAME"),
        pytest.param([record("*.example.com", "MX")], {}, "", id="one that leads nobody"),
        pytest.param(["*.example.com", API], {}, "", id="records of its own"),
        pytest.param(["*.example.com", record(API, "TXT")], {}, "", id="hidden by its own TXT"),
        pytest.param(["*.example.com", f"_x.{API}"], {}, "", id="hidden by a name below"),
        pytest.param(["*.example.com", "www.example.com"], {}, "*.example.com", id="a sibling"),
        pytest.param(["*.other.example.com"], {}, "", id="a wildcard elsewhere"),
        pytest.param(["*.example.com"], DEEP, "*.example.com", id="two labels below"),
        pytest.param(["*.eu.example.com", "*.example.com"], DEEP, "*.eu.example.com", id="nearer"),
        pytest.param(["*.example.com", "b.eu.example.com"], DEEP, "", id="hidden by a cousin"),
        pytest.param(["*.example.com"], {"hostnames": ("example.com",)}, "", id="the zone's name"),
        pytest.param(["*.example.com"], BY_HAND, "", id="nothing is made at the name or below"),
    ],
)
def test_a_wildcard_that_serves_a_name_is_found_as_dns_finds_it(
    names: Sequence[str | ZoneRecord], changes: Any, wildcard: str
) -> None:
    faults = told(names, **changes)
    assert [f", which {wildcard} serves;" in fault for fault in faults] == [True] * bool(wildcard)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dns": Dns(records="none")}, f"makes a validation record below {API}, which hides"),
        (BY_HAND | {"proxy": Proxies(regions=("fra1",))}, f"makes _proxy.{API}, which hides"),
        ({"certificate_arn": ARN}, "makes its records one after the other, which hides"),
    ],
)
def test_it_is_told_what_hides_the_wildcard(changes: Any, words: str) -> None:
    (fault,) = told(["*.example.com"], **changes)
    assert words in fault


def test_only_the_first_name_has_the_proxies_below_it() -> None:
    proxies = {"proxy": Proxies(regions=("fra1",)), "hostnames": ("b.example.com", API)}
    assert len(told(["*.example.com"], **BY_HAND, **proxies)) == 1


def test_the_command_that_is_told_copies_all_that_the_wildcard_has() -> None:
    (fault,) = told(["*.example.com"])
    (query,) = re.findall(r'--query "([^"]+)"', fault)
    own = {
        "Name": r"\052.example.com.",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}],
    }
    mail = {**own, "Type": "MX", "ResourceRecords": [{"Value": "10 mail.example.com."}]}
    zone = {"ResourceRecordSets": [own, {**own, "Name": "www.example.com."}, mail]}
    assert jmespath.search(query, zone) == {
        "Changes": [
            {"Action": "CREATE", "ResourceRecordSet": {**each, "Name": f"{API}."}}
            for each in (own, mail)
        ]
    }


def test_an_edge_is_refused_before_anything_is_made(engine: "MockEngine") -> None:
    names = {
        r"\052.example.com.": True,
        "*.example.com.": True,
        f"{API}.": True,
        f"_x.{API}.": True,
        "_proxy.www.example.com.": True,
        "www.example.com.": False,
        r"\052.www.example.com.": False,
        f"x{API}.": False,
    }
    engine.account.records = [
        {"name": name, "type": "A", "setIdentifier": "", "weight": 0, "ttl": 60} for name in names
    ]

    def listed() -> list[str]:
        options = pulumi.InvokeOptions()
        of_edge, around = zone_records("Z1", "example.com", [API], options)
        assert [each.name for each in of_edge] == [API, "_proxy.www.example.com"]
        return [f"{each.name}." for each in (*of_edge, *around)]

    assert set(engine.run(listed)) == {name for name, wanted in names.items() if wanted}
    engine.account.records = engine.account.records[:1]
    with pytest.raises(OriginError, match=r"which \*\.example\.com serves"):
        engine.run(lambda: look_up(SETTINGS, None, LastDeployment()))
