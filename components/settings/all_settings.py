"""The settings as a whole.

What a setting means, may be and defaults to is said once: by the docstring under the field, its
type and its limits. Messages and `docs/settings.md` are made from that; a test compares
`Pulumi.yaml` with it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

import pulumi
from pydantic import AfterValidator, Field, Secret, model_validator

from components.arguments import DualStackEdgeArgs
from components.facts import WHOLE_WEIGHT, Declared, Path
from components.settings import values
from components.settings.cdn import Distribution, Origin
from components.settings.fields import Group, Says, fields_of
from components.settings.kill_switch import KillSwitch
from components.settings.proxies import Proxies
from components.settings.shift import Shift

NAMESPACE: Final = "dualstack-edge"
"""Namespace of the keys; the project's name in `Pulumi.yaml`."""

UNPROTECTED_STACK: Final = "sandbox"
"""The one stack whose resources may be deleted without asking: it lives on this machine."""


class Traffic(Group):
    """How DNS answers are shared between the old path and the new one, in percent."""

    direct: Annotated[values.Weight, Says(example="100")]
    """Weight of the old path, straight to the load balancer."""
    cdn: Annotated[values.Weight, Says(example="0")]
    """Weight of the new path, through CloudFront."""

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, given: Any) -> Any:
        """Refuse another sum before any field is, so that the refusal can name a pair."""
        match given:
            case dict():
                refused = values.weights_refused(cast("dict[str, Any]", given))
            case _:
                refused = None
        if refused:
            raise refused
        return cast("Any", given)

    @property
    def whole_path(self) -> Path | None:
        """The path that has everybody; None where both have weight."""
        whole: Mapping[int, Path] = {WHOLE_WEIGHT: "direct", 0: "cdn"}
        return whole.get(self.direct)


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
    """Topic that gets a message when an alarm goes off and when it is over. It has to be in
    us-east-1, as the metrics of CloudFront and of Route 53's health checks are."""
    error_percent: Annotated[int, Field(ge=1, le=100), Says(example="5")] = 5
    """Share of CloudFront's answers that are server errors (5xx) which, for five minutes, is too
    much."""


class Dns(Group):
    """Which records the stack declares, and what it changes about the zone itself."""

    records: Annotated[Declared, Says(example="weighted")] = "weighted"
    """Which records of the hostnames the stack declares. `weighted`: A and AAAA of both paths, with
    the weights of `traffic`. `none`: none of them, while somebody else's records serve: everything
    else is deployed, and can be verified, before `dualstack adopt` takes them over. `simple`: one A
    and one AAAA record, which lead to the path that has everybody, as `dualstack release` leaves
    them; `traffic` has to be 100 and 0, or 0 and 100. The two commands change this setting. Changed
    by hand it is refused where records that serve would be deleted."""
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
                str,
                AfterValidator(values.hostname),
                Says("a DNS name in the zone", "api.example.com"),
            ],
            ...,
        ],
        AfterValidator(values.not_empty),
        Says("a list of at least one DNS name in the zone", '["api.example.com"]'),
    ]
    """Names the edge answers. The first is the one the certificate is issued to, at most 64
    characters long. Each gets A and AAAA records for both paths."""
    zone: Annotated[
        str,
        AfterValidator(values.dns_name),
        Says("the name of a Route 53 hosted zone", "example.com"),
    ]
    """Name of the public Route 53 hosted zone that all hostnames are in."""
    origin: Annotated[
        Origin,
        Says(
            "an object with loadBalancer and kind", '{"loadBalancer": "api", "kind": "application"}'
        ),
    ]
    """The load balancer the API is behind today."""
    traffic: Annotated[
        Traffic, Says("an object with direct and cdn", '{"direct": 100, "cdn": 0}')
    ] = Traffic(direct=100, cdn=0)
    """Weights of the two paths, the same for A and AAAA, which add up to 100. Deploying moves no
    user by default."""
    proxy: Annotated[Proxies | None, Says("an object with regions", '{"regions": ["fra1"]}')] = None
    """IPv6 proxies for the old path. Without them its AAAA records are answered empty."""
    distribution: Annotated[Distribution, Says("an object", '{"priceClass": "PriceClass_100"}')] = (
        Distribution()
    )
    """Options of the CloudFront distribution."""
    origin_lock: Annotated[
        OriginLock | None, Says("an object with generation", '{"generation": 1}')
    ] = None
    """What keeps requests from passing CloudFront by. Refused for as long as the old path has any
    weight, because its users would be locked out."""
    alarms: Annotated[
        Alarms | None,
        Says(
            "an object with topicArn",
            '{"topicArn": "arn:aws:sns:us-east-1:123456789012:edge-alarms"}',
        ),
    ] = None
    """Alarms for both paths; none when not set."""
    kill_switch: Annotated[
        KillSwitch | None,
        Says(
            "an object with url",
            '{"url": "https://example-edge-switch.s3.eu-west-1.amazonaws.com/drain"}',
        ),
    ] = None
    """A health check by which `dualstack shift abort --switch` leads everybody back to the old path
    when Route 53's control plane does not answer; none when not set. Turn it on while `cdn` has no
    weight, and try it before you rely on it."""
    dns: Annotated[Dns, Says("an object", '{"negativeTtlSeconds": 60}')] = Dns()
    """Which records the stack declares, and what it changes about the zone itself."""
    shift: Annotated[Shift | None, Says("an object", '{"steps": [1, 5, 10, 25, 50, 100]}')] = None
    """How `dualstack shift` leads traffic from the old path to the new one, and what `dualstack
    simulate` foretells. The program ignores it. Every default holds when it is not set."""
    certificate_arn: Annotated[
        Annotated[str, AfterValidator(values.certificate_arn)] | None,
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
    """The stack's own `aws:` configuration except the region, as arguments of `aws.Provider`.

    An explicit provider inherits none of it, so a certificate made through one in us-east-1 could
    land in another account than everything else. Values that are secret are `pydantic.Secret`.
    """

    digitalocean: Annotated[Mapping[str, Any], Field(exclude=True, repr=False)] = {}
    """`token` and `apiEndpoint` of the stack's own `digitalocean:` configuration, for questions
    that Pulumi's provider has no look-up for. The token is a `pydantic.Secret`."""

    def provider_arguments(self) -> dict[str, Any]:
        """Return `aws` with secrets as secret outputs, so that the state keeps them encrypted."""
        return {
            name: pulumi.Output.secret(cast("Secret[Any]", value).get_secret_value())
            if isinstance(value, Secret)
            else value
            for name, value in self.aws.items()
        }

    def arguments(self) -> DualStackEdgeArgs:
        """Return the settings as the arguments of a `DualStackEdge`, for a program to change."""
        plain = self.model_dump(mode="json", by_alias=False, exclude_none=True)
        return cast("DualStackEdgeArgs", {**plain, "provider_arguments": self.provider_arguments()})


KEYS: Final = fields_of(Settings)
"""The keys of the namespace, in the order messages and documents use."""
