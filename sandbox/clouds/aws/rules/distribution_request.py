"""A request to create or update a distribution, as the rules of CloudFront see it.

The rules look at a `DistributionConfig` as it was sent, before defaults are filled in: CloudFront
complains about what the request says, and not about what it would have assumed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.clouds.aws.fields import ReadOnly, items, part
from sandbox.clouds.aws.refusal import Refusal


@dataclass(frozen=True)
class AcmCertificate:
    """A certificate of ACM in us-east-1."""

    names: frozenset[str]
    issued: bool


@dataclass(frozen=True)
class ExistingDistribution:
    """A distribution that there is already."""

    id: str
    caller_reference: str
    aliases: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DistributionRequest:
    """A request to create or update a distribution, and what it is judged by."""

    config: ReadOnly
    """The `DistributionConfig` as boto3 knows it, as it was sent."""

    id: str | None = None
    """Which distribution to update; None: create one."""

    existing: tuple[ExistingDistribution, ...] = ()

    certificates: Mapping[str, AcmCertificate] = field(default_factory=dict[str, AcmCertificate])
    """ACM's in us-east-1, by ARN."""

    buckets: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """Those of S3 by name, and whether each takes ACLs."""

    cache_policies: frozenset[str] = frozenset()
    """The ids there are."""

    origin_request_policies: frozenset[str] = frozenset()
    """The ids there are."""

    @property
    def others(self) -> tuple[ExistingDistribution, ...]:
        """All distributions but the one to update."""
        return tuple(other for other in self.existing if other.id != self.id)

    @property
    def origins(self) -> tuple[ReadOnly, ...]:
        """The origins."""
        return tuple(items(self.config, "Origins"))

    @property
    def behaviors(self) -> tuple[ReadOnly, ...]:
        """The cache behaviors, the default one first."""
        default = part(self.config, "DefaultCacheBehavior")
        return (default, *items(self.config, "CacheBehaviors"))

    @property
    def aliases(self) -> tuple[str, ...]:
        """The alternate domain names, in lower case."""
        return tuple(name.lower() for name in items(self.config, "Aliases"))

    @property
    def viewer_certificate(self) -> ReadOnly:
        """How viewers are met over TLS."""
        return part(self.config, "ViewerCertificate")


Rule = Callable[[DistributionRequest], Refusal | None]
"""Looks at a request; None lets it pass."""


def invalid_argument(message: str) -> Refusal:
    """Return the refusal of most settings."""
    return Refusal("InvalidArgument", message)
