"""Who is let in, as the AWS account says: web ACLs and security groups; nothing changes.

Needs `wafv2:GetWebACL`, `wafv2:GetWebACLForResource`, `wafv2:GetIPSet`, `wafv2:GetRuleGroup`,
`ec2:DescribeSecurityGroupRules`, `ec2:DescribeManagedPrefixLists` and
`ec2:GetManagedPrefixListEntries`. What one of them refuses is kept as a reason at its place: the
rest is read all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, cast

from rollout.aws import (
    AccountDistribution,
    AccountError,
    AccountLoadBalancer,
    AccountReader,
    Fields,
    reading_account,
)

Network = IPv4Network | IPv6Network

_ORIGIN_FACING: Final = "cloudfront.origin-facing"
"""Part of the names of the prefix lists of the addresses that CloudFront connects from."""


@dataclass(frozen=True)
class AddressSet:
    """An IP set of AWS WAF."""

    name: str
    """Its name."""
    family: int
    """4 or 6; 0 where it cannot be read."""
    networks: tuple[Network, ...] = ()
    """Its addresses."""
    unread: str = ""
    """Why it cannot be read; empty where it is."""


@dataclass(frozen=True)
class WafRule:
    """A rule of a web ACL; those of rule groups stand in their place."""

    name: str
    """Its name; in a rule group `group/rule`."""
    action: str
    """`Allow`, `Block`, `Count`, `Captcha`, `Challenge` or `Monetize`, after all overrides. Of one
    that cannot be read: `Block` if it never lets a request in, else `Allow`."""
    statement: Fields = field(default_factory=dict[str, Any])
    """What it matches, as the API tells it."""
    unread: str = ""
    """Why nothing is known of what it matches; empty where that is read."""


@dataclass(frozen=True)
class WebAcl:
    """A web ACL in the way of requests."""

    name: str
    """Its name."""
    owner: str
    """What it belongs to: `the distribution` or `the load balancer`."""
    default: str
    """Its default action: `Allow` or `Block`."""
    rules: tuple[WafRule, ...]
    """Its rules, in the order in which they run."""
    sets: Mapping[str, AddressSet] = field(default_factory=dict[str, AddressSet])
    """IP sets by ARN."""


@dataclass(frozen=True)
class AccountWebAcls:
    """The web ACLs on both paths."""

    distribution: WebAcl | None
    """The distribution's: every request through CloudFront passes it first."""
    load_balancer: WebAcl | None
    """The load balancer's: every request passes it."""


@dataclass(frozen=True)
class InboundRule:
    """An inbound rule of a security group, for TCP."""

    first_port: int
    """Its first port; -1: every port."""
    last_port: int
    """Its last port."""
    source: str
    """Addresses it lets in, or the id of a group or a prefix list."""
    networks: tuple[Network, ...] = ()
    """The addresses; none of a group's members, which are inside the VPC."""
    unread: str = ""
    """Why the addresses of a prefix list cannot be read; empty where they are."""
    is_cloudfront: bool = False
    """Whether it is the prefix list of the addresses that CloudFront connects from."""


class AccessReader:
    """Reads who is let in."""

    def __init__(self, account: AccountReader) -> None:
        """Take what reads the account."""
        self._account = account

    def web_acls(self, own: AccountDistribution, balancer: AccountLoadBalancer) -> AccountWebAcls:
        """Return the web ACLs of the distribution and the load balancer."""
        edge = origin = None
        if own.web_acl:
            try:
                edge = self._of_distribution(own.web_acl)
            except AccountError as error:
                edge = _unread_acl("the distribution", str(error))
        if balancer.kind == "application":
            try:
                origin = self._of_load_balancer(balancer)
            except AccountError as error:
                origin = _unread_acl("the load balancer", str(error))
        return AccountWebAcls(edge, origin)

    def inbound(self, balancer: AccountLoadBalancer) -> tuple[InboundRule, ...]:
        """Return the inbound rules of a load balancer's security groups.

        Raises:
            AccountError: They cannot be read.
        """
        client = self._account.client("ec2", balancer.region)
        groups = [{"Name": "group-id", "Values": list(balancer.security_groups)}]
        with reading_account():
            pages = client.get_paginator("describe_security_group_rules").paginate(Filters=groups)
            rules: list[Fields] = [
                rule
                for rule in pages.search("SecurityGroupRules[]")
                if not rule["IsEgress"] and rule["IpProtocol"] in ("tcp", "6", "-1")
            ]
        origin_facing = self._origin_facing(balancer.region)
        return tuple(self._inbound_rule(client, rule, origin_facing) for rule in rules)

    def cloudfront(self, balancer: AccountLoadBalancer) -> tuple[Network, ...]:
        """Return the addresses that CloudFront connects from, of both families.

        Raises:
            AccountError: They cannot be read.
        """
        client = self._account.client("ec2", balancer.region)
        networks = tuple(
            network
            for id_ in self._origin_facing(balancer.region)
            for network in _entries(client, id_)
        )
        if not networks:
            raise AccountError(f"{balancer.region} has no prefix list of CloudFront's addresses")
        return networks

    def _origin_facing(self, region: str) -> list[str]:
        client = self._account.client("ec2", region)
        with reading_account():
            pages = client.get_paginator("describe_managed_prefix_lists").paginate()
            return [
                str(one["PrefixListId"])
                for one in pages.search("PrefixLists[]")
                if _ORIGIN_FACING in str(one["PrefixListName"])
                and str(one.get("OwnerId", "AWS")) == "AWS"
            ]

    @staticmethod
    def _inbound_rule(client: Any, rule: Fields, origin_facing: Sequence[str]) -> InboundRule:
        group: Fields = rule.get("ReferencedGroupInfo") or {}
        cidr = rule.get("CidrIpv4") or rule.get("CidrIpv6")
        source = str(cidr or rule.get("PrefixListId") or group.get("GroupId") or "")
        networks, unread = tuple[Network, ...](), ""
        if cidr:
            networks = (ip_network(source, strict=False),)
        elif rule.get("PrefixListId"):
            try:
                networks = _entries(client, source)
            except AccountError as error:
                unread = str(error)
        ports = int(rule.get("FromPort", -1)), int(rule.get("ToPort", -1))
        return InboundRule(*ports, source, networks, unread, source in origin_facing)

    def _of_distribution(self, arn: str) -> WebAcl:
        if not arn.startswith("arn:"):
            raise AccountError(f"web ACL {arn} is one of AWS WAF Classic, which is not read")
        client = self._account.client("wafv2", "us-east-1")
        with reading_account():
            acl = client.get_web_acl(**_named(arn), Scope="CLOUDFRONT")["WebACL"]
        return _WafReader(client, "CLOUDFRONT").web_acl(acl, "the distribution")

    def _of_load_balancer(self, balancer: AccountLoadBalancer) -> WebAcl | None:
        client = self._account.client("wafv2", balancer.region)
        with reading_account():
            acl = client.get_web_acl_for_resource(ResourceArn=balancer.arn).get("WebACL")
        return _WafReader(client, "REGIONAL").web_acl(acl, "the load balancer") if acl else None


class _WafReader:
    """Reads what a web ACL refers to."""

    def __init__(self, client: Any, scope: str) -> None:
        self._client = client
        self._scope = scope

    def web_acl(self, acl: Fields, owner: str) -> WebAcl:
        """Return a web ACL with its rule groups opened and its IP sets read.

        Rule groups of AWS Firewall Manager run before and after the ACL's own rules.
        Source: AWS WAF API Reference, 'WebACL'.
        """
        rules = [
            opened
            for key in (
                "PreProcessFirewallManagerRuleGroups",
                "Rules",
                "PostProcessFirewallManagerRuleGroups",
            )
            for rule in _by_priority(acl.get(key) or ())
            for opened in self._opened(rule)
        ]
        arns = sorted({arn for rule in rules for arn in _references(rule.statement)})
        default = _chosen(acl.get("DefaultAction") or {})
        sets = {arn: self._set(arn) for arn in arns}
        return WebAcl(str(acl["Name"]), owner, default, tuple(rules), sets)

    def _opened(self, rule: Fields) -> Iterator[WafRule]:
        name = str(rule["Name"])
        statement: Fields = rule.get("Statement") or rule.get("FirewallManagerStatement") or {}
        if "OverrideAction" not in rule:
            yield WafRule(name, _chosen(rule.get("Action") or {}), statement)
        elif _chosen(rule["OverrideAction"]) == "Count":
            # The group's rules do run, but nothing that they decide ends the evaluation.
            yield WafRule(name, "Count")
        elif "RuleGroupReferenceStatement" in statement:
            yield from self._group(name, statement["RuleGroupReferenceStatement"])
        else:
            managed: Fields = statement.get("ManagedRuleGroupStatement") or {}
            vendor = managed.get("VendorName", "?")
            group = f"{vendor} {managed.get('Name', '?')}"
            reason = f"the rules of managed rule group {group} cannot be read"
            # Source: AWS WAF Developer Guide, 'AWS Managed Rules rule groups list': none allows.
            overrides = [_chosen(each["ActionToUse"]) for each in _overrides(managed)]
            only_blocks = vendor == "AWS" and "Allow" not in overrides
            yield WafRule(name, "Block" if only_blocks else "Allow", unread=reason)

    def _group(self, name: str, reference: Fields) -> Iterator[WafRule]:
        arn = str(reference["ARN"])
        try:
            with reading_account():
                group: Fields = self._client.get_rule_group(**_named(arn), Scope=self._scope)[
                    "RuleGroup"
                ]
        except AccountError as error:
            yield WafRule(name, "Allow", unread=f"rule group {arn} cannot be read: {error}")
            return
        overrides = {
            str(each["Name"]): _chosen(each["ActionToUse"]) for each in _overrides(reference)
        }
        overrides |= {str(each["Name"]): "Count" for each in reference.get("ExcludedRules") or ()}
        for rule in _by_priority(group.get("Rules") or ()):
            for opened in self._opened(rule):
                action = overrides.get(opened.name, opened.action)
                yield replace(opened, name=f"{name}/{opened.name}", action=action)

    def _set(self, arn: str) -> AddressSet:
        name = arn.split("/")[-2]
        try:
            with reading_account():
                ip_set: Fields = self._client.get_ip_set(**_named(arn), Scope=self._scope)["IPSet"]
        except AccountError as error:
            return AddressSet(name, 0, unread=f"IP set {name} cannot be read: {error}")
        networks = tuple(ip_network(str(one), strict=False) for one in ip_set["Addresses"])
        return AddressSet(name, 4 if ip_set["IPAddressVersion"] == "IPV4" else 6, networks)


def _unread_acl(owner: str, reason: str) -> WebAcl:
    rule = WafRule("?", "Allow", unread=f"the web ACL of {owner} cannot be read: {reason}")
    return WebAcl("?", owner, "Allow", (rule,))


def _entries(client: Any, id_: str) -> tuple[Network, ...]:
    with reading_account():
        pages = client.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=id_)
        return tuple(
            ip_network(str(one["Cidr"]), strict=False) for one in pages.search("Entries[]")
        )


def _named(arn: str) -> dict[str, str]:
    name, id_ = arn.split("/")[-2:]
    return {"Name": name, "Id": id_}


def _by_priority(rules: Sequence[Fields]) -> list[Fields]:
    return sorted(rules, key=lambda rule: int(rule["Priority"]))


def _overrides(group: Fields) -> Sequence[Fields]:
    return group.get("RuleActionOverrides") or ()


def _chosen(action: Fields) -> str:
    return next(iter(action), "Allow")


def _references(value: Any) -> Iterator[str]:
    """Yield the ARNs of all IP sets that a statement refers to, however deep inside."""
    if isinstance(value, list | tuple):
        for member in cast("Sequence[Any]", value):
            yield from _references(member)
    elif isinstance(value, Mapping):
        for key, inner in cast("Fields", value).items():
            if key == "IPSetReferenceStatement":
                yield str(inner["ARN"])
            else:
                yield from _references(inner)
