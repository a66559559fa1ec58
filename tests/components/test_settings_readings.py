"""What a text of a setting may have been meant for, reading by reading."""

from typing import Any

import pytest

from components.settings import SettingsError, parse
from components.settings.mending import value_at
from components.settings.texts import READINGS

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer"
WRITTEN = "arn-aws-elasticloadbalancing-eu-central-1-123456789012-loadbalancer"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvbw== me@host"

READ: tuple[tuple[str, str, list[str]], ...] = (
    ("zone", "https://Example.com:443/x", ["example.com", "example.com", "example.com"]),
    ("zone", "http://[::1", []),
    ("zone", f"{'é' * 70}.com", [f"{'é' * 70}.com", f"{'é' * 70}.com"]),
    ("loadBalancer", f"{ARN}/app/api/50dc", ["api", f"{WRITTEN}-app-api-50dc"]),
    ("loadBalancer", f"{ARN}/api", ["api", f"{WRITTEN}-api"]),
    ("hostedZoneId", "/hostedzone/z35sxdotrq7x7k", ["Z35SXDOTRQ7X7K"]),
    ("securityGroup", "arn:aws:ec2:eu-west-1:1:security-group/sg-0123", ["sg-0123"]),
    ("topicArn", "arn:aws:sns:eu-west-1:1:edge", ["arn:aws:sns:us-east-1:1:edge"]),
    ("topicArn", "edge", []),
    ("bucket", "s3://Logs/api/", ["logs", "logs"]),
    ("bucket", "logs.s3.eu-west-1.amazonaws.com", ["logs", "logs.s3.eu-west-1.amazonaws.com"]),
    ("prefix", "/api/", ["api/"]),
    ("regions", "eu-central-1", ["eucentral1", "fra1"]),
    ("regions", "Frankfurt", ["frankfurt", "fra1", "fra1"]),
    ("size", "S 2vCPU_2GB", ["s-2vcpu-2gb"]),
    ("sshKeys", "MD5:AA:BB", ["aa:bb"]),
    (
        "sshKeys",
        KEY,
        [KEY.lower(), "57:b3:d0:36:2d:35:b9:0c:ee:91:90:5d:30:de:7f:1e"],
    ),
    ("sshKeys", "ssh-rsa %%%", ["ssh-rsa %%%"]),
    ("sshSourceRanges", "2001:db8::1/32", ["2001:db8::/32"]),
    ("sshSourceRanges", "everywhere", []),
    ("healthCheckPath", "https://api.example.com", ["/", "/https://api.example.com"]),
    ("healthCheckPath", "healthz", ["/healthz"]),
    ("alertEmails", "Ops <ops@example.com>", ["ops@example.com"]),
    ("alertEmails", "nobody", []),
)


@pytest.mark.parametrize(
    ("key", "text", "readings"), READ, ids=[f"{k} {t[:30]}" for k, t, _ in READ]
)
def test_a_text_is_read_as_what_its_setting_takes(key: str, text: str, readings: list[str]) -> None:
    assert list(READINGS[key](text)) == readings


BASE: dict[str, str] = {
    "dualstack-edge:hostnames": '["api.example.com"]',
    "dualstack-edge:zone": "example.com",
    "dualstack-edge:origin": '{"loadBalancer": "api", "kind": "application"}',
}

MENDED: tuple[tuple[dict[str, str], str], ...] = (
    ({"traffic": '"99/1"'}, "traffic.direct 99"),
    ({"traffic": "[99, 1]"}, "traffic.direct 99"),
    ({"traffic": '{"direct": 99}'}, "traffic.cdn 1"),
    ({"hostnames": '"[\\"api.example.com\\"]"'}, "api.example.com"),
    ({"hostnames": '["api", "api.example.com"]'}, "api.example.com"),
    ({"hostnames": "7"}, "api.example.com"),
    ({"protect": '"yes"'}, "protect true"),
    ({"protect": '"of"'}, "protect"),
    ({"proxy": '{"regions": ["fra1"], "proxyProtocol": "ture"}'}, "proxy.proxyProtocol true"),
    ({"proxy": '{"regions": ["fra1"], "proxyProtocol": "no"}'}, "proxy.proxyProtocol false"),
    ({"proxy": '{"regions": ["fra1"], "size": ["s-2vcpu-2gb"]}'}, "proxy.size s-2vcpu-2gb"),
    ({"proxy": '"{\\"regions\\": [\\"fra1\\"], \\"warnPercent\\": \\"80\\"}"'}, "proxy"),
    ({"proxy": '{"regions": ["fra1"], "whenAllFail": "IPv-4"}'}, "proxy.whenAllFail ipv4"),
    ({"proxy": '{"regions": ["fra1"], "idleTimeoutSeconds": "10 min"}'}, "idleTimeoutSeconds 600"),
    ({"origin": '"api-1.eu-central-1.elb.amazonaws.com"'}, "origin.hostedZoneId Z215JYRZR1TBD5"),
    ({"origin": '{"loadBalancer": "api", "kind": "alb"}'}, "origin.kind application"),
    ({"distribution.priceClass": "PriceClass_100"}, "--path"),
    ({"proxy.regions[0]": "fra1"}, "--path"),
    ({"zone.name": "example.com"}, "zone.name"),
    ({"hostnames": "true"}, "hostnames is true"),
    ({"hostnames": "null"}, "hostnames"),
    ({"zone": ""}, "zone example.com"),
    ({"origin": f'{{"loadBalancer": "{ARN}/net/api/1"}}'}, "origin.kind"),
    ({"origin": f'{{"loadBalancer": "{ARN}/api"}}'}, "origin.kind"),
    ({"origin": '{"hostedZoneId": "Z215JYRZR1TBD5"}'}, "eu-central-1.elb.amazonaws.com"),
    ({"origin": '{"hostedZoneId": "Z3F0SRJ5LGBH90"}'}, "elb.eu-central-1.amazonaws.com"),
    ({"traffic": '{"direct": "x", "cdn": "y"}'}, "traffic.direct"),
    ({"traffic": '"all"'}, "traffic"),
    ({"traffic": '{"direct": 60, "cdn": 60}'}, "traffic"),
    ({"distribution": '{"priceClass": ""}'}, "distribution.priceClass"),
    ({"distribution": '{"priceClass": "200"}'}, "PriceClass_200"),
)


@pytest.mark.parametrize(("keys", "remedy"), MENDED, ids=[str(keys) for keys, _ in MENDED])
def test_a_message_says_what_was_meant(keys: dict[str, str], remedy: str) -> None:
    raw = {**BASE, **{f"dualstack-edge:{key}": value for key, value in keys.items()}}
    with pytest.raises(SettingsError) as caught:
        parse(raw, stack="prod")
    assert remedy in str(caught.value), str(caught.value)


def test_a_path_in_a_secret_key_is_told_without_its_value() -> None:
    key = "dualstack-edge:distribution.priceClass"
    with pytest.raises(SettingsError) as caught:
        parse({**BASE, key: "PriceClass_100"}, stack="prod", secret={key})
    assert "Set it again with --path." in str(caught.value)
    assert "PriceClass_100" not in str(caught.value)


def test_a_value_is_found_where_its_path_leads_or_nowhere() -> None:
    given: dict[str, Any] = {"a": [{"b": 1}]}
    assert value_at(given, ("a", 0, "b")) == 1
    assert value_at(given, ("a", 1, "b")) is value_at(given, ("a", "b"))
