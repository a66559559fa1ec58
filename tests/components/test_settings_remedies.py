"""Every fault of a setting can be mended by doing literally what its message says."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.faults import Fault
from components.settings import SettingsError, parse
from support.stack_file import (
    COMMANDS,
    RENAME,
    Path,
    Values,
    inner,
    is_list,
    is_object,
    path_of,
    raw_of,
    remedied,
)

EXTRA_KEYS = ("x", "secret", "regions", "loadBalancer", "direct")
FULL: Mapping[str, Any] = {
    "hostnames": ["api.example.com", "api2.example.com"],
    "zone": "example.com",
    "origin": {
        "loadBalancer": "api",
        "kind": "network",
        "protocol": "https-only",
        "httpPort": 8080,
        "httpsPort": 443,
        "connectAttempts": 3,
        "connectTimeoutSeconds": 10,
        "readTimeoutSeconds": 60,
        "keepaliveTimeoutSeconds": 5,
    },
    "traffic": {"direct": 0, "cdn": 100},
    "proxy": {
        "regions": ["fra1", "ams3"],
        "nodesPerRegion": 1,
        "reservedIpv6Quota": 3,
        "size": "s-1vcpu-1gb",
        "image": "debian-12-x64",
        "ports": [80, 443],
        "connections": 5000,
        "connectionsPerClient": 1000,
        "warnPercent": 80,
        "logRetentionDays": 7,
        "logMegabytes": 500,
        "idleTimeoutSeconds": 600,
        "proxyProtocol": True,
        "sshKeys": ["512189"],
        "sshSourceRanges": ["2001:db8::/48"],
        "healthCheckPath": "/healthz",
        "whenAllFail": "ipv4",
        "readySeconds": 600,
        "whenUntestable": "stop",
        "alertEmails": ["ops@example.com"],
    },
    "distribution": {
        "priceClass": "PriceClass_100",
        "httpVersion": "http2",
        "viewerProtocol": "https-only",
        "tlsPolicy": "TLSv1.2_2021",
        "originRequestPolicy": "AllViewer",
        "webAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/0a1b2c3d",
        "logs": {"bucket": "example-edge-logs", "prefix": "api/", "includeCookies": False},
        "hostnamesQuota": 50,
        "retainOnDelete": True,
    },
    "originLock": {
        "generation": 1,
        "securityGroup": "sg-0123456789abcdef0",
        "rulesPerSecurityGroup": 60,
    },
    "alarms": {
        "topicArn": "arn:aws:sns:us-east-1:123456789012:edge-alarms",
        "errorPercent": 5,
    },
    "dns": {"negativeTtlSeconds": 60},
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d",
    "protect": "true",
}


def stack(values: Mapping[str, Any]) -> Values:
    return {f"dualstack-edge:{key}": copy.deepcopy(value) for key, value in values.items()}


def faults(values: Values) -> tuple[Fault, ...]:
    try:
        parse(raw_of(values), stack="prod")
    except SettingsError as error:
        return error.faults
    return ()


def least(**keys: Any) -> Values:
    """Return a configuration with what is required, and some keys of one's own; None: without."""
    required = {key: FULL[key] for key in ("hostnames", "zone")}
    origin = {"loadBalancer": "api", "kind": "application"}
    values = {**required, "origin": origin, **keys}
    return stack({key: value for key, value in values.items() if value is not None})


def the_remedy(values: Values) -> str:
    (fault,) = faults(values)
    return fault.remedy


def test_the_configuration_that_mistakes_are_made_in_has_none() -> None:
    assert faults(stack(FULL)) == ()


# ---- what was meant -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "written"),
    [
        # weights
        ({"traffic": {"direct": "99", "cdn": 1}}, "direct: 99"),
        ({"traffic": {"direct": "99 %", "cdn": 1}}, "direct: 99"),
        ({"traffic": {"direct": 99.0, "cdn": 1}}, "direct: 99"),
        ({"traffic": "99/1"}, "dualstack-edge:traffic: {direct: 99, cdn: 1}"),
        ({"traffic": [99, 1]}, "dualstack-edge:traffic: {direct: 99, cdn: 1}"),
        # a text where a list belongs
        ({"hostnames": "api.example.com"}, "dualstack-edge:hostnames: [api.example.com]"),
        (
            {"hostnames": "https://api.example.com/v1, API2.example.com."},
            "dualstack-edge:hostnames: [api.example.com, api2.example.com]",
        ),
        ({"proxy": {"regions": "FRA1 ams3"}}, "regions: [fra1, ams3]"),
        ({"proxy": {"regions": '["fra1"]'}}, "regions: [fra1]"),
        ({"proxy": {"regions": ["fra1"], "ports": 443}}, "ports: [443]"),
        ({"proxy": {"regions": ["fra1"], "ports": "80,443"}}, "ports: [80, 443]"),
        (
            {"proxy": {"regions": ["fra1"], "alertEmails": "Ops <ops@example.com>"}},
            "alertEmails: [ops@example.com]",
        ),
        # one value where an object belongs
        ({"proxy": ["fra1"]}, "dualstack-edge:proxy: {regions: [fra1]}"),
        ({"proxy": "fra1"}, "dualstack-edge:proxy: {regions: [fra1]}"),
        ({"origin": "api"}, "dualstack-edge:origin: {loadBalancer: api, kind: application}"),
        (
            {"origin": "api-1.eu-central-1.elb.amazonaws.com"},
            (
                "dualstack-edge:origin: {domainName: api-1.eu-central-1.elb.amazonaws.com, "
                "hostedZoneId: Z215JYRZR1TBD5}"
            ),
        ),
        ({"distribution": {"logs": "edge-logs"}}, "logs: {bucket: edge-logs}"),
        # numbers, true and false, in words
        ({"origin": {**FULL["origin"], "readTimeoutSeconds": "1m"}}, "readTimeoutSeconds: 60"),
        ({"origin": {**FULL["origin"], "readTimeoutSeconds": "60 s"}}, "readTimeoutSeconds: 60"),
        ({"proxy": {"regions": ["fra1"], "connections": "5,000"}}, "connections: 5000"),
        ({"protect": "No"}, "dualstack-edge:protect: false"),
        ({"protect": "flase"}, "dualstack-edge:protect: false"),
        ({"distribution": {"retainOnDelete": "yes"}}, "retainOnDelete: true"),
        ({"distribution": {"retainOnDelete": 0}}, "retainOnDelete: false"),
        # numbers where a text belongs
        ({"proxy": {"regions": ["fra1"], "sshKeys": [512189]}}, '"512189"'),
        # a list where one value belongs
        ({"origin": {"loadBalancer": ["api"], "kind": "classic"}}, "loadBalancer: api"),
    ],
)
def test_what_has_another_shape_is_written_as_it_was_meant(
    keys: dict[str, Any], written: str
) -> None:
    assert the_remedy(least(**keys)).startswith(f"Write `{written}`, or set it with: pulumi ")


KEY = "dualstack-edge:"


def test_a_text_is_removed_before_a_number_is_set_because_pulumi_keeps_its_quotes() -> None:
    name = f"{KEY}traffic.direct"
    assert the_remedy(least(traffic={"direct": "99", "cdn": 1})) == (
        f"Write `direct: 99`, or set it with: pulumi config rm --path {name} && "
        f"pulumi config set --path {name} 99"
    )
    name = f"{KEY}proxy.ports"
    assert the_remedy(least(proxy={"regions": ["fra1"], "ports": ["443", 80]})) == (
        f"Write `443`, or set it with: pulumi config rm --path {name} && "
        f"pulumi config set --path '{name}[0]' 443 && pulumi config set --path '{name}[1]' 80"
    )


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        ({"traffic": {"cdn": 5}}, f"set --path {KEY}traffic.direct 95"),
        ({"traffic": {"direct": 300, "cdn": 1}}, f"set --path {KEY}traffic.direct 99"),
        ({"traffic": {"direct": 99, "cdn": None}}, f"set --path {KEY}traffic.cdn 1"),
        ({"traffic": {"direct": -5, "cdn": 1}}, f"set --path {KEY}traffic.direct 99"),
        (
            {"traffic": {"direct": "99", "cdn": "2"}},
            (f"rm --path {KEY}traffic.direct && pulumi config rm --path {KEY}traffic.cdn && "
            f"pulumi config set --path {KEY}traffic.direct 98 && "
            f"pulumi config set --path {KEY}traffic.cdn 2"),
        ),
        (
            {"traffic": {"direct": 0.99, "cdn": 0.01}},
            f"set --path {KEY}traffic.direct 99 && pulumi config set --path {KEY}traffic.cdn 1",
        ),
        ({"hostnames": ["https://api.example.com:443/"]}, (f"set --path '{KEY}hostnames[0]' "
            "api.example.com")),
        ({"hostnames": ["api"]}, f"set --path '{KEY}hostnames[0]' api.example.com"),
        ({"hostnames": ["api_1.example.com"]}, f"set --path '{KEY}hostnames[0]' api-1.example.com"),
        ({"hostnames": ["bücher.example.com"]}, (f"set --path '{KEY}hostnames[0]' "
            "xn--bcher-kva.example.com")),
        ({"hostnames": ["api.exmaple.com"]}, f"set --path '{KEY}hostnames[0]' api.example.com"),
        ({"hostnames": ["192.0.2.1"]}, f"set --path '{KEY}hostnames[0]' api.example.com"),
        ({"hostnames": None, "zone": "example.org"}, (f"set --path '{KEY}hostnames[0]' "
            "api.example.org")),
        ({"hostnames": ["a.example.org", "b.example.org"]}, f"set {KEY}zone example.org"),
        ({"zone": "https://example.com/"}, f"set {KEY}zone example.com"),
        ({"zone": "Z0123456789ABC"}, f"set {KEY}zone example.com"),
        ({"zone": ["example.net"], "hostnames": ["api.example.net"]}, f"set {KEY}zone example.net"),
        (
            {"certificateArn": [FULL["certificateArn"]]},
            f"set {KEY}certificateArn {FULL['certificateArn']}",
        ),
        ({"zone": None, "hostnames": ["api.example.org"]}, f"set {KEY}zone example.org"),
        ({"origin": {"loadBalancer": "api", "kind": "ALB"}}, (f"set --path {KEY}origin.kind "
            "application")),
        ({"origin": {"loadBalancer": "api", "kind": "netwrok"}}, (f"set --path {KEY}origin.kind "
            "network")),
        (
            {"origin": {"domainName": "api-1.eu-west-1.elb.amazonaws.com"}},
            f"set --path {KEY}origin.hostedZoneId Z32O12XQLNTSW2",
        ),
        (
            {"origin": {"domainName": "api-1.elb.eu-west-1.amazonaws.com"}},
            f"set --path {KEY}origin.hostedZoneId Z2IFOLAFXWLO4F",
        ),
        (
            {
                "origin": {
                    "domainName": "api-1.eu-west-1.elb.amazonaws.com",
                    "hostedZoneId": "Z0123456789ABC",
                }
            },
            f"set --path {KEY}origin.hostedZoneId Z32O12XQLNTSW2",
        ),
        (
            {"origin": {"hostedZoneId": "Z2IFOLAFXWLO4F"}},
            f"set --path {KEY}origin.domainName api-0123456789abcdef.elb.eu-west-1.amazonaws.com",
        ),
        (
            {
                "origin": {
                    "loadBalancer": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:"
                    "loadbalancer/app/api-prod/50dc6c495c0c9188",
                    "kind": "application",
                }
            },
            f"set --path {KEY}origin.loadBalancer api-prod",
        ),
        (
            {
                "origin": {
                    "loadBalancer": "internal-api-prod-123.eu-central-1.elb.amazonaws.com",
                    "kind": "application",
                }
            },
            f"set --path {KEY}origin.loadBalancer api-prod",
        ),
        ({"origin": {**FULL["origin"], "readTimeoutSeconds": 121}}, (f"set --path {KEY}origin."
            "readTimeoutSeconds 120")),
        ({"proxy": {"regions": ["eu-central-1"]}}, f"set --path '{KEY}proxy.regions[0]' fra1"),
        ({"proxy": {"regions": ["fra2"]}}, f"set --path '{KEY}proxy.regions[0]' fra1"),
        ({"proxy": {"regions": ["Frankfurt"]}}, f"set --path '{KEY}proxy.regions[0]' fra1"),
        ({"proxy": {"regions": ["fra1", "fra1"]}}, f"rm --path '{KEY}proxy.regions[1]'"),
        ({"proxy": {"regions": ["fra1"], "ports": [443, 443]}}, f"rm --path '{KEY}proxy.ports[1]'"),
        ({"proxy": {"regions": ["fra1"], "image": "Debian 13"}}, (f"set --path {KEY}proxy.image "
            "debian-13-x64")),
        ({"proxy": {"regions": ["fra1"], "healthCheckPath": "healthz"}}, (f"set --path {KEY}proxy."
            "healthCheckPath /healthz")),
        ({"proxy": {"regions": ["fra1"], "sshSourceRanges": ["192.0.2.1/24"]}}, None),
        (
            {
                "proxy": {
                    "regions": ["fra1"],
                    "sshKeys": [
                        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHQvdp0YSzqjUzKDYlFwRWxS9bCUL2oYn"
                        "rkh5SvdTzQ0 me@here")
                    ],
                }
            },
            f"set --path '{KEY}proxy.sshKeys[0]' 12:28:ea:87:ed:ba:11:61:78:3a:33:25:b7:91:e3:82",
        ),
        ({"proxy": {"regions": ["fra1"], "nodesPerRegion": 3, "reservedIpv6Quota": 2}},
            f"set --path {KEY}proxy.reservedIpv6Quota 3"),
        ({"proxy": False}, f"rm {KEY}proxy"),
        ({"proxy": "none"}, f"rm {KEY}proxy"),
        ({"distribution": {"httpVersion": "HTTP/3"}}, (f"set --path {KEY}distribution.httpVersion "
            "http3")),
        ({"distribution": {"tlsPolicy": "TLS 1.2"}}, (f"set --path {KEY}distribution.tlsPolicy "
            "TLSv1.2_2021")),
        ({"distribution": {"priceClass": "100"}}, (f"set --path {KEY}distribution.priceClass "
            "PriceClass_100")),
        ({"distribution": {"logs": {"bucket": "s3://edge-logs/api/"}}}, (f"set --path {KEY}"
            "distribution.logs.bucket edge-logs")),
        ({"distribution": {"logs": {"bucket": "edge.s3.eu-west-1.amazonaws.com"}}}, (f"set --path "
            f"{KEY}distribution.logs.bucket edge")),
        ({"alarms": {"topicArn": "arn:aws:sns:eu-west-1:123456789012:edge"}}, (f"set --path {KEY}"
            "alarms.topicArn arn:aws:sns:us-east-1:123456789012:edge")),
        # a path that was set without --path
        ({"traffic.direct": "100"}, (f"rm {KEY}traffic.direct && pulumi config set --path {KEY}"
            "traffic.direct 100")),
    ],
)  # fmt: skip
def test_a_remedy_is_made_of_what_was_written(keys: dict[str, Any], command: str | None) -> None:
    values = least(**keys)
    if command is None:
        values[f"{KEY}proxy"]["sshKeys"] = ["1"]
        command = f"set --path '{KEY}proxy.sshSourceRanges[0]' 192.0.2.0/24"
    if "traffic.direct" in keys:
        values[f"{KEY}traffic"] = {"cdn": 0}
    assert the_remedy(values).endswith(f": pulumi config {command}")


@pytest.mark.parametrize(
    ("keys", "written"),
    [
        ({"hostnames": None, "hostname": ["api.example.com"]},
            f"`{KEY}hostnames:` instead of `{KEY}hostname:`"),
        ({"origin": None, "orgin": {"loadBalancer": "api", "kind": "classic"}},
            f"`{KEY}origin:` instead of `{KEY}orgin:`"),
        ({"traffic": {"direct": 99, "cnd": 1}}, "`cdn:` instead of `cnd:`"),
        ({"distribution": {"price_class": "PriceClass_100"}},
            "`priceClass:` instead of `price_class:`"),
        ({"proxy": {"region": ["fra1"]}}, "`regions:` instead of `region:`"),
        ({"proxy": {"regions": ["fra1"], "helthCheckPath": "/"}},
            "`healthCheckPath:` instead of `helthCheckPath:`"),
        ({"proxy": {"regions": ["fra1"], "alertEmail": ["a@example.com"]}},
            "`alertEmails:` instead of `alertEmail:`"),
        ({"alarms": {"topic": FULL["alarms"]["topicArn"]}}, "`topicArn:` instead of `topic:`"),
        ({"certificate": FULL["certificateArn"]},
            f"`{KEY}certificateArn:` instead of `{KEY}certificate:`"),
        ({"distribution": {"logs": {"bucketName": "edge-logs"}}},
            "`bucket:` instead of `bucketName:`"),
    ],
)  # fmt: skip
def test_a_misspelt_key_is_one_fault_and_renamed(keys: dict[str, Any], written: str) -> None:
    (fault,) = faults(least(**keys))
    assert fault.allowed == "no such setting exists"
    assert re.fullmatch(rf"Did you mean \w+\? Write {re.escape(written)}\.", fault.remedy)


def test_what_is_below_a_misspelt_key_is_checked_at_once() -> None:
    told = faults(least(hostnames=None, hostname="api.example.com"))
    assert [fault.what for fault in told] == [f"{KEY}hostname", f"{KEY}hostnames"]
    assert told[1].remedy.startswith("Write `dualstack-edge:hostnames: [api.example.com]`")


def test_a_misspelt_key_beside_the_right_one_is_removed() -> None:
    assert the_remedy(least(zone="example.com", Zone="example.org")) == (
        f"Did you mean zone? That is set as well. Remove it with: pulumi config rm {KEY}Zone"
    )


def test_a_setting_in_a_wrong_place_is_told_where_it_belongs() -> None:
    (fault,) = faults(least(distribution={"regions": ["fra1"]}))
    assert "It is a setting of proxy: set it there" in fault.remedy


def test_entries_are_removed_from_the_end_so_that_the_others_stay_where_they_are() -> None:
    values = least(hostnames=["a.example.com"] * 3 + ["b.example.com"])
    for fault in faults(values):
        values = remedied(values, fault.what, fault.remedy)
    assert values[f"{KEY}hostnames"] == ["a.example.com", "b.example.com"]


def test_nothing_of_a_secret_is_in_a_remedy() -> None:
    values = least(
        proxy={"regions": "hush1"}, zone="hush.example/", traffic={"direct": "77", "cdn": "21"}
    )
    with pytest.raises(SettingsError) as caught:
        parse(raw_of(values), stack="prod", secret=set(values))
    assert not re.search("hush|77|21", str(caught.value))


# ---- every fault, whatever it is ----------------------------------------------------------------


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    items = value.items() if is_object(value) else enumerate(value) if is_list(value) else ()
    for step, item in items:
        yield from places(item, (*path, step))


PLACES = list(places(stack(FULL)))
JUNK = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 7, 80, 443, 100, 256, 70_000, 0.5, 60.0, 1e9),
        *("", " ", "yes", "No", "true", "off", "none", "99", "1", "0", "-1", "60s", "1m", "5,000"),
        *("fra1", "FRA1", "nyc2", "eu-central-1", "mars", "api", "API_1", "alb", "http", "-x"),
        *("api.example.com", "api.example.com.", "*.example.com", "api.example.org", "a..b", "com"),
        *("https://api.example.com/x", "192.0.2.1", "2001:db8::1", "192.0.2.1/24", "example.com"),
        *("arn:aws:sns:eu-west-1:123456789012:t", "arn:aws:s3:::edge", "sg-1", "healthz", "a b c"),
        *("api-1.eu-west-1.elb.amazonaws.com", "Z215JYRZR1TBD5", "é", "x" * 400, "a@b", "1,2;3"),
        *([], {}, ["fra1", "fra1"], [[1]], {"x": 1}, [None], '["a"]', '{"direct": 1}', "99/2"),
    ]
) | st.text(max_size=8)


@st.composite
def mistakes(draw: st.DrawFn) -> Values:
    """Draw a configuration with some mistakes in it."""
    values = stack(FULL) if draw(st.booleans()) else least()
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(PLACES))
        *steps, key = path
        above: Any = values
        for step in steps:
            above = inner(above, step)
        if is_object(above):
            mistake(draw, above, str(key))
        elif is_list(above) and isinstance(key, int) and key < len(above):
            above[key] = changed(draw, above[key])
    # The text of an object is refused by Pulumi itself, by the types in Pulumi.yaml.
    texts = [key for key, value in values.items() if str(value).lstrip().startswith(("{", "["))]
    return {
        key: [value] if key in texts and isinstance(value, str) else value
        for key, value in values.items()
    }


def mistake(draw: st.DrawFn, above: dict[str, Any], key: str) -> None:
    """Change, rename, remove or add a setting."""
    namespace, _, name = key.rpartition(":")
    prefix = f"{namespace}:" if namespace else ""
    kind = draw(st.sampled_from(("change", "change", "rename", "remove", "add")))
    if kind == "change":
        above[key] = changed(draw, above.get(key))
    elif kind == "remove":
        above.pop(key, None)
    elif kind == "add":
        above[prefix + draw(st.sampled_from(EXTRA_KEYS))] = draw(JUNK)
    elif key in above:
        at = draw(st.integers(0, len(name) - 1))
        slip = draw(st.sampled_from((name[:at] + name[at + 1 :], name + "s", name[0] + name)))
        if slip:
            above[prefix + slip] = above.pop(key)


def changed(draw: st.DrawFn, value: Any) -> Any:
    """Draw another value, or the same in another shape."""
    other = draw(JUNK)
    shapes = (
        other,
        [value],
        str(value),
        json.dumps(value),
        {"x": value},
        [value, other],
        f"{value} ",
    )
    return copy.deepcopy(draw(st.sampled_from(shapes)))


@given(mistakes())
def test_doing_what_a_remedy_says_removes_its_fault_and_round_by_round_all_of_them(
    values: Values,
) -> None:
    for round_ in range(8):
        told = faults(values)
        if round_ == 0:
            renamed = values  # what is below a misspelt key is told by the key's right name
            for fault in told:
                is_rename = RENAME.search(fault.remedy)
                after = remedied(values if is_rename else renamed, fault.what, fault.remedy)
                renamed = remedied(renamed, fault.what, fault.remedy) if is_rename else renamed
                left = {(each.what, each.allowed, each.value) for each in faults(after)}
                assert (fault.what, fault.allowed, fault.value) not in left
                written_as_set(fault, after)
        for fault in told:
            values = remedied(values, fault.what, fault.remedy)
    assert faults(values) == ()


def written_as_set(fault: Fault, after: Values) -> None:
    """See that what is to be written is what the command sets."""
    match = re.match(r"(?:.* )?Write `(.+)`, or set it with: ", fault.remedy)
    if match is None:
        return
    written = yaml.safe_load(match[1].removeprefix("dualstack-edge:"))
    path = path_of(fault.what)
    at: Any = after
    for step in path:
        at = at[step]
    if isinstance(path[-1], str):
        (written,) = written.values()
    # Pulumi keeps what is set without --path as text.
    assert at == (str(written).lower() if fault.what == f"{KEY}protect" else written)


def test_commands_are_what_a_remedy_ends_with() -> None:
    assert COMMANDS.search(the_remedy(least(zone="com")))
