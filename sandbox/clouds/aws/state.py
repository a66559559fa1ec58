"""What the layer remembers beside moto, and where it finds moto's own memory."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from moto.acm.models import AWSCertificateManagerBackend, acm_backends
from moto.cloudfront.models import CloudFrontBackend, cloudfront_backends
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.route53.models import Route53Backend, route53_backends

from sandbox.clouds.aws import ACCOUNT
from sandbox.clouds.aws.fields import Fields, items
from sandbox.clouds.aws.settings import Settings


@dataclass
class Distribution:
    """A distribution as CloudFront keeps it; moto keeps its id, its name and its tags."""

    id: str
    arn: str
    domain_name: str
    config: Fields
    """The `DistributionConfig` as it was sent, with AWS's defaults filled in."""
    etag: str
    modified: float
    """When it was last changed, by the account's clock, in seconds."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Its alternate domain names, in lower case."""
        return tuple(name.lower() for name in items(self.config, "Aliases"))


@dataclass
class HealthCheck:
    """A health check as Route 53 keeps it; moto keeps its id, its tags and its status."""

    id: str
    reference: str
    """The `CallerReference` of the request that made it."""
    config: Fields
    """The `HealthCheckConfig` as it was sent, with AWS's defaults filled in."""
    created_as: Fields
    """The configuration that it was made with."""
    version: int = 1


@dataclass
class Account:
    """The state of the account; guard it with the layer's lock.

    Attributes:
        settings: how slow and strict the cloud is.
        clock: seconds that only ever grow.
        changes: when each Route 53 change was submitted, by change id.
        zone_changes: when the last change of each hosted zone was submitted, by zone id.
        route53_requests: when the last second's Route 53 requests came.
        distributions: by id.
        validated: when ACM first saw all validation records of a certificate, by ARN.
        health_checks: by id.
        deleted_health_checks: the caller references of those that are gone.
        rule_descriptions: of the security group rules for prefix lists, by id; moto forgets them.
    """

    settings: Settings = field(default_factory=Settings)
    clock: Callable[[], float] = time.monotonic
    changes: dict[str, float] = field(default_factory=dict[str, float])
    zone_changes: dict[str, float] = field(default_factory=dict[str, float])
    route53_requests: deque[float] = field(default_factory=deque[float])
    distributions: dict[str, Distribution] = field(default_factory=dict[str, Distribution])
    validated: dict[str, float] = field(default_factory=dict[str, float])
    health_checks: dict[str, HealthCheck] = field(default_factory=dict[str, HealthCheck])
    deleted_health_checks: set[str] = field(default_factory=set[str])
    rule_descriptions: dict[str, str] = field(default_factory=dict[str, str])

    def reset(self) -> None:
        """Forget everything, in moto too; the settings go back to their defaults."""
        BackendDict.reset()
        # moto's dashboard would show every object ever made, and so keep it.
        reset_model_data()
        self.settings = Settings()
        for remembered in (
            self.changes,
            self.zone_changes,
            self.route53_requests,
            self.distributions,
            self.validated,
            self.health_checks,
            self.deleted_health_checks,
            self.rule_descriptions,
        ):
            remembered.clear()


def now(account: Account, at: float | None = None) -> datetime:
    """Return a moment of the account's clock, or the present, as a date in UTC."""
    ago = 0.0 if at is None else account.clock() - at
    return datetime.now(UTC) - timedelta(seconds=ago)


def route53() -> Route53Backend:
    """Return moto's hosted zones."""
    return route53_backends[ACCOUNT]["aws"]


def cloudfront() -> CloudFrontBackend:
    """Return moto's distributions, tags and functions."""
    return cloudfront_backends[ACCOUNT]["aws"]


def acm_regions() -> tuple[str, ...]:
    """Return the regions in which ACM was ever asked."""
    return tuple(acm_backends[ACCOUNT].keys())


def acm(region: str) -> AWSCertificateManagerBackend:
    """Return moto's certificates of a region."""
    return acm_backends[ACCOUNT][region]
