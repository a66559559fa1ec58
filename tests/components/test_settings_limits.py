"""Settings that are right one by one, and too much, or a loop, together."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from components.proxy.upgrades import REGIONS
from components.settings import KEYS, SettingsError, parse
from components.settings.fields import fields_below, is_text, item_of, words_of
from components.settings.values import memory_mebibytes

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-1111-2222-3333-444455556666"
GOOD: Mapping[str, Any] = {
    "hostnames": ["api.example.com"],
    "zone": "example.com",
    "origin": {"loadBalancer": "api", "kind": "application"},
}
SET = "pulumi config set --path dualstack-edge:"


def faults(**keys: Any) -> list[str]:
    """Return what is wrong with a configuration, as its user reads it."""
    raw = {
        f"dualstack-edge:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in {**GOOD, **keys}.items()
    }
    try:
        parse(raw, stack="prod")
    except SettingsError as error:
        return [str(fault) for fault in error.faults]
    return []


def pool(**options: Any) -> dict[str, Any]:
    return {"regions": ["fra1"], **options}


def names(count: int) -> list[str]:
    return [f"api{number}.example.com" for number in range(count)]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        pytest.param(
            {"proxy": pool(ports=[80], healthCheckPath="/healthz")},
            'dualstack-edge:proxy.healthCheckPath is "/healthz"; not set where proxy.ports has 80 '
            "alone: Route 53 asks over HTTPS, which nobody speaks there, so every proxy would be "
            "unhealthy. Add 443 to proxy.ports, or remove it with: pulumi config rm --path "
            "dualstack-edge:proxy.healthCheckPath",
            id="an HTTPS check on port 80",
        ),
        pytest.param(
            {"proxy": pool(size="s-1vcpu-512mb-10gb", connections=28_000)},
            "dualstack-edge:proxy.connections is 28000; at most 5461 on the size "
            "dualstack-edge:proxy.size is: each takes 48 KiB, and Debian 256 MiB. Take more "
            f"proxies or a larger size, or set it with: {SET}proxy.connections 5461",
            id="more connections than the droplet has memory for",
        ),
        pytest.param(
            {"proxy": pool(connections=500, connectionsPerClient=501)},
            "dualstack-edge:proxy.connectionsPerClient is 501; at most "
            "dualstack-edge:proxy.connections, which is 500. Set it with: "
            f"{SET}proxy.connectionsPerClient 500",
            id="more for one client than for all",
        ),
        pytest.param(
            {"hostnames": names(11)},
            "dualstack-edge:hostnames is a list of 11 names; at most 10, which the account may "
            "have on one certificate. Make another stack for the others; or have AWS raise the "
            f"quota 'Domain names per ACM certificate', then: {SET}distribution.hostnamesQuota 11",
            id="more hostnames than a certificate has",
        ),
        pytest.param(
            {"hostnames": names(500), "certificateArn": CERTIFICATE},
            "dualstack-edge:hostnames is a list of 500 names; at most 100, which the account may "
            "have on one distribution. Make another stack for the others; or have AWS raise the "
            "quota 'Alternate domain names (CNAMEs) per distribution', then: "
            f"{SET}distribution.hostnamesQuota 500",
            id="more hostnames than a distribution has",
        ),
        pytest.param(
            {"origin": {"domainName": "api.Example.com.", "hostedZoneId": "Z215JYRZR1TBD5"}},
            'dualstack-edge:origin.domainName is "api.example.com"; the load balancer\'s own name, '
            "which is none of the hostnames: those lead to the edge itself. Set it with: "
            f"{SET}origin.domainName api-1234567890.eu-central-1.elb.amazonaws.com",
            id="an origin that is the edge",
        ),
        pytest.param(
            {"proxy": pool(alertEmails=["ops@example.com\n"])},
            'dualstack-edge:proxy.alertEmails[0] is "ops@example.com\\n"; a verified e-mail '
            "address of the DigitalOcean account. Set it with: pulumi config set --path "
            "'dualstack-edge:proxy.alertEmails[0]' ops@example.com",
            id="a line break in an address",
        ),
        pytest.param(
            {"proxy": pool(regions=["nyc2"])},
            f'dualstack-edge:proxy.regions[0] is "nyc2"; one of {", ".join(REGIONS)}. Set it with: '
            "pulumi config set --path 'dualstack-edge:proxy.regions[0]' nyc3",
            id="a region without times to be upgraded",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_mends_it(
    keys: dict[str, Any], message: str
) -> None:
    assert faults(**keys) == [message]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"proxy": pool(ports=[80])}, id="port 80 without a path"),
        pytest.param({"proxy": pool(ports=[80, 8443], healthCheckPath="/")}, id="TLS elsewhere"),
        pytest.param({"proxy": pool(size="s-1vcpu-512mb-10gb")}, id="the smallest droplet"),
        pytest.param({"proxy": pool(size="x-9", connections=28_000)}, id="a size nobody knows"),
        pytest.param({"proxy": pool(connections=500)}, id="few connections"),
        pytest.param({"hostnames": names(10)}, id="as many hostnames as a certificate has"),
        pytest.param(
            {"hostnames": names(50), "distribution": {"hostnamesQuota": 50}}, id="a raised quota"
        ),
        pytest.param(
            {"hostnames": names(100), "certificateArn": CERTIFICATE}, id="own certificate"
        ),
        pytest.param(
            {
                "proxy": pool(regions=list(REGIONS), nodesPerRegion=3, reservedIpv6Quota=36),
            },
            id="the largest pool",
        ),
    ],
)
def test_what_goes_together_is_taken(keys: dict[str, Any]) -> None:
    assert faults(**keys) == []


def test_all_that_is_too_much_is_told_at_once() -> None:
    messages = faults(
        hostnames=[*names(10), "api.example.com"],
        origin={"domainName": "api.example.com", "hostedZoneId": "Z215JYRZR1TBD5"},
        proxy=pool(
            ports=[80], healthCheckPath="/", connections=28_000, connectionsPerClient=28_000
        ),
    )
    assert [fault.split(" is ")[0] for fault in messages] == [
        f"dualstack-edge:{key}"
        for key in (
            *("proxy.healthCheckPath", "proxy.connections"),
            *("hostnames", "origin.domainName"),
        )
    ]


def test_a_secret_count_is_not_shown() -> None:
    raw = {
        f"dualstack-edge:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in {**GOOD, "proxy": pool(connections=27_999)}.items()
    }
    with pytest.raises(SettingsError) as caught:
        parse(raw, stack="prod", secret=["dualstack-edge:proxy"])
    assert "27999" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "mebibytes"),
    [
        ("s-1vcpu-512mb-10gb", 512),
        ("s-1vcpu-1gb", 1024),
        ("s-1vcpu-1gb-amd", 1024),
        ("s-4vcpu-16gb-320gb-intel", 16 * 1024),
        ("g-2vcpu-8gb", 8 * 1024),
        ("c2-2vcpu-4gb", 4 * 1024),
        ("c-2", 4 * 1024),
        ("c-4-intel", 8 * 1024),
        ("m-64", None),
        ("gpu", None),
    ],
)
def test_the_memory_of_a_size_is_in_its_slug(size: str, mebibytes: int | None) -> None:
    assert memory_mebibytes(size) == mebibytes


# ---- text ---------------------------------------------------------------------------------------


def texts(
    fields: Mapping[str, FieldInfo] = KEYS, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the place of every setting that is text, and a value that it takes."""
    for key, field in fields.items():
        if fields_below(field):
            yield from texts(fields_below(field), (*path, key))
        elif is_text(field):
            yield (*path, key), words_of(field).example
        elif (item := item_of(field)) and is_text(item):
            yield (*path, key, 0), words_of(item).example


def with_text(path: tuple[str | int, ...], text: str) -> Any:
    *above, last = path
    value: Any = [text] if last == 0 else {last: text}
    for step in reversed(above):
        value = {step: value}
    return value


TEXTS = list(texts())


def test_the_texts_of_all_levels_are_among_them() -> None:
    places = {path for path, _ in TEXTS}
    assert {
        ("zone",),
        ("hostnames", 0),
        ("origin", "domainName"),
        ("distribution", "logs", "prefix"),
        ("proxy", "alertEmails", 0),
        ("alarms", "topicArn"),
    } <= places


@given(
    st.sampled_from(TEXTS),
    st.sampled_from("\n\r\t\0\x1b\x7f\x85"),
    st.integers(min_value=0, max_value=200),
)
def test_no_text_takes_a_control_character(
    setting: tuple[tuple[str | int, ...], str], character: str, at: int
) -> None:
    path, example = setting
    text = example[: at % (len(example) + 1)] + character + example[at % (len(example) + 1) :]
    key = str(path[0])
    value = with_text(path, text)[key]
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path[1:])
    assert any(
        fault.startswith(f"dualstack-edge:{key}{place} is ") for fault in faults(**{key: value})
    )
