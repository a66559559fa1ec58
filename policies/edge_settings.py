"""How the settings of a `DualStackEdge` are called that its resources are made with.

Who deploys the component never wrote `webAclId`: what is to be mended is
`distribution.webAclArn`. So a finding about a resource of the component names the setting first,
and says what to set it to.

Named is what a setting can mend. What the component decides itself, such as which records there
are, only somebody changed who has the property before their eyes.

The names are written here once more and not taken from the components: `policies.bundle` copies
this folder alone to wherever a pack is used. A test compares the two.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from policies.cloudfront import DISTRIBUTION
from policies.digitalocean import DROPLET, FIREWALL
from policies.model import Finding, Resource

COMPONENT: Final = "dualstack:index:DualStackEdge$"
"""What the URN of every resource of the component has in it."""


class EdgeSetting(NamedTuple):
    """A setting that a property is made with."""

    name: str
    """Its path in the configuration: `distribution.webAclArn`."""
    fix: str = ""
    """What to do about it; empty: what the rule says."""


_DISTRIBUTION: Final[Mapping[str, EdgeSetting]] = {
    "defaultCacheBehavior.viewerProtocolPolicy": EdgeSetting("distribution.viewerProtocol"),
    "httpVersion": EdgeSetting(
        "distribution.httpVersion", "Set it to http2 until traffic.direct is 0."
    ),
    "loggingConfig": EdgeSetting(
        "distribution.logs", "Set distribution.logs.bucket to the name of a bucket of yours."
    ),
    "option protect": EdgeSetting("protect", "Set it to true."),
    "origins[0].connectionAttempts": EdgeSetting("origin.connectAttempts"),
    "origins[0].connectionTimeout": EdgeSetting("origin.connectTimeoutSeconds"),
    "origins[0].customHeaders": EdgeSetting(
        "originLock", "Set originLock.generation to 1 once traffic.direct is 0."
    ),
    "origins[0].customOriginConfig.httpPort": EdgeSetting("origin.httpPort"),
    "origins[0].customOriginConfig.httpsPort": EdgeSetting("origin.httpsPort"),
    "origins[0].customOriginConfig.originKeepaliveTimeout": EdgeSetting(
        "origin.keepaliveTimeoutSeconds"
    ),
    "origins[0].customOriginConfig.originProtocolPolicy": EdgeSetting("origin.protocol"),
    "origins[0].customOriginConfig.originReadTimeout": EdgeSetting("origin.readTimeoutSeconds"),
    "viewerCertificate.acmCertificateArn": EdgeSetting("certificateArn"),
    "viewerCertificate.minimumProtocolVersion": EdgeSetting("distribution.tlsPolicy"),
    "webAclId": EdgeSetting(
        "distribution.webAclArn",
        "Set it to the ARN of a web ACL of scope CLOUDFRONT, made in us-east-1.",
    ),
}

_DROPLET: Final[Mapping[str, EdgeSetting]] = {
    "image": EdgeSetting("proxy.image"),
    "size": EdgeSetting("proxy.size"),
    "sshKeys": EdgeSetting(
        "proxy.sshKeys",
        "Set it to keys of the DigitalOcean account; the proxies are replaced one after the other.",
    ),
}

_FIREWALL: Final[Mapping[str, EdgeSetting]] = {"inboundRules": EdgeSetting("proxy.ports")}

_BY_TYPE: Final[Mapping[str, Mapping[str, EdgeSetting]]] = {
    token: settings
    for tokens, settings in (
        (DISTRIBUTION, _DISTRIBUTION),
        (DROPLET, _DROPLET),
        (FIREWALL, _FIREWALL),
    )
    for token in tokens
}

NAMES: Final = frozenset(
    setting.name for settings in _BY_TYPE.values() for setting in settings.values()
)
"""The settings that are named."""


def edge_setting(urn: str, token: str, path: str) -> EdgeSetting | None:
    """Return the setting that a place of a resource is made with; None: it has none of ours.

    Args:
        urn: The resource's unique name, which holds the types of what it is in.
        token: Its type.
        path: The place: a property, or what is below one.
    """
    if COMPONENT not in urn:
        return None
    settings = _BY_TYPE.get(token, {})
    while path and path not in settings:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return settings.get(path)


def message_of(rule: str, resource: Resource, finding: Finding) -> str:
    """Return what a user reads of a finding: in the words of the setting, where it has one."""
    setting = edge_setting(resource.urn, resource.type, finding.path)
    if setting is None:
        return finding.message(rule)
    kind = "" if finding.path.startswith("option ") else "property "
    path = f"{setting.name} ({kind}{finding.path})"
    return replace(finding, path=path, fix=setting.fix or finding.fix).message(rule)
