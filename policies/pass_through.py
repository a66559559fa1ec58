"""What a distribution may have set and still pass everything through: every property, one by one.

A list of what is forbidden is silent about what nobody thought of: country lists, signed URLs, a
path that the origin gets in front. So the claim is made the other way round. Each property that the
AWS provider has is in the table here as harmless, with the reason, as one that has to be empty, as
one that has to have certain values, or as one of which is said that nobody judges it. A property
that is not in the table is said as well, and a test compares the table with the provider's own
list.

Source: CloudFront API Reference, "DistributionConfig", "Origin" and "DefaultCacheBehavior";
CloudFront Developer Guide, "Request and response behavior for custom origins".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from policies.model import Finding, Place, Value, number, show


@dataclass(frozen=True)
class Treatment:
    """What is made of a property.

    Attributes:
        why: Why it is harmless, or what is done about it otherwise.
        judge: Yields what is wrong with it; None where nothing can be.
        whole: Whether it is judged as a whole, so that nobody looks at its parts.
        elsewhere: Whether what it is as a whole decides nothing here, or other rules say it.
    """

    why: str
    judge: Callable[[Place], Iterator[Finding]] | None = None
    whole: bool = False
    elsewhere: bool = False


@dataclass(frozen=True, eq=False)
class Properties(Mapping[str, Treatment]):
    """Treatments by path, in the order in which they are reported."""

    treatments: Mapping[str, Treatment]

    def __getitem__(self, path: str) -> Treatment:
        """Return the treatment of the property at a path."""
        return self.treatments[path]

    def __iter__(self) -> Iterator[str]:
        """Yield the paths."""
        return iter(self.treatments)

    def __len__(self) -> int:
        """Return how many paths there are."""
        return len(self.treatments)

    @cached_property
    def below(self) -> Mapping[str, Mapping[str, Treatment]]:
        """The properties of each object, by its path; that of the whole is empty."""
        below: dict[str, dict[str, Treatment]] = {}
        for path, treatment in self.treatments.items():
            above, _, key = path.rpartition(".")
            below.setdefault(above, {})[key] = treatment
        return below


def harmless(why: str) -> Treatment:
    """Return that a property and its parts, whatever they are, change no answer."""
    return Treatment(why, whole=True)


def parts(why: str = "Its parts are judged.", *, elsewhere: bool = False) -> Treatment:
    """Return that the parts of a property are judged one by one."""
    return Treatment(why, elsewhere=elsewhere)


def empty(effect: str) -> Treatment:
    """Return that a property has to be left out, because of what it does."""
    fix = f"Leave it out: {effect}."

    def judge(place: Place) -> Iterator[Finding]:
        if not is_empty(place.value):
            yield place.finding("absent", fix)

    return Treatment(effect, judge, whole=True)


def not_judged(doubt: str) -> Treatment:
    """Return that nobody judges a property, which is said as advice where it is set."""
    fix = f"No rule judges it: {doubt}."

    def judge(place: Place) -> Iterator[Finding]:
        if place.unknown or not is_empty(place.value):
            yield place.advice("absent as well", fix)

    return Treatment(doubt, judge, whole=True)


def must(allowed: str, passes: Callable[[Value], bool], fix: str) -> Treatment:
    """Return that a property has to have certain values; absent has to be one of them."""

    def judge(place: Place) -> Iterator[Finding]:
        if not passes(place.value):
            yield place.finding(allowed, fix)

    return Treatment(fix, judge, whole=True)


def is_empty(value: Value) -> bool:
    """Say whether nothing is set: absent, off, 0, or an object or list of nothing else.

    The provider's state writes such values for what a program left out.
    """
    if isinstance(value, dict):
        return all(is_empty(part) for part in value.values())
    if isinstance(value, list):
        return all(is_empty(part) for part in value)
    return value in (None, "", False, 0)


LEAST_READ_SECONDS: Final = 30
"""CloudFront's own default; a shorter one gives up on answers that a load balancer waits for.

Source: CloudFront Developer Guide, "Response timeout"; Elastic Load Balancing, "Connection idle
timeout", 60 seconds.
"""
LEAST_CONNECT_SECONDS: Final = 10
"""Seconds of all attempts together below which a slow connection is worth a word."""


def _timeout(place: Place) -> Iterator[Finding]:
    seconds = number(place.value)
    # The provider's state writes 0 where nothing is set, which is CloudFront's default.
    if place.value is not None and (seconds is None or 0 != seconds < LEAST_READ_SECONDS):
        yield place.finding(
            f"{LEAST_READ_SECONDS} seconds or more",
            f"Set it to {LEAST_READ_SECONDS} or more: what takes the API longer is answered with "
            "504.",
        )


def _connect(place: Place) -> Iterator[Finding]:
    seconds = number(place.value)
    if seconds is not None and 0 < seconds < LEAST_CONNECT_SECONDS:
        yield place.advice(
            f"{LEAST_CONNECT_SECONDS} seconds as well",
            "No rule judges it: where the origin is slow to take a connection, CloudFront answers "
            "with 504.",
        )


_FIELDS: Final = """
    a-im accept accept-charset accept-datetime accept-encoding accept-language authorization
    baggage cache-control connection cookie cookie2 date depth destination dnt dpop early-data
    expect forwarded from host http2-settings if if-match if-modified-since if-none-match if-range
    if-unmodified-since keep-alive last-event-id link max-forwards mime-version origin overwrite
    pragma prefer priority proxy-authorization proxy-connection range referer save-data signature
    signature-input soapaction te timeout traceparent tracestate trailer transfer-encoding upgrade
    upgrade-insecure-requests user-agent via want-content-digest want-digest want-repr-digest
    warning x-api-key x-auth-token x-client-ip x-correlation-id x-csrf-token x-forwarded-for
    x-forwarded-host x-forwarded-port x-forwarded-proto x-http-method-override x-real-ip
    x-request-id x-requested-with x-xsrf-token
"""
REQUEST_FIELDS: Final = frozenset(_FIELDS.split())
"""Fields that clients send, in small letters.

Source: IANA, "Hypertext Transfer Protocol (HTTP) Field Name Registry", requests; the fields that
begin with X- are no standard, and in use.
"""
REQUEST_FAMILIES: Final = (
    *("accept-", "access-control-", "content-", "if-", "proxy-", "sec-", "x-b3-", "x-forwarded-"),
)
"""How the names of further such fields begin."""
LOCKS: Final = frozenset({"x-origin-secret"})
"""Headers that clients have no reason to send, known to be harmless."""


def _header(place: Place) -> Iterator[Finding]:
    """Judge the name of a header that CloudFront puts in the place of the client's own."""
    if place.unknown:
        yield place.finding("the name of a header that no client sends", "Write the name out.")
    if not isinstance(place.value, str) or place.value.lower() in LOCKS:
        return
    name = place.value.lower()
    if name in REQUEST_FIELDS or name.startswith(REQUEST_FAMILIES):
        yield place.finding(
            "the name of a header that no client sends",
            "Take another name: CloudFront puts its value in the place of what the client sent.",
        )
    elif name:
        yield place.advice(
            "one that no client sends",
            "No rule knows who sends it: CloudFront's value takes the place of a client's.",
        )


def _bucket(place: Place) -> Iterator[Finding]:
    """Judge an origin's name: a bucket is no API."""
    name = place.value
    if not isinstance(name, str):
        return
    labels = name.lower().removesuffix(".").removesuffix(".cn").removesuffix(".amazonaws.com")
    if name.lower().removesuffix(".").endswith((".amazonaws.com", ".amazonaws.com.cn")) and any(
        label == "s3" or label.startswith(("s3-", "s3express-")) for label in labels.split(".")
    ):
        yield place.finding(
            "the name of the API's load balancer",
            "Lead to the API: a bucket answers with files, and refuses POST.",
        )


OUTPUT: Final = harmless("AWS says it, nobody sets it.")
CERTIFICATE: Final = harmless("Which certificate and which TLS is the matter of viewer-tls.")
FORWARDED: Final = harmless("caching-off and the rules about forwarding judge it.")
LOG: Final = harmless("A log changes no answer.")
TTL: Final = harmless("caching-off judges what is cached.")
FUNCTION: Final = empty("a function can answer, refuse, redirect and rewrite")
SIGNED: Final = empty("CloudFront answers 403 to every request that is not signed")

BEHAVIOR: Final = Properties(
    {
        "allowedMethods": harmless("methods-allowed judges it."),
        "cachePolicyId": harmless("caching-off judges it."),
        "cachedMethods": harmless("Where caching is off it decides nothing."),
        "compress": not_judged(
            "CloudFront compresses what a cache policy allows; with CachingDisabled it does not"
        ),
        "defaultTtl": TTL,
        "fieldLevelEncryptionId": empty("CloudFront encrypts fields of the requests"),
        "forwardedValues": parts(elsewhere=True),
        "forwardedValues.cookies": parts(elsewhere=True),
        "forwardedValues.cookies.forward": FORWARDED,
        "forwardedValues.cookies.whitelistedNames": FORWARDED,
        "forwardedValues.headers": FORWARDED,
        "forwardedValues.queryString": FORWARDED,
        "forwardedValues.queryStringCacheKeys": FORWARDED,
        "functionAssociations": FUNCTION,
        "grpcConfig": not_judged("CloudFront sends gRPC over HTTP/2, and refuses it over less"),
        "lambdaFunctionAssociations": FUNCTION,
        "maxTtl": TTL,
        "minTtl": TTL,
        "originRequestPolicyId": harmless("The rules about forwarding judge it."),
        "pathPattern": harmless("Every behaviour is judged alike."),
        "realtimeLogConfigArn": LOG,
        "responseHeadersPolicyId": empty("it adds, replaces and removes headers of answers"),
        "smoothStreaming": not_judged(
            "CloudFront treats requests for Smooth Streaming in its own way"
        ),
        "targetOriginId": harmless("Every origin is judged alike, and groups have to be absent."),
        "trustedKeyGroups": SIGNED,
        "trustedSigners": SIGNED,
        "viewerProtocolPolicy": must(
            '"allow-all" or "https-only"',
            lambda value: value in ("allow-all", "https-only"),
            'Set it to "allow-all" to pass plain HTTP on, or to "https-only" to refuse it.',
        ),
    }
)
"""The properties of a behaviour, the default one or an ordered one."""

DISTRIBUTION_PROPERTIES: Final = Properties(
    {
        "aliases": harmless("alias-targets-valid judges which names it has to have."),
        "anycastIpListId": not_judged(
            "which addresses such a list has in which family is not seen"
        ),
        "arn": OUTPUT,
        "cacheTagConfig": not_judged("what becomes of the header that has the tags is not known"),
        "callerReference": OUTPUT,
        "comment": harmless("A note."),
        "connectionFunctionAssociation": empty("a function can refuse connections"),
        "continuousDeploymentPolicyId": empty(
            "another distribution answers a part of the requests"
        ),
        "customErrorResponses": parts(elsewhere=True),
        "customErrorResponses.errorCachingMinTtl": harmless("error-caching-off judges it."),
        "customErrorResponses.errorCode": harmless("error-caching-off judges it."),
        "customErrorResponses.responsePagePath": empty("clients get the API's own body without it"),
        "customErrorResponses.responseCode": empty("clients get the API's own status without it"),
        "defaultCacheBehavior": harmless("`BEHAVIOR` has its parts."),
        "defaultRootObject": empty("a request for / has to reach the API"),
        "domainName": OUTPUT,
        "enabled": must(
            "true",
            lambda value: value is True or value is None,  # the provider refuses an absent one
            "Set it to true: one that is off answers nobody.",
        ),
        "etag": OUTPUT,
        "hostedZoneId": OUTPUT,
        "httpVersion": harmless("http3-after-shift judges it; older versions always work."),
        "id": OUTPUT,
        "inProgressValidationBatches": OUTPUT,
        "isIpv6Enabled": harmless("ipv6-enabled judges it."),
        "lastModifiedTime": OUTPUT,
        "loggingConfig": parts(elsewhere=True),
        "loggingConfig.bucket": LOG,
        "loggingConfig.includeCookies": LOG,
        "loggingConfig.prefix": LOG,
        "loggingV1Enabled": OUTPUT,
        "orderedCacheBehaviors": harmless("`BEHAVIOR` has its parts."),
        "originGroups": empty("on some answers of the first origin a client gets another one's"),
        "origins": parts(),
        "origins.connectionAttempts": harmless("How often CloudFront tries, before any request."),
        "origins.connectionTimeout": Treatment(
            "Short ones are worth a word.", _connect, whole=True
        ),
        "origins.customHeaders": parts(),
        "origins.customHeaders.name": Treatment(
            "It takes the client's place.", _header, whole=True
        ),
        "origins.customHeaders.value": harmless("Its name decides."),
        "origins.customOriginConfig": parts(),
        "origins.customOriginConfig.httpPort": harmless("Where the load balancer listens."),
        "origins.customOriginConfig.httpsPort": harmless("Where the load balancer listens."),
        "origins.customOriginConfig.ipAddressType": harmless(
            "Over which family CloudFront comes; one that does not work is seen at once."
        ),
        "origins.customOriginConfig.originKeepaliveTimeout": harmless(
            "How long an idle connection is kept for the next request."
        ),
        "origins.customOriginConfig.originMtlsConfig": harmless(
            "CloudFront shows a certificate, which no client sees."
        ),
        "origins.customOriginConfig.originProtocolPolicy": harmless("origin-tls judges it."),
        "origins.customOriginConfig.originReadTimeout": Treatment("30 s on.", _timeout, whole=True),
        "origins.customOriginConfig.originSslProtocols": harmless("origin-tls judges it."),
        "origins.domainName": Treatment("Buckets are no APIs.", _bucket, whole=True),
        "origins.originAccessControlId": empty("CloudFront signs requests in the client's place"),
        "origins.originId": harmless("A name."),
        "origins.originPath": empty("the API gets other paths than the client sent"),
        "origins.originShield": not_judged(
            "one more cache that nothing is kept in, and one more hop"
        ),
        "origins.responseCompletionTimeout": empty("it ends answers that take longer"),
        "origins.s3OriginConfig": must(
            "absent",
            lambda value: value is None,
            "Lead to the API: a bucket answers with files, and refuses POST.",
        ),
        "origins.vpcOriginConfig": parts(),
        "origins.vpcOriginConfig.originKeepaliveTimeout": harmless(
            "How long an idle connection is kept for the next request."
        ),
        "origins.vpcOriginConfig.originReadTimeout": Treatment("30 s on.", _timeout, whole=True),
        "origins.vpcOriginConfig.ownerAccountId": harmless("Whose it is."),
        "origins.vpcOriginConfig.vpcOriginId": harmless("Which load balancer."),
        "priceClass": harmless("From where requests are served, not how."),
        "restrictions": parts(),
        "restrictions.geoRestriction": parts(),
        "restrictions.geoRestriction.locations": harmless("The type decides."),
        "restrictions.geoRestriction.restrictionType": must(
            '"none"',
            lambda value: value in (None, "", "none"),
            'Set it to "none": CloudFront answers 403 to whole countries.',
        ),
        "retainOnDelete": harmless("What becomes of it afterwards."),
        "staging": empty("a staging distribution answers none of its names"),
        "status": OUTPUT,
        "tags": harmless("Notes."),
        "tagsAll": harmless("Notes."),
        "trustedKeyGroups": OUTPUT,
        "trustedSigners": OUTPUT,
        "viewerCertificate": parts(elsewhere=True),
        "viewerCertificate.acmCertificateArn": CERTIFICATE,
        "viewerCertificate.cloudfrontDefaultCertificate": CERTIFICATE,
        "viewerCertificate.iamCertificateId": CERTIFICATE,
        "viewerCertificate.minimumProtocolVersion": CERTIFICATE,
        "viewerCertificate.sslSupportMethod": CERTIFICATE,
        "viewerMtlsConfig": empty("CloudFront asks clients for certificates"),
        "waitForDeployment": harmless("How long a deployment takes."),
        "webAclId": harmless("A company's choice of what it refuses; waf-attached asks for one."),
    }
)
"""The properties of a distribution, and of what is in it, by the names that lead there."""


def judged(place: Place, table: Properties, above: str = "") -> Iterator[Finding]:
    """Yield what is wrong with the parts of an object, as a table says.

    Args:
        place: The object.
        table: The treatments.
        above: The path of the object in the table; empty for the whole.
    """
    if not isinstance(place.value, dict):
        return
    given, treatments = place.value, table.below.get(above, {})
    # In the order of the table, so that what a program writes first does not matter.
    for key, treatment in treatments.items():
        if key not in given or (treatment.whole and treatment.judge is None):
            continue
        if treatment.judge is not None:
            yield from treatment.judge(place.get(key))
        else:
            yield from _parts(place.get(key), table, f"{above}.{key}".strip("."), treatment)
    for key in given:
        if key not in treatments and not key.startswith("__") and not is_empty(given[key]):
            yield place.get(key).advice(
                "absent as well", "No rule knows the property, so nobody says what it does."
            )


def _parts(place: Place, table: Properties, above: str, treatment: Treatment) -> Iterator[Finding]:
    for item in place.items():
        if isinstance(item.value, dict):
            yield from judged(item, table, above)
        elif not (item.absent or treatment.elsewhere):
            kind = "known" if item.unknown else f"an object, and not {show(item.value)}"
            yield item.finding(kind, "Write its parts out in the program.")
