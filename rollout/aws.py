"""What the AWS account says about a target, read with the caller's credentials; nothing changes.

Needs `cloudfront:ListDistributions`, `cloudfront:GetDistributionConfig`,
`cloudfront:ListConflictingAliases`, `elasticloadbalancing:DescribeLoadBalancers`,
`elasticloadbalancing:DescribeLoadBalancerAttributes`, `elasticloadbalancing:DescribeListeners`,
`ec2:DescribeSecurityGroupRules`,
`ec2:DescribeManagedPrefixLists`, `wafv2:GetWebACL`, `wafv2:GetWebACLForResource`, `wafv2:GetIPSet`
and `wafv2:GetRuleGroup`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from rollout.probe.model import EdgeTarget

Fields = Mapping[str, Any]

_DNS_NAME: Final = re.compile(
    r".+?\.(?:elb\.(?P<network>[a-z0-9-]+)|(?P<other>[a-z0-9-]+)\.elb)\.amazonaws\.com(\.cn)?"
)
"""DNS names that load balancers get: network ones have `elb` before the region, others after it."""

_ORIGIN_FACING: Final = "cloudfront.origin-facing"
"""Part of the names of the prefix lists of the addresses that CloudFront connects from."""

_NETWORK_IDLE_SECONDS: Final = 350
"""Source: Network Load Balancers guide, 'Connection idle timeout'."""


class AccountError(Exception):
    """The account cannot be read; the message says why in one line."""


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


@dataclass(frozen=True)
class AccountOrigin:
    """What a distribution connects to."""

    port: int
    """The port: the HTTPS one unless the origin is spoken to by HTTP only."""
    read_seconds: int
    """How long CloudFront waits for an answer's next byte."""
    completion_seconds: int | None
    """How long the whole answer may take; None: there is no limit."""


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


@dataclass(frozen=True)
class SecurityGroupRule:
    """An inbound rule of a security group."""

    first_port: int
    """Its first port; -1: every port."""
    last_port: int
    """Its last port."""
    source: str
    """Addresses it lets in, or the id of a group or a prefix list."""
    cloudfront: bool
    """Whether these are the addresses that CloudFront connects from."""


@dataclass(frozen=True)
class WebAcl:
    """A web ACL and the sets of addresses its rules name."""

    name: str
    """Its name."""
    sets: tuple[tuple[str, str], ...]
    """Name and version (`IPV4`, `IPV6`) of each."""


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
        client = self._client("cloudfront", "us-east-1")
        id_ = target.distribution_id or next(
            (one["Id"] for one in self._distributions() if one["DomainName"] == target.cdn), ""
        )
        if not id_:
            raise AccountError(f"no distribution of this account is called {target.cdn}")
        with _asking():
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
        client = self._client("cloudfront", "us-east-1")
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
        client = self._client("elbv2", region)
        with _asking():
            pages = client.get_paginator("describe_load_balancers").paginate()
            for one in pages.search("LoadBalancers[]"):
                if str(one["DNSName"]).lower() == name:
                    return self._modern(client, region, one)
            client = self._client("elb", region)
            pages = client.get_paginator("describe_load_balancers").paginate()
            for one in pages.search("LoadBalancerDescriptions[]"):
                if str(one["DNSName"]).lower() == name:
                    return self._classic(client, region, one)
        raise AccountError(f"no load balancer of this account in {region} is called {name}")

    def rules(self, balancer: AccountLoadBalancer) -> tuple[SecurityGroupRule, ...]:
        """Return the inbound rules of a load balancer's security groups.

        Raises:
            AccountError: The account cannot be read.
        """
        client = self._client("ec2", balancer.region)
        groups = [{"Name": "group-id", "Values": list(balancer.security_groups)}]
        with _asking():
            pages = client.get_paginator("describe_security_group_rules").paginate(Filters=groups)
            inbound: list[Fields] = [
                rule
                for rule in pages.search("SecurityGroupRules[]")
                if not rule["IsEgress"] and rule["IpProtocol"] in ("tcp", "-1")
            ]
            lists = {
                str(one["PrefixListId"])
                for one in client.get_paginator("describe_managed_prefix_lists")
                .paginate()
                .search("PrefixLists[]")
                if _ORIGIN_FACING in str(one["PrefixListName"])
            }
        return tuple(
            SecurityGroupRule(
                int(rule["FromPort"]), int(rule["ToPort"]), _source(rule), _source(rule) in lists
            )
            for rule in inbound
        )

    def web_acls(
        self, own: AccountDistribution, balancer: AccountLoadBalancer
    ) -> tuple[WebAcl, ...]:
        """Return the web ACLs of the distribution and the load balancer.

        Raises:
            AccountError: The account cannot be read.
        """
        acls: list[WebAcl] = []
        with _asking():
            if own.web_acl.startswith("arn:"):
                client = self._client("wafv2", "us-east-1")
                name, id_ = own.web_acl.split("/")[-2:]
                acl: Fields = client.get_web_acl(Name=name, Id=id_, Scope="CLOUDFRONT")["WebACL"]
                acls.append(_web_acl(client, acl, "CLOUDFRONT"))
            if balancer.kind == "application":
                client = self._client("wafv2", balancer.region)
                answer = client.get_web_acl_for_resource(ResourceArn=balancer.arn)
                if answer.get("WebACL"):
                    acls.append(_web_acl(client, answer["WebACL"], "REGIONAL"))
        return tuple(acls)

    def _distributions(self) -> Sequence[Fields]:
        client = self._client("cloudfront", "us-east-1")
        with _asking():
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
        return AccountLoadBalancer(
            "classic",
            region,
            "",
            tuple(one.get("SecurityGroups") or ()),
            idle,
            tuple((str(each["Protocol"]), int(each["LoadBalancerPort"])) for each in described),
        )

    def _client(self, service: str, region: str) -> Any:
        with _asking():
            return self._session.client(service, region_name=region)


class _asking:  # noqa: N801 - used like a function
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


def _source(rule: Fields) -> str:
    group: Fields = rule.get("ReferencedGroupInfo") or {}
    return str(
        rule.get("CidrIpv4")
        or rule.get("CidrIpv6")
        or rule.get("PrefixListId")
        or group.get("GroupId")
        or ""
    )


def _web_acl(client: Any, acl: Fields, scope: str) -> WebAcl:
    sets = dict[str, str]()
    for arn in sorted(set(_references(client, acl.get("Rules") or (), scope))):
        name, id_ = arn.split("/")[-2:]
        ip_set: Fields = client.get_ip_set(Name=name, Id=id_, Scope=scope)["IPSet"]
        sets[name] = str(ip_set["IPAddressVersion"])
    return WebAcl(str(acl["Name"]), tuple(sorted(sets.items())))


def _references(client: Any, rules: Any, scope: str) -> Iterator[str]:
    """Yield the ARNs of all sets of addresses that rules refer to, however deep inside."""
    if isinstance(rules, list | tuple):
        for member in cast("Sequence[Any]", rules):
            yield from _references(client, member, scope)
    elif isinstance(rules, Mapping):
        for key, value in cast("Fields", rules).items():
            if key == "IPSetReferenceStatement":
                yield str(value["ARN"])
            elif key == "RuleGroupReferenceStatement":
                name, id_ = str(value["ARN"]).split("/")[-2:]
                group = client.get_rule_group(Name=name, Id=id_, Scope=scope)["RuleGroup"]
                yield from _references(client, group.get("Rules") or (), scope)
            else:
                yield from _references(client, value, scope)
