"""The stack's configuration, read once, checked whole, handed on as one frozen value.

Nothing else in the program reads `pulumi.Config`. `load` is the thin edge that does; `parse` is the
function behind it: configuration as the engine hands it out (text; JSON for what is nested) in,
`Settings` or a `SettingsError` with every fault out.

What a setting means, may be and defaults to is said once, here: by the docstring under the field,
its type and its limits. Messages and `docs/settings.md` are made from that; a test compares
`Pulumi.yaml` with it.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from typing import Annotated, Any, Final, Literal, Self, cast, get_args, get_type_hints

import pulumi
import pulumi.runtime
import pulumi.runtime.config
import pulumi_aws as aws
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    Secret,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, from_json

from components.arguments import DualStackEdgeArgs
from components.errors import FaultsError
from components.facts import CLOUDFRONT_REGION, LARGEST_WEIGHT, PREFIX_LIST_WEIGHT
from components.faults import Fault, shown
from components.wording import (
    Place,
    Says,
    explain,
    fields_of,
    is_text,
    not_set,
    refusal,
    unknown,
)

NAMESPACE: Final = "dualstack-edge"
"""Namespace of the keys; the project's name in `Pulumi.yaml`."""

UNPROTECTED_STACK: Final = "sandbox"
"""The one stack whose resources may be deleted without asking: it lives on this machine."""


MOST_REGIONS: Final = 8
"""Regions of a proxy pool. Times the three nodes that a region may have, there are as many proxies
as hours of the day, and each is upgraded in an hour of its own."""


class SettingsError(FaultsError):
    """The configuration cannot be used; the message lists every fault of every key."""


# ---- what single values may be ------------------------------------------------------------------

_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def _dns_name(text: str) -> str:
    """Return a host name in lower case without a final dot.

    Letters, digits and hyphens only: ACM issues certificates for nothing else, so an
    internationalised name has to be in its `xn--` form, and an underscore is no use.

    Source: RFC 1123 section 2.1; RFC 1035 section 2.3.4 (63 octets a label, 253 characters in all).
    """
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if (
        not text.isascii()
        or len(name) > 253  # noqa: PLR2004 - the limit's source is in the docstring
        or len(labels) < 2  # noqa: PLR2004 - a name of one label is a top-level domain
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise ValueError(text)
    return name


def _hostname(text: str) -> str:
    """Return a DNS name that is not a wildcard."""
    if text.startswith("*."):
        raise refusal(
            "a name of its own, not a wildcard: a wildcard answers every name of the zone that has "
            "no record, so its weights would move names nobody listed",
            "List the names it stands for.",
        )
    return _dns_name(text)


def _not_empty(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names, at least one.

    A function and not `min_length`, which counts names that are wrong as missing.
    """
    if not names:
        raise ValueError(names)
    return names


def _origin_port(port: int) -> int:
    """Return a port that CloudFront connects to an origin on.

    Source: CloudFront API Reference, CustomOriginConfig, HTTPPort and HTTPSPort.
    """
    if port not in (80, 443) and not 1024 <= port <= 65535:  # noqa: PLR2004 - see Source
        raise ValueError(port)
    return port


def _certificate_arn(arn: str) -> str:
    """Return the ARN of a certificate that CloudFront can use.

    Source: CloudFront Developer Guide, 'Requirements for using SSL/TLS certificates with
    CloudFront': the certificate must be in us-east-1.
    """
    found = re.fullmatch(r"arn:aws:acm:([a-z0-9-]+):[0-9]{12}:certificate/[A-Za-z0-9-]+", arn)
    if found is None:
        raise ValueError(arn)
    if found[1] != CLOUDFRONT_REGION:
        raise refusal(
            f"an ACM certificate in us-east-1, not {found[1]}: CloudFront takes them from no other "
            "region",
            "Request or import the certificate in us-east-1 and set its ARN, or let one be made: "
            f"pulumi config rm {NAMESPACE}:certificateArn",
        )
    return arn


def _bucket(name: str) -> str:
    """Return the name of an S3 bucket, refusing its domain name.

    Source: Amazon S3 User Guide, 'General purpose bucket naming rules'.
    """
    if name.endswith(".amazonaws.com") or not re.fullmatch(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name
    ):
        raise ValueError(name)
    return name


def _regions(slugs: tuple[str, ...]) -> tuple[str, ...]:
    """Return regions of DigitalOcean: at least one, not too many, none twice."""
    if not 1 <= len(slugs) <= MOST_REGIONS or len(set(slugs)) < len(slugs):
        raise ValueError(slugs)
    return slugs


def _ports(ports: tuple[int, ...]) -> tuple[int, ...]:
    """Return ports to serve: at least one, none twice."""
    if not ports or len(set(ports)) < len(ports):
        raise ValueError(ports)
    return ports


def _proxy_port(port: int) -> int:
    """Return a port a proxy can serve; 22 and 8100 are its own."""
    if not 1 <= port <= 65535 or port in (22, 8100):  # noqa: PLR2004 - TCP's; see the docstring
        raise ValueError(port)
    return port


def _network(text: str) -> str:
    """Return a network in CIDR notation, as the firewall shows it."""
    return str(ip_network(text))


Weight = Annotated[int, Field(ge=0, le=LARGEST_WEIGHT)]
"""Weight of a record."""


# ---- the settings -------------------------------------------------------------------------------


class Group(BaseModel):
    """Settings that belong together: frozen, strict (no text for a number), nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
        use_attribute_docstrings=True,
        validate_by_name=True,
    )


class Traffic(Group):
    """How DNS answers are shared between the old path and the new one."""

    direct: Annotated[Weight, Says(example="100")]
    """Weight of the old path, straight to the load balancer."""
    cdn: Annotated[Weight, Says(example="0")]
    """Weight of the new path, through CloudFront."""

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if self.direct == self.cdn == 0:
            raise refusal(
                "weights of which at least one is above 0: where all are 0, Route 53 answers with "
                "all of them equally"
            )
        return self


_LOOKED_UP: Final = ("loadBalancer", "kind")
_AS_GIVEN: Final = ("domainName", "hostedZoneId")


class Origin(Group):
    """The load balancer in front of the API, and how CloudFront talks to it.

    It is either looked up (`loadBalancer` and `kind`) or given (`domainName` and `hostedZoneId`).
    """

    load_balancer: Annotated[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$")] | None,
        Says("a load balancer's name: 1 to 32 letters, digits and hyphens", "api"),
    ] = None
    """Name of the load balancer to look up, in the region of the stack."""
    kind: Annotated[
        Literal["classic", "application", "network"] | None, Says(example="application")
    ] = None
    """Kind of the load balancer to look up; finding another kind is an error."""
    domain_name: Annotated[
        Annotated[str, AfterValidator(_dns_name)] | None,
        Says("a DNS name", "api-1234567890.eu-central-1.elb.amazonaws.com"),
    ] = None
    """DNS name of a load balancer that is not looked up."""
    hosted_zone_id: Annotated[
        Annotated[str, Field(pattern=r"^Z[A-Z0-9]{1,31}$")] | None,
        Says(
            "the id of the hosted zone that load balancer's name is in, not of your own zone",
            "Z215JYRZR1TBD5",
        ),
    ] = None
    """The load balancer's canonical hosted zone, which alias records to `domainName` need."""
    protocol: Annotated[
        Literal["https-only", "http-only", "match-viewer"], Says(example="https-only")
    ] = "https-only"
    """What CloudFront speaks to the load balancer; `match-viewer` is what the viewer spoke."""
    http_port: Annotated[
        int, AfterValidator(_origin_port), Says("80, 443 or an integer from 1024 to 65535", "80")
    ] = 80
    """Port of the load balancer's HTTP listener."""
    https_port: Annotated[
        int, AfterValidator(_origin_port), Says("80, 443 or an integer from 1024 to 65535", "443")
    ] = 443
    """Port of the load balancer's HTTPS listener."""
    connect_attempts: Annotated[int, Field(ge=1, le=3), Says(example="3")] = 3
    """How often CloudFront tries to connect before it answers 502 or 504."""
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=10), Says(example="10")] = 10
    """How long each of those attempts may take."""
    read_timeout_seconds: Annotated[int, Field(ge=1, le=120), Says(example="60")] = 60
    """How long CloudFront waits for the API to answer, and between packets of an answer.
    The default is not CloudFront's 30 but the idle timeout a load balancer has by default, so that
    a slow request that is answered today is not cut off with a 504 on the new path."""
    keepalive_timeout_seconds: Annotated[int, Field(ge=1, le=120), Says(example="5")] = 5
    """How long CloudFront keeps an idle connection. Keep it below the load balancer's own timeout,
    or CloudFront sends requests down connections that are being closed."""

    @model_validator(mode="wrap")
    @classmethod
    def _one_form(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # Around the fields' own checks, not after them: "after" does not run once a port is
        # wrong, and the user would learn of the second fault only when the first is mended.
        errors: list[InitErrorDetails] = []
        try:
            origin = handler(data)
        except ValidationError as error:
            origin = None
            errors += [_again(details) for details in error.errors()]
        if isinstance(data, dict):
            errors += _form_faults(cast("dict[str, Any]", data))
        if errors or origin is None:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return origin


def _form_faults(origin: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    """Say what keeps an origin from being either looked up or given."""
    present = {to_camel(key) for key, value in origin.items() if value is not None}
    looked_up = present.intersection(_LOOKED_UP)
    as_given = present.intersection(_AS_GIVEN)
    if bool(looked_up) == bool(as_given):
        allowed = (
            "loadBalancer and kind (looked up) or domainName and hostedZoneId (as given), "
            + ("not both" if looked_up else "and neither is there")
        )
        remedy = (
            "Remove one of the two, such as with: "
            f"pulumi config rm --path {NAMESPACE}:origin.{min(as_given)}"
            if looked_up
            else ""
        )
        yield InitErrorDetails(type=refusal(allowed, remedy), input=origin)
        return
    for key in _LOOKED_UP if looked_up else _AS_GIVEN:
        if key not in present:
            yield InitErrorDetails(type="missing", loc=(key,), input=origin)


def _again(details: ErrorDetails) -> InitErrorDetails:
    """Return an error as it has to be to be raised a second time."""
    context = details.get("ctx", {})
    kind = refusal(**context) if details["type"] == "refusal" else details["type"]
    return InitErrorDetails(type=kind, loc=details["loc"], input=details["input"], ctx=context)


class Logs(Group):
    """Standard access logs of the distribution, written to a bucket that exists already."""

    bucket: Annotated[
        str,
        AfterValidator(_bucket),
        Says("the name of an S3 bucket, without .s3.amazonaws.com", "example-edge-logs"),
    ]
    """Name of the bucket. It needs ACLs enabled: CloudFront grants itself access with one."""
    prefix: Annotated[
        str,
        Field(pattern="^[^/].*$|^$", max_length=256),
        Says("text of at most 256 characters that does not begin with /", "api/"),
    ] = ""
    """What the names of the log files begin with."""
    include_cookies: Annotated[bool, Says(example="false")] = False
    """Whether cookies are logged; they often are credentials."""


class Distribution(Group):
    """How CloudFront serves the hostnames. That nothing is cached or dropped is not a setting."""

    price_class: Annotated[
        Literal["PriceClass_All", "PriceClass_200", "PriceClass_100"],
        Says(example="PriceClass_All"),
    ] = "PriceClass_All"
    """Which edge locations answer. Fewer cost less and are further from some users."""
    http_version: Annotated[
        Literal["http1.1", "http2", "http3", "http2and3"], Says(example="http2")
    ] = "http2"
    """Newest HTTP version for viewers. HTTP/3 is off by default: clients remember that a name
    speaks it (Alt-Svc), also after DNS has taken them back to a load balancer that doesn't."""
    viewer_protocol: Annotated[
        Literal["allow-all", "https-only", "redirect-to-https"] | None,
        Says(
            example="https-only",
            default="`https-only` where `origin.protocol` is `https-only`, else `allow-all`",
        ),
    ] = None
    """What viewers may speak. The default follows from what the API can tell apart: where the
    origin is asked over HTTPS only, a plain HTTP request would reach the API looking like HTTPS,
    and the redirect or refusal the load balancer answers with today would be lost unnoticed. If it
    serves plain HTTP, use `match-viewer` for the origin. `redirect-to-https` turns the POST
    requests of many plain HTTP clients into GET."""
    tls_policy: Annotated[
        Literal[
            "TLSv1",
            "TLSv1_2016",
            "TLSv1.1_2016",
            "TLSv1.2_2018",
            "TLSv1.2_2019",
            "TLSv1.2_2021",
            "TLSv1.2_2025",
            "TLSv1.3_2025",
        ],
        Says(example="TLSv1.2_2021"),
    ] = "TLSv1.2_2021"
    """Oldest TLS version and ciphers for viewers, as CloudFront names its security policies.
    Choose an older one if the load balancer's own policy admits clients this one refuses."""
    origin_request_policy: Annotated[
        Literal["AllViewer", "AllViewerAndCloudFrontHeaders"], Says(example="AllViewer")
    ] = "AllViewer"
    """Managed policy that forwards the whole request; the second adds CloudFront's own headers,
    such as `CloudFront-Viewer-Address` and `CloudFront-Forwarded-Proto`."""
    web_acl_arn: Annotated[
        Annotated[
            str,
            Field(
                pattern="^arn:aws:wafv2:us-east-1:[0-9]{12}:global/webacl/[A-Za-z0-9_-]+/[A-Za-z0-9-]+$"
            ),
        ]
        | None,
        Says(
            "the ARN of a global WAFv2 web ACL, which lives in us-east-1",
            "arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/0a1b2c3d",
        ),
    ] = None
    """Web ACL that inspects requests. Rules made of IPv4 addresses do not match IPv6 viewers."""
    logs: Annotated[Logs | None, Says("an object with bucket", "example-edge-logs", ".bucket")] = (
        None
    )
    """Standard access logs; none when not set."""
    retain_on_delete: Annotated[bool, Says(example="true")] = False
    """Whether a distribution that leaves the stack goes on running, for users whose resolvers
    still point at it. Its hostnames stay taken until it is deleted by hand."""


class Proxies(Group):
    """A pool of IPv6 proxies on DigitalOcean, which the old path's AAAA records lead to."""

    regions: Annotated[
        tuple[
            Annotated[
                str,
                Field(pattern="^[a-z]{3}[0-9]$"),
                Says("the slug of a DigitalOcean region", "fra1"),
            ],
            ...,
        ],
        AfterValidator(_regions),
        Says("a list of 1 to 8 different regions of DigitalOcean", "fra1", "[0]"),
    ]
    """Where the proxies are, best near the load balancer. Adding one at the end of the list leaves
    the proxies of the others as they are; removing one takes its proxies out of DNS first."""
    nodes_per_region: Annotated[int, Field(ge=1, le=3), Says(example="1")] = 1
    """How many proxies each region has. With only one in all, IPv6 users fall back to
    `whenAllFail` each time it is upgraded."""
    reserved_ipv6_quota: Annotated[int, Field(ge=1, le=24), Says(example="3")] = 3
    """How many reserved addresses the DigitalOcean account may have, which is one for each proxy.
    DigitalOcean allows three until it is asked for more."""
    size: Annotated[
        str,
        Field(pattern="^[a-z0-9-]+$"),
        Says("the slug of a droplet size", "s-1vcpu-1gb"),
    ] = "s-1vcpu-1gb"
    """What each droplet is made of. Changing it replaces the droplets, one after the other."""
    image: Annotated[
        Literal["debian-12-x64", "debian-13-x64"],
        Says(example="debian-12-x64"),
    ] = "debian-12-x64"
    """What each droplet boots. Changing it replaces the droplets, one after the other."""
    ports: Annotated[
        tuple[
            Annotated[
                int,
                AfterValidator(_proxy_port),
                Says("an integer from 1 to 65535, but not 22 or 8100", "443"),
            ],
            ...,
        ],
        AfterValidator(_ports),
        Says("a list of one or more different ports", "443", "[0]"),
    ] = (443,)
    """TCP ports that are served; each leads to the same port of the load balancer. Add 80 if users
    get a redirect there today."""
    connections: Annotated[int, Field(ge=1, le=28_000), Says(example="5000")] = 5_000
    """How many clients one proxy holds at once; each takes 32 KiB of memory."""
    idle_timeout_seconds: Annotated[int, Field(ge=351, le=86_400), Says(example="600")] = 600
    """How long a connection may carry nothing before the proxy closes it. The least is one second
    more than any kind of load balancer allows by default, so that the proxy cuts nothing short."""
    proxy_protocol: Annotated[bool, Says(example="false")] = False
    """Whether a PROXY protocol header tells the API each client's address; without it the API sees
    the proxies' own. It has to be understood behind the load balancer by the time it is turned on,
    and an application load balancer cannot."""
    ssh_keys: Annotated[
        tuple[
            Annotated[
                str,
                Field(pattern="^([0-9]+|([0-9a-f]{2}:){15}[0-9a-f]{2})$"),
                Says("the id or fingerprint of an SSH key in the DigitalOcean account", "512189"),
            ],
            ...,
        ],
        Says("a list of SSH keys of the DigitalOcean account", "512189", "[0]"),
    ] = ()
    """SSH keys that open the root account. Without any, DigitalOcean makes a root password up and
    mails it to the account's owner; nothing on the droplet accepts it but the recovery console.
    Changing them replaces the droplets, one after the other."""
    ssh_source_ranges: Annotated[
        tuple[
            Annotated[
                str, AfterValidator(_network), Says("a network in CIDR notation", "2001:db8::/48")
            ],
            ...,
        ],
        Says("a list of networks in CIDR notation", "2001:db8::/48", "[0]"),
    ] = ()
    """Networks that may connect to port 22; closed to all when empty. Needs `sshKeys`."""
    health_check_path: Annotated[
        Annotated[str, Field(pattern="^/[!-~]*$", max_length=255)] | None,
        Says("a path that begins with / and has at most 255 characters", "/healthz"),
    ] = None
    """Path of the API that Route 53 asks for over HTTPS through each proxy, about three times a
    second from all over the world. It has to be answered with a status from 200 to 399. When it is
    not set, Route 53 only connects to each proxy: that finds dead proxies but not a proxy that
    cannot reach the load balancer, because it accepts before it connects."""
    when_all_fail: Annotated[Literal["ipv4", "cdn"], Says(example="ipv4")] = "ipv4"
    """Where IPv6 users go when every proxy is unhealthy. `ipv4`: AAAA is answered empty, as if
    there were no proxies, so that they use the old path's A records. `cdn`: all of them go to
    CloudFront, whatever its weight, even 0; choose it once CloudFront carries users already."""
    ready_seconds: Annotated[int, Field(ge=0, le=1800), Says(example="600")] = 600
    """How long a new droplet is given, from its creation, to serve every port before its address is
    moved to it. The deployment asks over IPv6. A droplet that does not serve by then stops the
    deployment, and the address stays with the old one. 0: the address is moved at once."""
    when_untestable: Annotated[Literal["stop", "wait"], Says(example="stop")] = "stop"
    """What a deployment does when the machine it runs on has no IPv6 and so cannot tell whether a
    new droplet serves. `stop`: it stops, and the address stays with the old droplet. `wait`: the
    address is moved after `readySeconds`, though nobody saw the droplet serve."""
    alert_emails: Annotated[
        tuple[
            Annotated[
                str,
                Field(pattern="^[^@ ]+@[^@ ]+$"),
                Says("a verified e-mail address of the DigitalOcean account", "ops@example.com"),
            ],
            ...,
        ],
        Says("a list of e-mail addresses", "ops@example.com", "[0]"),
    ] = ()
    """Who is told when a droplet is short of processor, memory or disk; no alerts when empty."""

    @property
    def node_count(self) -> int:
        """How many proxies there are in all regions together."""
        return len(self.regions) * self.nodes_per_region


class OriginLock(Group):
    """What lets the load balancer tell CloudFront's requests from anybody else's."""

    generation: Annotated[int, Field(ge=1, le=1_000_000), Says(example="1")]
    """Number of the secret that CloudFront sends. Two are valid at any time, this one and the next;
    adding 1 makes CloudFront send the next. Add 1 only, and only after the load balancer accepts
    both that the stack's output `originSecrets` shows."""
    security_group: Annotated[
        Annotated[str, Field(pattern="^sg-[0-9a-f]{8,17}$")] | None,
        Says("the id of a security group", "sg-0123456789abcdef0"),
    ] = None
    """Security group of the load balancer that is to admit CloudFront's addresses. Rules are added
    to it; those that admit everybody are yours to remove. No rules are added when not set."""
    rules_per_security_group: Annotated[int, Field(ge=60, le=1000), Says(example="60")] = 60
    """The account's quota of inbound rules in a security group. CloudFront's addresses count as 55
    for each port."""


class Alarms(Group):
    """CloudWatch alarms for both paths, all of them in us-east-1."""

    topic_arn: Annotated[
        Annotated[str, Field(pattern="^arn:aws:sns:us-east-1:[0-9]{12}:[A-Za-z0-9_-]{1,256}$")],
        Says(
            "the ARN of an SNS topic in us-east-1",
            "arn:aws:sns:us-east-1:123456789012:edge-alarms",
        ),
    ]
    """Topic that is told when an alarm goes off and when it is over. It has to be in us-east-1, as
    the metrics of CloudFront and of Route 53's health checks are."""
    error_percent: Annotated[int, Field(ge=1, le=100), Says(example="5")] = 5
    """Share of CloudFront's answers that are server errors (5xx) which, for five minutes, is too
    much."""


class Dns(Group):
    """What the edge changes about the zone itself."""

    negative_ttl_seconds: Annotated[
        Annotated[int, Field(ge=30, le=86_400)] | None,
        Says("an integer from 30 to 86400", "60"),
    ] = None
    """How long resolvers keep the answer that a name has no record of a type. When it is set, the
    zone's SOA record is replaced by one with this TTL; it holds for the whole zone, and stays when
    the stack is gone. Route 53 begins with 900. An old path without proxies answers AAAA with
    nothing, so IPv6 clients stay with that answer for this long, while one that leads to CloudFront
    lives for 60 seconds: they move later than the weights say."""


class Settings(Group):
    """Everything the program is configured with, valid as a whole."""

    hostnames: Annotated[
        tuple[
            Annotated[
                str, AfterValidator(_hostname), Says("a DNS name in the zone", "api.example.com")
            ],
            ...,
        ],
        AfterValidator(_not_empty),
        Says("a list of at least one DNS name in the zone", "api.example.com", "[0]"),
    ]
    """Names the edge answers. The first is the one the certificate is issued to, at most 64
    characters long. Each gets A and AAAA records for both paths."""
    zone: Annotated[
        str, AfterValidator(_dns_name), Says("the name of a Route 53 hosted zone", "example.com")
    ]
    """Name of the public Route 53 hosted zone that all hostnames are in."""
    origin: Annotated[Origin, Says("an object with loadBalancer and kind", "api", ".loadBalancer")]
    """The load balancer the API is behind today."""
    traffic: Annotated[Traffic, Says("an object with direct and cdn", "100", ".direct")] = Traffic(
        direct=100, cdn=0
    )
    """Weights of the two paths, the same for A and AAAA. Deploying moves no user by default."""
    proxy: Annotated[Proxies | None, Says("an object with regions", "fra1", ".regions[0]")] = None
    """IPv6 proxies for the old path. Without them its AAAA records are answered empty."""
    distribution: Annotated[Distribution, Says("an object", "PriceClass_100", ".priceClass")] = (
        Distribution()
    )
    """Options of the CloudFront distribution."""
    origin_lock: Annotated[
        OriginLock | None, Says("an object with generation", "1", ".generation")
    ] = None
    """What keeps requests from passing CloudFront by. Refused for as long as the old path has any
    weight, for its users would be locked out."""
    alarms: Annotated[
        Alarms | None,
        Says(
            "an object with topicArn",
            "arn:aws:sns:us-east-1:123456789012:edge-alarms",
            ".topicArn",
        ),
    ] = None
    """Alarms for both paths; none when not set."""
    dns: Annotated[Dns, Says("an object", "60", ".negativeTtlSeconds")] = Dns()
    """What the edge changes about the zone itself."""
    certificate_arn: Annotated[
        Annotated[str, AfterValidator(_certificate_arn)] | None,
        Says(
            "the ARN of an ACM certificate in us-east-1",
            "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d",
        ),
    ] = None
    """Certificate to use, covering all hostnames; one is requested and validated when not set."""
    protect: Annotated[
        bool, Says(example="true", default=f"`true`, but `false` in stack `{UNPROTECTED_STACK}`")
    ] = True
    """Whether the distribution, the traffic records and the proxies' addresses refuse to be deleted
    or replaced."""
    aws: Annotated[Mapping[str, Any], Field(exclude=True, repr=False)] = {}
    """The stack's own `aws:` configuration but for the region, as arguments of `aws.Provider`.

    An explicit provider inherits none of it, so a certificate made through one in us-east-1 could
    land in another account than everything else. Values that are secret are `pydantic.Secret`.
    """

    def provider_arguments(self) -> dict[str, Any]:
        """Return `aws` with secrets as secret outputs, so that the state keeps them encrypted."""
        return {
            name: pulumi.Output.secret(cast("Secret[Any]", value).get_secret_value())
            if isinstance(value, Secret)
            else value
            for name, value in self.aws.items()
        }

    def arguments(self) -> DualStackEdgeArgs:
        """Return the settings as the arguments of a `DualStackEdge`."""
        plain = self.model_dump(mode="json", by_alias=False, exclude_none=True)
        return cast("DualStackEdgeArgs", {**plain, "provider_arguments": self.provider_arguments()})


KEYS: Final = fields_of(Settings)
"""The keys of the namespace, in the order messages and documents use."""

_place = partial(Place.of, NAMESPACE, KEYS)


# ---- reading ------------------------------------------------------------------------------------


def load() -> Settings:
    """Read the configuration of the running stack.

    Returns:
        The settings, valid as a whole.

    Raises:
        SettingsError: Something is missing, unknown or not allowed; lists every fault.
    """
    # `pulumi.Config` can be asked for a key but not for all keys, and a misspelt key is one nobody
    # asks for; so the keys come from the two places the runtime itself takes values from.
    keys = {
        *pulumi.runtime.config.CONFIG.get(),
        *pulumi.runtime.get_config_env(),
        *(f"{NAMESPACE}:{key}" for key in KEYS),
    }
    raw = {
        key: value
        for key in keys
        if (value := pulumi.Config(key.rpartition(":")[0]).get(key.rpartition(":")[2])) is not None
    }
    secret = {key for key in raw if pulumi.runtime.is_config_secret(key)}
    return parse(raw, stack=pulumi.get_stack(), secret=secret)


def from_arguments(name: str, arguments: DualStackEdgeArgs) -> Settings:
    """Turn the arguments of a `DualStackEdge` into settings, by the rules of the configuration.

    Args:
        name: Name of the edge.
        arguments: Its arguments, from a program in whatever language.

    Returns:
        The settings, valid as a whole; the provider's arguments are in `aws`.

    Raises:
        SettingsError: Something is missing, unknown or not allowed; lists every fault.
    """
    given = dict(cast("Mapping[str, Any]", arguments))
    provider = cast("Mapping[str, Any]", given.pop("provider_arguments", None) or {})
    raw: dict[str, str] = {}
    faults: list[Fault] = []
    for key, value in given.items():
        if value is None:
            continue
        try:
            plain = _plain(value)
        except TypeError:
            faults.append(
                Fault(
                    f"{NAMESPACE}:{to_camel(key)}",
                    "an output, or holds one",
                    "a plain value, known before anything is made",
                    "",
                )
            )
            continue
        raw[f"{NAMESPACE}:{to_camel(key)}"] = plain if isinstance(plain, str) else json.dumps(plain)
    try:
        settings = parse(raw, stack="")
    except SettingsError as error:
        there = {fault.what for fault in faults}
        faults += [fault for fault in error.faults if fault.what not in there]
    else:
        named = {
            _PROVIDER_ARGUMENTS.get(key, (key,))[0]: (
                int(value) if isinstance(value, float) and value.is_integer() else value
            )
            for key, value in provider.items()
        }
        if not faults:
            return settings.model_copy(update={"aws": named})
    told = [_of_an_argument(fault) for fault in faults]
    raise SettingsError(f"{len(told)} of the arguments of {name} cannot be used", told)


def _plain(value: Any) -> Any:
    """Return a value with the configuration's own spelling of keys and whole numbers.

    Numbers that come from programs in other languages are floats.

    Raises:
        TypeError: It is not plain.
    """
    match value:
        case Mapping():
            items = cast("Mapping[str, Any]", value).items()
            return {to_camel(key): _plain(item) for key, item in items if item is not None}
        case list() | tuple():
            return [_plain(item) for item in cast("Sequence[Any]", value)]
        case float() if value.is_integer():
            return int(value)
        case str() | int() | float() | bool() | None:
            return value
        case _:
            raise TypeError(value)


def _of_an_argument(fault: Fault) -> Fault:
    """Return a fault as the author of a program reads it, who has no configuration to set."""
    remedy = fault.remedy
    if "pulumi config" in remedy or not remedy:
        remedy = "Change it in the program."
    return replace(fault, what=fault.what.removeprefix(f"{NAMESPACE}:"), remedy=remedy)


def parse(raw: Mapping[str, str], *, stack: str, secret: Collection[str] = ()) -> Settings:
    """Turn configuration into settings.

    Args:
        raw: The values as the engine hands them out, by full key (`dualstack-edge:zone`): text, or
            JSON where the value is nested. Keys of other namespaces than ours and `aws` are left
            alone. Empty text and an empty object mean that a key is not set, for the engine
            insists on a default for every key that `Pulumi.yaml` declares.
        stack: Name of the stack.
        secret: The full keys whose values are secret; no message shows them.

    Returns:
        The settings, valid as a whole.

    Raises:
        SettingsError: Something is missing, unknown or not allowed; lists every fault.
    """
    # Text from outside may hold halves of surrogate pairs, which JSON readers stumble over.
    raw = {key: value.encode(errors="replace").decode() for key, value in raw.items()}
    ours = {
        key.removeprefix(f"{NAMESPACE}:"): value
        for key, value in raw.items()
        if key.startswith(f"{NAMESPACE}:") and value.strip() not in ("", "{}")
    }
    masked = {key.removeprefix(f"{NAMESPACE}:") for key in secret}
    values: dict[str, Any] = {"protect": stack != UNPROTECTED_STACK}
    faults: list[Fault] = []
    for key, field in KEYS.items():
        if key in ours:
            try:
                values[key] = _read(key, ours[key])
            except ValidationError as error:
                faults += [
                    explain(NAMESPACE, KEYS, (key, *e["loc"]), e, masked=key in masked)
                    for e in error.errors()
                ]
        elif field.is_required():
            faults.append(not_set(_place((key,))))
    faults += _name_faults(ours, values, masked)
    faults += _pool_faults(values, masked)
    if "traffic" in values or "traffic" not in ours:
        faults += _lock_faults(values, masked)
    faults += [unknown(_place((key,)), key) for key in sorted(ours.keys() - KEYS)]
    values["aws"], aws_faults = _aws_arguments(raw, secret)
    faults += aws_faults
    if faults:
        count = f"{len(faults)} setting{'s' if len(faults) > 1 else ''}"
        raise SettingsError(f"{count} of stack {stack} cannot be used", faults)
    return Settings.model_validate(values)


_TYPES: Final = get_type_hints(Settings, include_extras=True)
_ADAPTERS: Final[Mapping[str, TypeAdapter[Any]]] = {
    to_camel(name): TypeAdapter(_TYPES[name]) for name in _TYPES if to_camel(name) in KEYS
}


def _read(key: str, text: str) -> Any:
    """Read the value of one key: text as it is, everything else as JSON."""
    if is_text(KEYS[key]):
        return _ADAPTERS[key].validate_python(text, strict=True)
    return _ADAPTERS[key].validate_json(text, strict=True, by_alias=True, by_name=False)


def _name_faults(
    raw: Mapping[str, str], values: Mapping[str, Any], masked: Collection[str]
) -> Iterator[Fault]:
    """Compare hostnames with the zone and with each other, also when one of them is no name."""
    seen: dict[str, int] = {}
    for index, hostname in _valid_hostnames(raw.get("hostnames", "")):
        place = _place(("hostnames", index))
        found = shown(hostname, masked="hostnames" in masked)
        zone = values.get("zone")
        if zone is not None and hostname != zone and not hostname.endswith(f".{zone}"):
            suffix = "[secret]" if "zone" in masked else zone
            yield Fault(
                place.name,
                found,
                f"{suffix} or a name that ends in .{suffix}, the zone its records go to",
                f"Change {NAMESPACE}:zone, or set it with: {place.set_command()}",
            )
        if hostname in seen:
            first = _place(("hostnames", seen[hostname])).name
            remedy = f"Remove it with: {place.remove_command()}"
            yield Fault(place.name, found, f"a name listed once, and {first} is the same", remedy)
        seen.setdefault(hostname, index)
        # The common name of a certificate is shorter than a DNS name may be.
        # Source: ACM API Reference, RequestCertificate, DomainName.
        if index == 0 and len(hostname) > 64 and "certificateArn" not in raw:  # noqa: PLR2004 - ACM's
            yield Fault(
                place.name,
                f"{found} ({len(hostname)} characters)",
                "at most 64 characters for the first hostname, which the certificate is issued to",
                "Put a shorter hostname first, or bring a certificate of your own: "
                f"{_place(('certificateArn',)).set_command()}",
            )


def _pool_faults(values: Mapping[str, Any], masked: Collection[str]) -> Iterator[Fault]:
    """Compare the proxies with the load balancer and with what the account may have."""
    match values:
        case {"proxy": Proxies() as pool}:
            pass
        case _:
            return
    origin: Origin | None = values.get("origin")
    kind = origin.kind if origin else "network"  # what is wrong with an origin is told already
    if pool.proxy_protocol and kind not in ("classic", "network"):
        place = _place(("proxy", "proxyProtocol"))
        yield Fault(
            place.name,
            f"{shown(value=True, masked='proxy' in masked)}, and the load balancer is "
            + ("of an unknown kind" if kind is None else "an application load balancer"),
            "true for a classic or network load balancer only: an application load balancer cannot "
            "read the header and takes it for a broken request",
            f"Set it with: {place.set_command()}",
        )
    if pool.node_count > pool.reserved_ipv6_quota:
        place = _place(("proxy", "reservedIpv6Quota"))
        count = shown(pool.node_count, masked="proxy" in masked)
        quota = shown(pool.reserved_ipv6_quota, masked="proxy" in masked)
        yield Fault(
            f"{NAMESPACE}:proxy",
            f"a pool of {count} proxies",
            f"as many as the account may have reserved addresses, {place.name}, which is {quota}",
            "Take fewer regions or nodes, or ask DigitalOcean's support for more addresses, then: "
            f"{place.set_command()}",
        )
    if pool.ssh_source_ranges and not pool.ssh_keys:
        place = _place(("proxy", "sshSourceRanges"))
        yield Fault(
            place.name,
            shown(pool.ssh_source_ranges, masked="proxy" in masked),
            "empty where proxy.sshKeys is: there is no password to log in with",
            f"Set proxy.sshKeys, or remove it with: {place.remove_command()}",
        )


def origin_ports(origin: Origin) -> tuple[int, ...]:
    """Return the ports that CloudFront connects to."""
    match origin.protocol:
        case "https-only":
            return (origin.https_port,)
        case "http-only":
            return (origin.http_port,)
        case "match-viewer":
            return (origin.http_port, origin.https_port)


def _lock_faults(values: Mapping[str, Any], masked: Collection[str]) -> Iterator[Fault]:
    """Say what keeps the load balancer from being locked."""
    match values:
        case {"originLock": OriginLock() as lock}:
            pass
        case _:
            return
    traffic: Traffic = values.get("traffic", Traffic(direct=100, cdn=0))
    if traffic.direct:
        yield Fault(
            f"{NAMESPACE}:originLock",
            f"set, and traffic.direct is {shown(traffic.direct, masked='traffic' in masked)}",
            "not set for as long as the old path has weight: its users and the proxies bring no "
            "secret and come from addresses of their own, so the lock would shut them out",
            "Move all traffic first and wait until the old path is empty, or remove it with: "
            f"pulumi config rm {NAMESPACE}:originLock",
        )
    origin: Origin | None = values.get("origin")
    needed = PREFIX_LIST_WEIGHT * len(origin_ports(origin)) if origin else 0
    if lock.security_group and needed > lock.rules_per_security_group:
        place = _place(("originLock", "rulesPerSecurityGroup"))
        yield Fault(
            place.name,
            shown(lock.rules_per_security_group, masked="originLock" in masked),
            f"at least {needed}, because the addresses of CloudFront count as {PREFIX_LIST_WEIGHT} "
            "rules for each port, and match-viewer uses two",
            "Set origin.protocol to https-only; or have AWS raise the quota 'Inbound or outbound "
            f"rules per security group', then: {place.set_command('200')}",
        )


def _valid_hostnames(text: str) -> Iterator[tuple[int, str]]:
    """Yield the entries that are hostnames, with their index."""
    try:
        entries = from_json(text)
    except ValueError:
        return
    for index, entry in enumerate(cast("list[Any]", entries) if isinstance(entries, list) else ()):
        try:
            yield index, _hostname(str(entry))
        except (ValueError, PydanticCustomError):
            continue


_PROVIDER_ARGUMENTS: Final[Mapping[str, tuple[str, bool]]] = {
    to_camel(name): (name, str in get_args(hint))
    for name, hint in aws.ProviderArgs.__init__.__annotations__.items()
    if name != "region"
}
"""Argument of `aws.Provider` for each key of namespace `aws`, and whether its value is text."""

_CREDENTIALS: Final = ("access_key", "secret_key", "token")


def _aws_arguments(
    raw: Mapping[str, str], secret: Collection[str]
) -> tuple[dict[str, Any], list[Fault]]:
    """Return the arguments an explicit provider needs to be like the stack's default one.

    Keys that `aws.Provider` does not know are left for the default provider to complain about.
    """
    arguments: dict[str, Any] = {}
    faults: list[Fault] = []
    for key, text in sorted(raw.items()):
        namespace, _, short = key.partition(":")
        if namespace != "aws" or short not in _PROVIDER_ARGUMENTS or text == "":
            continue
        name, is_text = _PROVIDER_ARGUMENTS[short]
        try:
            value = text if is_text else from_json(text, allow_inf_nan=False)
        except ValueError:
            found = shown(text, masked=key in secret)
            remedy = (
                f"Set it with pulumi config set --path {key}, or remove it: pulumi config rm {key}"
            )
            faults.append(
                Fault(key, found, "JSON, as pulumi_aws.ProviderArgs describes it", remedy)
            )
            continue
        arguments[name] = Secret(value) if key in secret or name in _CREDENTIALS else value
    return arguments, faults
