"""The settings of the new path: the load balancer as CloudFront's origin, and the distribution."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import (
    AfterValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, InitErrorDetails

from components.settings import values
from components.settings.fields import SET, Group, Remedy, Says, refusal

_LOOKED_UP: Final = ("loadBalancer", "kind")
_AS_GIVEN: Final = ("domainName", "hostedZoneId")

CERTIFICATE_NAMES: Final = 10
"""Names on one certificate of ACM, until AWS raises the quota, which it does to 100 at most.

Source: AWS Certificate Manager User Guide, 'Quotas'."""

DISTRIBUTION_NAMES: Final = 100
"""Alternate domain names of one distribution, until AWS raises the quota.

Source: Amazon CloudFront Developer Guide, 'Quotas'."""


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
        Annotated[str, AfterValidator(values.dns_name)] | None,
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
        int,
        AfterValidator(values.origin_port),
        Says("80, 443 or an integer from 1024 to 65535", "80"),
    ] = 80
    """Port of the load balancer's HTTP listener."""
    https_port: Annotated[
        int,
        AfterValidator(values.origin_port),
        Says("80, 443 or an integer from 1024 to 65535", "443"),
    ] = 443
    """Port of the load balancer's HTTPS listener."""
    connect_attempts: Annotated[int, Field(ge=1, le=3), Says(example="3")] = 3
    """How often CloudFront tries to connect before it answers 502 or 504."""
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=10), Says(example="10")] = 10
    """How long each of those attempts may take."""
    read_timeout_seconds: Annotated[int, Field(ge=30, le=120), Says(example="60")] = 60
    """How long CloudFront waits for the API to answer, and between packets of an answer. Less than
    its own 30 would cut off answers that direct gives, so `origin-answers` would find it.
    The default is not CloudFront's 30 but the idle timeout a load balancer has by default, so that
    a slow request that is answered today is not cut off with a 504 on the new path."""
    keepalive_timeout_seconds: Annotated[int, Field(ge=1, le=120), Says(example="5")] = 5
    """How long CloudFront keeps an idle connection. Keep it below the load balancer's own timeout,
    or CloudFront sends requests down connections that are being closed."""

    @model_validator(mode="wrap")
    @classmethod
    def _one_form(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # Around the fields' own checks, not after them: "after" does not run once a port is
        # wrong, and the user would see the second fault only when the first is mended.
        errors: list[InitErrorDetails] = []
        try:
            origin = handler(data)
        except ValidationError as error:
            origin = None
            errors += [_again(details) for details in error.errors()]
        if isinstance(data, dict):
            errors += _form_errors(cast("dict[str, Any]", data))
        if errors or origin is None:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return origin

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that CloudFront connects to."""
        match self.protocol:
            case "https-only":
                return (self.https_port,)
            case "http-only":
                return (self.http_port,)
            case "match-viewer":
                return (self.http_port, self.https_port)


def _form_errors(origin: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    """Say what keeps an origin from being either looked up or given."""
    present = {to_camel(key) for key, value in origin.items() if value is not None}
    looked_up = present.intersection(_LOOKED_UP)
    as_given = present.intersection(_AS_GIVEN)
    if bool(looked_up) == bool(as_given):
        allowed = (
            "loadBalancer and kind (looked up) or domainName and hostedZoneId (as given), "
            + ("not both" if looked_up else "and neither is there")
        )
        keep_given = as_given == set(_AS_GIVEN) and looked_up != set(_LOOKED_UP)
        others = sorted(looked_up if keep_given else as_given)
        remedy = (
            Remedy(
                command="remove",
                lead="Remove one of the two, such as with",
                removed=tuple(("origin", key) for key in others),
            )
            if looked_up
            else SET
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
        AfterValidator(values.bucket),
        Says("the name of an S3 bucket, without .s3.amazonaws.com", "example-edge-logs"),
    ]
    """Name of the bucket. It needs ACLs enabled: CloudFront grants itself access with one."""
    prefix: Annotated[
        str,
        Field(pattern=r"^([^/\pC][^\pC]*)?$", max_length=256),
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
    """What viewers may speak. The default follows from what the API can tell apart: where
    CloudFront speaks HTTPS only to the origin, a plain HTTP request would look like HTTPS to the
    API, and the redirect or refusal of today's load balancer would be lost unnoticed. If it serves
    plain HTTP, use `match-viewer` for the origin. `redirect-to-https` turns the POST
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
    logs: Annotated[
        Logs | None, Says("an object with bucket", '{"bucket": "example-edge-logs"}')
    ] = None
    """Standard access logs; none when not set."""
    hostnames_quota: Annotated[
        Annotated[int, Field(ge=1, le=1_000)] | None,
        Says(
            "an integer from 1 to 1000",
            "50",
            default="`10`, but `100` with `certificateArn`",
        ),
    ] = None
    """How many hostnames the account may have on one certificate of ACM, and on one distribution.
    AWS allows 10 and 100 until it is asked for more; ACM goes up to 100."""
    retain_on_delete: Annotated[bool, Says(example="true")] = False
    """Whether a distribution that leaves the stack goes on running, for users whose resolvers
    still point at it. Its hostnames stay taken until it is deleted by hand."""

    def names_quota(self, *, own_certificate: bool) -> int:
        """Return how many hostnames the account may have on one certificate and distribution.

        Args:
            own_certificate: Whether the certificate is given, and so not made here.
        """
        default = DISTRIBUTION_NAMES if own_certificate else CERTIFICATE_NAMES
        return self.hostnames_quota or default
