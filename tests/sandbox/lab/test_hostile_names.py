"""Whatever is deployed, under whatever name: no file that the lab writes says more than it should.

Each renderer escapes a text or refuses it, by `ValueError`. So what a hostile text is rendered to
has the same shape as what a harmless one is.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import dns.name
import dns.rdata
import dns.rdataclass
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.lab.deployed import Deployed, DeployedDroplet, DeployedLoadBalancer, DeployedZone
from sandbox.lab.dns.served_names import served_names, unsupported_names
from sandbox.lab.edge.lua import settings_lua
from sandbox.lab.edge.render import nginx_conf
from sandbox.lab.edge.sites import sites
from sandbox.lab.lab_host import LabHost, host_script, router_lines
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.plan import LabPlan, PlanInputs, plan
from sandbox.lab.plan.hosts import droplet_hosts
from sandbox.lab.plan.names_covered import certificates_needed
from sandbox.lab.plan.router_rules import router_rules
from sandbox.lab.trust import Trust
from support.edge import behavior, deployed, distribution, listed, origin
from support.records import alias, record, soa, zone

SPELLS: Final = (
    '"; }',
    "'; #",
    "a;b",
    "a{b",
    "a}b",
    "$host",
    "${edge_dollar}",
    "$(reboot)",
    "`reboot`",
    "a b",
    "a\nlink set lo down",
    "END\nreboot",
    "a\r\nb",
    "\\",
    '\\"',
    "~.*",
    "@named",
    "../../etc/passwd",
    "/",
    "%\naddr flush dev eth0",
    "2001:db8::%x accept\n#/128",
    "443 accept; drop",
    "tcp accept\n",
    "]]",
    "--",
    "\0",
    "\x1b[2J",
    "\N{LINE SEPARATOR}",
    "é",
    "*",
    "a..b",
    "a" * 300,
    "\\052",
    "\\777",
    "\\999",
    "",
)
HOSTILE: Final = st.one_of(
    st.sampled_from(SPELLS),
    st.builds("".join, st.lists(st.sampled_from(SPELLS), min_size=2, max_size=3)),
    st.text(st.sampled_from("aZ9.-_*~@%/\\\"'`;:#$(){}[]<>|&! \t\r\n\0é"), max_size=12),
    st.text(max_size=12),
)

FOLDER: Final = Path("lab")
CA: Final = FOLDER / "ca.pem"


def every_spell(test: Any) -> Any:
    """Have a property test tried with each of the spells, too."""
    for spell in SPELLS:
        test = example(text=spell)(test)
    return test


# nginx


EDGES: Final[Mapping[str, Callable[[str], Deployed]]] = {
    "id": lambda text: deployed(distribution(text or "E1")),
    "own name": lambda text: deployed(replace(distribution(), domain_name=text)),
    "alias": lambda text: deployed(distribution(aliases=[text])),
    "certificate": lambda text: deployed(
        distribution(ViewerCertificate={"ACMCertificateArn": text})
    ),
    "TLS policy": lambda text: deployed(
        distribution(ViewerCertificate={"MinimumProtocolVersion": text})
    ),
    "root object": lambda text: deployed(distribution(DefaultRootObject=text)),
    "path pattern": lambda text: deployed(
        distribution(CacheBehaviors=listed([behavior(PathPattern=f"/{text}")]))
    ),
    "method": lambda text: deployed(
        distribution(DefaultCacheBehavior=behavior(AllowedMethods=listed([text])))
    ),
    "error page": lambda text: deployed(
        distribution(
            CustomErrorResponses=listed(
                [{"ErrorCode": 404, "ResponsePagePath": f"/{text}", "ResponseCode": "200"}]
            )
        )
    ),
    "origin": lambda text: deployed(distribution(Origins=listed([origin(DomainName=text)]))),
    "origin path": lambda text: deployed(distribution(Origins=listed([origin(OriginPath=text)]))),
    "header": lambda text: deployed(
        distribution(
            Origins=listed(
                [origin(CustomHeaders=listed([{"HeaderName": text, "HeaderValue": text}]))]
            )
        )
    ),
    "protocols of the origin": lambda text: deployed(
        distribution(
            Origins=listed(
                [
                    origin(
                        CustomOriginConfig={
                            "OriginProtocolPolicy": text or "none",
                            "OriginSslProtocols": listed([text]),
                        }
                    )
                ]
            )
        )
    ),
    "policy": lambda text: deployed(
        distribution(DefaultCacheBehavior=behavior(CachePolicyId="own")),
        cache_policies={
            "own": {
                "ParametersInCacheKeyAndForwardedToOrigin": {
                    kind: {member: "whitelist", items: listed([text])}
                    for kind, member, items in (
                        ("HeadersConfig", "HeaderBehavior", "Headers"),
                        ("CookiesConfig", "CookieBehavior", "Cookies"),
                        ("QueryStringsConfig", "QueryStringBehavior", "QueryStrings"),
                    )
                }
            }
        },
    ),
}
"""What a distribution says that comes into an edge node's files, with a text in it."""


def rendered(what: Deployed) -> tuple[str, str]:
    served = sites(what)
    return (
        nginx_conf(served, {}, CA, "198.18.3.4", FOLDER, version="1"),
        settings_lua(served, "edge-1"),
    )


def directives(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield depth, name and number of words of each directive, as nginx reads its configuration.

    Source: nginx, `src/core/ngx_conf_file.c`, `ngx_conf_read_token`; lua-nginx-module, README,
    '*_by_lua_block'.
    """
    words: list[str] = []
    depth = at = 0
    while at < len(text):
        char = text[at]
        if char in " \t\r\n":
            at += 1
        elif char == "#":
            at = text.index("\n", at)
        elif char == "{" and words[0].endswith("_by_lua_block"):
            yield depth, words[0], len(words)
            words, at = [], _after_block(text, at)
        elif char in ";{}":
            if words:
                yield depth, words[0], len(words)
            depth += {"{": 1, "}": -1, ";": 0}[char]
            words, at = [], at + 1
        else:
            word = re.compile(
                r'"(?:[^"\\]|\\.)*"(?=[ \t\r\n;{)])|(?:[^ \t\r\n;{\\]|\\.|(?<=\$)\{)+', re.DOTALL
            )
            match = word.match(text, at)
            assert match, f"nginx refuses {text[at : at + 40]!r}"
            words.append(match.group())
            at = match.end()
    assert (depth, words) == (0, [])


def _after_block(text: str, at: int) -> int:
    """Return where a block of Lua ends; strings in it may hold braces."""
    depth = 0
    for match in re.compile(r'"(?:[^"\\\n]|\\.)*"|[{}]').finditer(text, at):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return match.end()
    raise AssertionError("a block of Lua does not end")


def without_strings(lua: str) -> str:
    """Return a table of Lua without what is in its strings, which hold one line of ASCII each."""
    assert lua.isascii()
    assert lua.count("\n") == 1
    return re.sub(r'"(?:[^"\\\n]|\\[0-9]{3})*"', '""', lua)


@pytest.mark.parametrize("where", EDGES)
@every_spell
@settings(max_examples=20)  # of each; a whole configuration is read each time
@given(text=HOSTILE)
def test_a_distribution_s_texts_end_nothing_in_the_edge_s_files(where: str, text: str) -> None:
    harmless = rendered(EDGES[where]("harmless"))
    with suppress(ValueError):
        conf, lua = rendered(EDGES[where](text))
        assert list(directives(conf)) == list(directives(harmless[0]))
        # An `$` outside of patterns would be a variable.
        assert set(re.findall(r"\$\{?\w+", conf)) <= set(re.findall(r"\$\{?\w+", harmless[0])) | {
            *re.findall(r"\$\{?\w+", text if where == "path pattern" else ""),
            "${edge_dollar",
        }
        assert without_strings(lua) == without_strings(harmless[1])


@pytest.mark.parametrize("where", ["id", "own name", "alias", "origin"])
def test_a_name_that_is_none_is_refused_by_the_edge(where: str) -> None:
    with pytest.raises(ValueError, match=r"^Distribution .* has the name .*; it is no DNS name\."):
        rendered(EDGES[where]("example.com; }"))


# gdnsd


def records(text: str) -> list[dict[str, Any]]:
    return [
        record(text, "A", ["192.0.2.1"]),
        record(f"{text}.example.com", "A", ["192.0.2.1"], weight=(text, 1)),
        alias(f"{text}.www.example.com", "AAAA", f"{text}.example.com", weight=(text, 1)),
        alias("alias.example.com", "A", text),
        *(
            record(f"{kind.lower()}.example.com", kind, [text])
            for kind in ("A", "AAAA", "CAA", "CNAME", "HTTPS", "MX", "NS", "SPF", "SRV", "TXT")
        ),
        record("quoted.example.com", "TXT", [json.dumps(text)]),
    ]


@every_spell
@given(text=HOSTILE)
def test_a_zone_s_texts_end_no_line_of_gdnsd_s_files(text: str) -> None:
    zones = [
        zone(soa(900, 86400), *records(text)),
        DeployedZone("Z2", f"{text}.example.org", ()),
    ]
    for served in (zones, zones[:1]):
        with suppress(ValueError):
            names = served_names(served, {}, {text: False}, ["198.18.3.1"])
            for level in names.levels:
                assert re.fullmatch(r"[a-z0-9 =>{}\[\],.:\n_]*", level.plugins)
                for file, content in level.zones.items():
                    assert file not in {"", ".", ".."}
                    assert "/" not in file
                    for line in content.removesuffix("\n").split("\n"):
                        assert_one_record(line)


def assert_one_record(line: str) -> None:
    match = re.fullmatch(r"(\S+) (?:\d+/\d+ DYNA weighted!r\d+|(\d+) ([A-Z0-9]+) (.*))", line)
    assert match, line
    name, _, kind, value = match.groups()
    assert dns.name.from_text(name).to_text() == name
    if kind is not None and not kind.startswith("TYPE"):
        read = dns.rdata.from_text(dns.rdataclass.IN, kind, value, relativize=False)
        assert read.to_text() == value
    elif kind is not None:
        assert re.fullmatch(r"\\# \d+( [0-9a-f]+)*", value)


def test_a_record_whose_name_is_none_is_left_out_and_told() -> None:
    bad = record("a..b.example.com", "A", ["192.0.2.1"])
    broken_zone = zone(soa(900, 86400), bad, record("good.example.com", "A", ["192.0.2.1"]))
    assert unsupported_names([broken_zone]) == [
        (
            "record a..b.example.com. A of zone example.com has a name that is none: "
            "'a..b.example.com.' is no DNS name: A DNS label is empty."
        )
    ]
    (served,) = (
        level.zones["example.com"]
        for level in served_names([broken_zone], {}, {}, ["198.18.3.1"]).levels
        if "example.com" in level.zones
    )
    assert "good.example.com. 60 A 192.0.2.1\n" in served


# nft


NFT_LINE: Final = re.compile(
    r'(?:[io]ifname "lab[0-9a-f]{12}" (?:drop|jump (?:to|from)-\d+)|ct state established,related '
    r"accept|(?:meta nfproto ipv[46]|ip6? [sd]addr [0-9a-f.:]+/\d+) "
    r"(?:meta l4proto \w+|\w+ dport [0-9-]+) return|drop|"
    r"type filter hook forward priority filter; policy accept;|"
    r"(?:delete )?table inet lab(?: \{)?|chain [a-z]+(?:-\d+)? \{|\}|)"
)

FIREWALLS: Final[Mapping[str, Callable[[str], Mapping[str, Any]]]] = {
    "protocol": lambda text: {"protocol": text, "ports": "443"},
    "ports": lambda text: {"protocol": "tcp", "ports": text},
    "addresses": lambda text: {"protocol": "tcp", "ports": "443", "addresses": [text]},
    "a network": lambda text: {
        "protocol": "udp",
        "ports": "53",
        "addresses": [f"2001:db8::{text}/32"],
    },
    "tags": lambda text: {"protocol": "icmp", "ports": "", "tags": [text]},
}


def droplet(text: str = "proxy", **fields: Any) -> DeployedDroplet:
    made = DeployedDroplet(
        id=2,
        name=text,
        image="debian-12-x64",
        ipv4="198.51.100.2",
        ipv6="2001:db8:d0:a::2",
        ipv6_gateway="2001:db8:d0:a::1",
        ipv6_prefix_length=64,
        reserved_ipv6="2001:db8:d1:a::2",
        user_data=text,
        metadata={"interfaces": {"public": []}, "tags": [text], "user_data": text},
        firewalls=(),
    )
    return replace(made, **fields)


@pytest.mark.parametrize("where", FIREWALLS)
@every_spell
@given(text=HOSTILE)
def test_a_firewall_s_texts_end_no_line_of_the_router_s_rules(where: str, text: str) -> None:
    fields = dict(FIREWALLS[where](text))
    peers = {key: fields.pop(key) for key in ("addresses", "tags") if key in fields}
    rule = {**fields, "sources": peers or {"addresses": ["::/0", "0.0.0.0/0"]}}
    clouds = Deployed(droplets=(droplet(text, firewalls=({"inbound_rules": [rule]},)),))
    with suppress(ValueError):
        names = {2: "droplet-proxy"}
        for line in router_rules((), clouds, LabSettings(), names).split("\n"):
            assert NFT_LINE.fullmatch(line.strip()), line


# ip, and the files of a host


HOSTS: Final[Mapping[str, Callable[[str], LabHost]]] = {
    "name": lambda text: LabHost(text, "", ("198.51.100.2/24",)),
    "address": lambda text: LabHost("one", "", (text,)),
    "prefix": lambda text: LabHost("one", "", (f"198.51.100.2/{text}",)),
    "zone": lambda text: LabHost("one", "", (f"2001:db8::2%{text}/64",)),
    "gateway": lambda text: LabHost("one", "", ("2001:db8::2/64",), gateways=(text,)),
    "zone of the gateway": lambda text: LabHost(
        "one", "", ("2001:db8::2/64",), gateways=(f"fe80::1%{text}",)
    ),
    "resolver": lambda text: LabHost("one", "", (), resolvers=(text,)),
    "routed": lambda text: LabHost("one", "", ("2001:db8::2/64",), routed=(text,)),
    "zone of what is routed": lambda text: LabHost(
        "one", "", ("2001:db8::2/64",), routed=(f"2001:db8::%{text}/64",)
    ),
}

IP_LINE: Final = re.compile(r"(?:link|addr|route) [a-z]+ [a-zA-Z0-9.:/ ]+")
SHELL_LINE: Final = re.compile(r"echo [01] > /proc/sys/net/[a-z0-9/_]+|ip -batch - <<'END'|END")


@pytest.mark.parametrize("where", HOSTS)
@every_spell
@given(text=HOSTILE)
def test_a_host_s_texts_end_no_line_of_the_commands_that_make_it(where: str, text: str) -> None:
    with suppress(ValueError):
        host = HOSTS[where](text)
        assert Path(host.name).name == host.name
        for line in router_lines({}, {host.name: host}):
            assert IP_LINE.fullmatch(line), line
        for line in host_script(None, host).splitlines():
            assert IP_LINE.fullmatch(line) or SHELL_LINE.fullmatch(line), line
        assert all(re.fullmatch(r"[0-9a-fA-F.:/]+", each) for each in host.resolvers)


# The whole lab


@every_spell
@given(text=HOSTILE)
def test_no_name_that_is_deployed_leads_out_of_the_lab_s_folder_or_to_the_resolvers(
    text: str,
) -> None:
    hostile = Deployed(
        zones=(zone(soa(900, 86400), *records(text)),),
        health_checks={text: {"Type": text, "FullyQualifiedDomainName": text}},
        load_balancers=(DeployedLoadBalancer(text, "application", (("HTTPS", 443),), (text,)),),
        certificates={text: (text,)},
        droplets=(droplet(text),),
    )
    with suppress(ValueError):
        lab_plan, nothing = planned(hostile), planned(Deployed())
        for program in lab_plan.programs:
            for path in program.files:
                assert ".." not in path.parts
                assert path.is_relative_to(FOLDER)
                assert "\0" not in str(path)
        for name in ("resolver", "nat64"):
            assert [each for each in lab_plan.programs if each.name == name] == [
                each for each in nothing.programs if each.name == name
            ]


def planned(clouds: Deployed) -> LabPlan:
    certificates = dict.fromkeys(certificates_needed(clouds), (FOLDER / "c", FOLDER / "k"))
    return plan(
        clouds,
        LabSettings(),
        PlanInputs(
            folder=FOLDER,
            ca=CA,
            certificates=certificates,
            expired=certificates,
            edge_views=[clouds] * 2,
            droplets=droplet_hosts(clouds, {}),
        ),
    )


@pytest.mark.parametrize("text", SPELLS)
def test_a_certificate_is_issued_for_a_name_or_refused(tmp_path: Path, text: str) -> None:
    trust = Trust(tmp_path / "trust")
    with suppress(ValueError):
        for path in trust.issue([text]):
            assert path.resolve().is_relative_to((tmp_path / "trust").resolve())
