"""`killSwitch` takes the address of an object, and is refused where direct could not serve."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings import SettingsError, parse
from support.stack_file import raw_of

URL = "https://edge-switch.s3.eu-west-1.amazonaws.com/drain"
KEY = "dualstack-edge:killSwitch"
SET = f"Set it with: pulumi config set --path {KEY}.url https://example-edge-switch.s3.eu-west-1."
BEHIND = {"traffic": {"direct": 0, "cdn": 100}}
REMOVE = "pulumi config rm dualstack-edge:killSwitch"


def values(**keys: Any) -> dict[str, Any]:
    least = {
        "hostnames": ["api.example.com"],
        "zone": "example.com",
        "origin": {"loadBalancer": "api", "kind": "application"},
        "killSwitch": {"url": URL},
    }
    return {f"dualstack-edge:{key}": value for key, value in {**least, **keys}.items()}


def faults(**keys: Any) -> list[str]:
    try:
        parse(raw_of(values(**keys)), stack="prod")
    except SettingsError as error:
        return [str(fault) for fault in error.faults]
    return []


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (URL, ("edge-switch.s3.eu-west-1.amazonaws.com", 443, "/drain", True)),
        ("http://Status.Example.NET:8080/a/b", ("status.example.net", 8080, "/a/b", False)),
        ("http://status.example.net/x%20y", ("status.example.net", 80, "/x%20y", False)),
    ],
)
def test_an_address_says_whom_health_checkers_ask_for_what(
    url: str, parts: tuple[str, int, str, bool]
) -> None:
    switch = parse(raw_of(values(killSwitch={"url": url})), stack="prod").kill_switch
    assert switch
    assert (switch.host, switch.port, switch.path, switch.is_secure) == parts


@pytest.mark.parametrize("weights", [(100, 0), (50, 50), (0, 100)])
def test_it_goes_with_all_weights(weights: tuple[int, int]) -> None:
    assert faults(traffic={"direct": weights[0], "cdn": weights[1]}) == []


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        *(
            pytest.param(
                url, "an http or https address with a path, of an object at S3 or a server of yours"
            )
            for url in (
                "s3://edge-switch/drain",
                "https://edge-switch.s3.eu-west-1.amazonaws.com",
                "https://edge-switch.s3.eu-west-1.amazonaws.com/",
                "https://someone@status.example.net/drain",
                "https://status.example.net:99999/drain",
                "https://status/drain",
                f"https://status.example.net/{'x' * 255}",
            )
        ),
        ("https://192.0.2.1/drain", "a DNS name, not an address: what it leads to may change"),
        ("https://status.example.net/drain?now=1", "an address without ? and #: it names one"),
        (
            "https://edge-switch.s3.amazonaws.com/drain",
            "an address that names its region, BUCKET.s3.REGION.amazonaws.com: S3's global one",
        ),
        (
            "https://edge-switch.s3.us-east-1.amazonaws.com/drain",
            "in another region than us-east-1: Route 53's control plane is there",
        ),
    ],
)
def test_another_address_is_refused(url: str, allowed: str) -> None:
    (fault,) = faults(killSwitch={"url": url})
    assert fault.startswith(f'{KEY}.url is "{url[:60]}')
    assert f"; {allowed}" in fault
    assert SET in fault


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        pytest.param(
            {"proxy": {"regions": ["fra1"], "whenAllFail": "cdn"}},
            'dualstack-edge:proxy.whenAllFail is "cdn"; ipv4 where dualstack-edge:killSwitch is '
            "set: while it drains cdn and all proxies fail, every AAAA record is unhealthy, which "
            "Route 53 takes for all healthy, and answers with both. Set it with: pulumi config set "
            "--path dualstack-edge:proxy.whenAllFail ipv4",
            id="proxies that fail over to what is drained",
        ),
        pytest.param(
            {"originLock": {"generation": 1}, **BEHIND},
            f"{KEY} is set, and originLock is set too; not set while the load balancer is "
            "locked: whom it leads back to direct would be refused there. Remove originLock for as "
            f"long as you need it, or it with: {REMOVE}",
            id="a lock",
        ),
        pytest.param(
            {"dns": {"records": "none"}},
            f'{KEY} is set, and dns.records is "none"; not set until records are '
            "weighted: there is no other record to answer with. Set it after dualstack adopt, and "
            f"remove it with: {REMOVE}",
            id="no records",
        ),
        pytest.param(
            {"dns": {"records": "simple"}},
            f'{KEY} is set, and dns.records is "simple"; not set until records are '
            "weighted: there is no other record to answer with. Remove it with: " + REMOVE,
            id="simple records",
        ),
        pytest.param(
            {"killSwitch": {"url": "https://api.example.com/drain"}},
            f'{KEY}.url is "https://api.example.com/drain"; of none of the hostnames, and '
            "dualstack-edge:hostnames[0] is one: what the switch acts on must not decide about it. "
            "Name a place that does not depend on the edge, with: pulumi config set --path "
            f"{KEY}.url https://example-edge-switch.s3.eu-west-1.amazonaws.com/drain",
            id="its own hostname",
        ),
    ],
)
def test_it_is_refused_where_direct_could_not_serve_whom_it_leads_back(
    keys: dict[str, Any], fault: str
) -> None:
    assert faults(**keys) == [fault]


@given(
    pool=st.sampled_from([None, "ipv4", "cdn"]),
    locked=st.booleans(),
    records=st.sampled_from(["weighted", "none", "simple"]),
    own=st.booleans(),
)
def test_every_reason_against_it_is_told_and_no_other(
    *, pool: str | None, locked: bool, records: str, own: bool
) -> None:
    keys: dict[str, Any] = {**BEHIND, "dns": {"records": records}}
    if pool:
        keys["proxy"] = {"regions": ["fra1"], "whenAllFail": pool}
    if locked:
        keys["originLock"] = {"generation": 1}
    if own:
        keys["killSwitch"] = {"url": "https://api.example.com/drain"}
    told = [
        fault for fault in faults(**keys) if fault.startswith(KEY) or "killSwitch is set" in fault
    ]
    assert len(told) == (pool == "cdn") + locked + (records != "weighted") + own
