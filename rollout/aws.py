"""What the AWS account says about a target, read with the caller's credentials; nothing changes.

Needs `cloudfront:ListDistributions`, `cloudfront:GetDistributionConfig`,
`cloudfront:ListConflictingAliases`, `elasticloadbalancing:DescribeLoadBalancers`,
`elasticloadbalancing:DescribeLoadBalancerAttributes` and `elasticloadbalancing:DescribeListeners`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

if TYPE_CHECKING:
    from botocore.session import Session

from rollout.probe.model import EdgeTarget

Fields = Mapping[str, Any]

_DNS_NAME: Final = re.compile(
    r".+?\.(?:elb\.(?P<network>[a-z0-9-]+)|(?P<other>[a-z0-9-]+)\.elb)\.amazonaws\.com(\.cn)?"
)
"""DNS names that load balancers get: network ones have `elb` before the region, others after it."""

_NETWORK_IDLE_SECONDS: Final = 350
"""Source: Network Load Balancers guide, 'Connection idle timeout'."""


_FAMILIES: Final = {"ipv6": (6,), "dualstack": (4, 6)}
"""By `IpAddressType` of an origin, where that is not the default `ipv4`."""


_NO_CREDENTIALS: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
_REFUSED_CREDENTIALS: Final = (
    *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidAccessKeyId"),
    *("SignatureDoesNotMatch", "UnrecognizedClientException"),
)
"""Source: the services' API references, 'Common Errors'."""


class AccountError(Exception):
    """The account cannot be read; the message says why in one line."""

    @property
    def is_of_credentials(self) -> bool:
        """Whether the credentials are missing, incomplete or refused, whatever is asked."""
        cause = self.__cause__
        if isinstance(cause, ClientError):
            return cause.response.get("Error", {}).get("Code") in _REFUSED_CREDENTIALS
        return isinstance(cause, _NO_CREDENTIALS)


@dataclass(frozen=True)
class AccountLoadBalancer:
    """The load balancer behind both paths."""

    kind: str
    """`classic`, `application` or `network`."""
    region: str
    """Its region."""
    arn: str
    """Its ARN; empty for a classic one."""
    security_groups: tuple[str, ...]
    """Ids of its security groups."""
    idle_seconds: int
    """How long it waits for an answer's next byte."""
    listeners: tuple[tuple[str, int], ...] = ()
    """Protocol (`HTTP`, `HTTPS`, `TCP`, `TLS`, `SSL`, `UDP` …) and port of each listener."""
    access_logs: str = ""
    """Where its access logs go, `s3://BUCKET/PREFIX`; empty: there are none."""


@dataclass(frozen=True)
class AccountOrigin:
    """What a distribution connects to."""

    port: int
    """The port: the HTTPS one unless the origin is spoken to by HTTP only."""
    read_seconds: int
    """How long CloudFront waits for an answer's next byte."""
    completion_seconds: int | None
    """How long the whole answer may take; None: there is no limit."""
    families: tuple[int, ...] = (4,)
    """Families, 4 and 6, of the addresses that CloudFront connects from."""
    headers: tuple[str, ...] = ()
    """Names, in lower case, of the headers that the distribution adds."""
    is_private: bool = False
    """Whether CloudFront connects from inside the VPC."""


@dataclass(frozen=True)
class AccountDistribution:
    """A distribution as it is configured."""

    id: str
    """Its id."""
    aliases: tuple[str, ...]
    """Names it answers."""
    web_acl: str
    """ARN of its web ACL; empty where it has none."""
    origin: AccountOrigin
    """The origin of its default behavior."""
    patterns: tuple[str, ...] = ()
    """Path patterns of its other behaviors, in order: the first that matches is taken."""


class AccountReader:
    """Reads the account."""

    def __init__(self, session: Any) -> None:
        """Take a boto3 session; it decides on credentials and endpoints (`AWS_ENDPOINT_URL`)."""
        self._session = session

    def distribution(self, target: EdgeTarget) -> AccountDistribution:
        """Return the target's distribution.

        Raises:
            AccountError: It is not there, or the account cannot be read.
        """
        client = self.client("cloudfront", "us-east-1")
        id_ = target.distribution_id or next(
            (one["Id"] for one in self._distributions() if one["DomainName"] == target.cdn), ""
        )
        if not id_:
            raise AccountError(f"no distribution of this account is called {target.cdn}")
        with reading_account():
            config: Fields = client.get_distribution_config(Id=id_)["DistributionConfig"]
        origin_id = config["DefaultCacheBehavior"]["TargetOriginId"]
        origin: Fields | None = next(
            (one for one in config["Origins"]["Items"] if one["Id"] == origin_id), None
        )
        if origin is None:
            raise AccountError(
                f"the default behavior of {id_} leads to {origin_id}, a group of origins, not one"
            )
        custom: Fields = origin.get("CustomOriginConfig") or {}
        plain = custom.get("OriginProtocolPolicy") == "http-only"
        return AccountDistribution(
            id_,
            tuple(config.get("Aliases", {}).get("Items") or ()),
            str(config.get("WebACLId") or ""),
            AccountOrigin(
                int(custom.get("HTTPPort" if plain else "HTTPSPort") or target.port),
                # Source: CloudFront API Reference, 'CustomOriginConfig': 30 seconds by default.
                int(custom.get("OriginReadTimeout") or 30),
                int(origin.get("ResponseCompletionTimeout") or 0) or None,
                _FAMILIES.get(str(custom.get("IpAddressType")), (4,)),
                tuple(
                    str(each["HeaderName"]).lower()
                    for each in origin.get("CustomHeaders", {}).get("Items") or ()
                ),
                is_private=bool(origin.get("VpcOriginConfig")),
            ),
            tuple(
                str(each["PathPattern"])
                for each in config.get("CacheBehaviors", {}).get("Items") or ()
            ),
        )

    def elsewhere(self, own: AccountDistribution, hostname: str) -> tuple[str, ...]:
        """Return other distributions that have a hostname as their alias.

        CloudFront lists those of other accounts too, with most of their ids hidden. Without
        permission for that, only this account's own are compared.

        Raises:
            AccountError: The account cannot be read.
        """
        others = {
            one["Id"]
            for one in self._distributions()
            if hostname in (one.get("Aliases", {}).get("Items") or ()) and one["Id"] != own.id
        }
        client = self.client("cloudfront", "us-east-1")
        try:
            conflicts = client.list_conflicting_aliases(DistributionId=own.id, Alias=hostname)
        except (ClientError, BotoCoreError):
            return tuple(sorted(others))
        listed: list[Fields] = conflicts["ConflictingAliasesList"].get("Items") or []
        for one in listed:
            shown = str(one["DistributionId"]).lstrip("*")
            is_listed = any(id_.endswith(shown) for id_ in (own.id, *others))
            if one["Alias"] == hostname and not is_listed:
                others.add(f"{one['DistributionId']} of account {one['AccountId']}")
        return tuple(sorted(others))

    def load_balancer(self, dns_name: str) -> AccountLoadBalancer:
        """Return the load balancer that has a DNS name.

        Raises:
            AccountError: It is not there, or the account cannot be read.
        """
        name = dns_name.lower().rstrip(".").removeprefix("dualstack.")
        matched = _DNS_NAME.fullmatch(name)
        if not matched:
            raise AccountError(f"{dns_name} is no name of a load balancer of AWS")
        region = matched["network"] or matched["other"]
        client = self.client("elbv2", region)
        with reading_account():
            pages = client.get_paginator("describe_load_balancers").paginate()
            for one in pages.search("LoadBalancers[]"):
                if str(one["DNSName"]).lower() == name:
                    return self._modern(client, region, one)
            client = self.client("elb", region)
            pages = client.get_paginator("describe_load_balancers").paginate()
            for one in pages.search("LoadBalancerDescriptions[]"):
                if str(one["DNSName"]).lower() == name:
                    return self._classic(client, region, one)
        raise AccountError(f"no load balancer of this account in {region} is called {name}")

    def load_balancer_zone(self, dns_name: str) -> str:
        """Return the id of the hosted zone that a load balancer's DNS name is in.

        Raises:
            AccountError: There is no such load balancer, or the account cannot be read.
        """
        name = dns_name.lower().rstrip(".").removeprefix("dualstack.")
        matched = _DNS_NAME.fullmatch(name)
        if not matched:
            raise AccountError(f"{dns_name} is no name of a load balancer of AWS")
        region = matched["network"] or matched["other"]
        kinds = (
            ("elbv2", "LoadBalancers[]", "CanonicalHostedZoneId"),
            ("elb", "LoadBalancerDescriptions[]", "CanonicalHostedZoneNameID"),
        )
        for service, listed, zone_id in kinds:
            client = self.client(service, region)
            with reading_account():
                pages = client.get_paginator("describe_load_balancers").paginate()
                for one in pages.search(listed):
                    if str(one["DNSName"]).lower() == name:
                        return str(one[zone_id])
        raise AccountError(f"no load balancer of this account in {region} is called {name}")

    def _distributions(self) -> Sequence[Fields]:
        client = self.client("cloudfront", "us-east-1")
        with reading_account():
            pages = client.get_paginator("list_distributions").paginate()
            return [one for one in pages.search("DistributionList.Items[]") if one]

    @staticmethod
    def _modern(client: Any, region: str, one: Fields) -> AccountLoadBalancer:
        arn, kind = str(one["LoadBalancerArn"]), str(one["Type"])
        attributes: list[Fields] = client.describe_load_balancer_attributes(LoadBalancerArn=arn)[
            "Attributes"
        ]
        values = {attribute["Key"]: attribute["Value"] for attribute in attributes}
        pages = client.get_paginator("describe_listeners").paginate(LoadBalancerArn=arn)
        listeners: list[Fields] = list(pages.search("Listeners[]"))
        # Source: Application Load Balancers guide, 'Connection idle timeout': 60 by default.
        idle = int(values.get("idle_timeout.timeout_seconds") or 60)
        return AccountLoadBalancer(
            kind,
            region,
            arn,
            tuple(one.get("SecurityGroups") or ()),
            idle if kind == "application" else _NETWORK_IDLE_SECONDS,
            tuple((str(one["Protocol"]), int(one["Port"])) for one in listeners if "Port" in one),
            _in_bucket(
                values.get("access_logs.s3.enabled") == "true",
                values.get("access_logs.s3.bucket"),
                values.get("access_logs.s3.prefix"),
            ),
        )

    @staticmethod
    def _classic(client: Any, region: str, one: Fields) -> AccountLoadBalancer:
        attributes: Fields = client.describe_load_balancer_attributes(
            LoadBalancerName=one["LoadBalancerName"]
        )["LoadBalancerAttributes"]
        # Source: Classic Load Balancers guide, 'Configure the idle connection timeout': 60.
        settings: Fields = attributes.get("ConnectionSettings") or {}
        idle = int(settings.get("IdleTimeout") or 60)
        described: list[Fields] = [each["Listener"] for each in one["ListenerDescriptions"]]
        logs: Fields = attributes.get("AccessLog") or {}
        return AccountLoadBalancer(
            "classic",
            region,
            "",
            tuple(one.get("SecurityGroups") or ()),
            idle,
            tuple((str(each["Protocol"]), int(each["LoadBalancerPort"])) for each in described),
            _in_bucket(logs.get("Enabled"), logs.get("S3BucketName"), logs.get("S3BucketPrefix")),
        )

    def client(self, service: str, region: str) -> Any:
        """Return a boto3 client.

        Raises:
            AccountError: There are no credentials, or no such region.
        """
        with reading_account():
            return self._session.client(service, region_name=region)


def _in_bucket(is_on: object, bucket: object, prefix: object) -> str:
    return f"s3://{bucket}/{prefix or ''}" if is_on and bucket else ""


class ImpatientSession:
    """Makes clients that give up after seconds; threads may share it.

    boto3 waits a minute for an answer, four times. What is asked while somebody looks on has to be
    answered sooner, or cannot be told.
    """

    def __init__(self, variables: Mapping[str, str], seconds: float) -> None:
        """Have credentials and an endpoint.

        Args:
            variables: Variables of AWS's clients that stand above those of this process.
            seconds: How long an answer may take; each request is tried twice.
        """
        self._variables = variables
        self._seconds = seconds
        self._lock = Lock()
        self._sessions: dict[str | None, Session] = {}

    def client(self, service: str, region_name: str | None, profile: str | None = None) -> Any:
        """Return a client, as a boto3 session does.

        Args:
            service: Name of the service.
            region_name: The region; None: that of the profile.
            profile: The profile of AWS's configuration files; None: that of the variables.
        """
        from botocore.config import Config  # noqa: PLC0415 - only where the account is read

        patience = Config(
            connect_timeout=min(3.0, self._seconds),
            read_timeout=self._seconds,
            retries={"total_max_attempts": 2, "mode": "standard"},
        )
        with self._lock:  # botocore's sessions are no place for two threads at once
            endpoint = self._variables.get("AWS_ENDPOINT_URL")
            return self._opened(profile).create_client(
                service, region_name=region_name, endpoint_url=endpoint, config=patience
            )

    def _opened(self, profile: str | None) -> "Session":
        if profile not in self._sessions:
            from botocore.session import Session  # noqa: PLC0415 - only where the account is read

            session = self._sessions[profile] = Session(profile=profile)
            if key := self._variables.get("AWS_ACCESS_KEY_ID"):
                session.set_credentials(key, self._variables["AWS_SECRET_ACCESS_KEY"])
        return self._sessions[profile]


class reading_account:  # noqa: N801 - used like a function
    """Turns AWS's errors into one line."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """End.

        Raises:
            AccountError: AWS refused, or could not be reached.
        """
        if isinstance(error, ClientError | BotoCoreError):
            raise AccountError(" ".join(str(error).split())) from error
