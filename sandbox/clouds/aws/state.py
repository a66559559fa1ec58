"""What the layer remembers beside moto, and where it finds moto's own memory."""

import copyreg
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast

from moto.acm.models import AWSCertificateManagerBackend, CertBundle, acm_backends
from moto.backends import get_backend
from moto.cloudfront.models import CloudFrontBackend, cloudfront_backends
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.route53.models import Route53Backend, route53_backends
from moto.s3.models import s3_backends

from sandbox.clouds.aws import ACCOUNT
from sandbox.clouds.aws.fields import Fields, items
from sandbox.clouds.aws.moto_settings import MotoSettings

MotoState: TypeAlias = dict[str, dict[str, dict[str, Any]]]
"""moto's memory: its backends by service, account and region."""


@dataclass
class MotoDistribution:
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
class MotoPolicy:
    """A cache or origin request policy of one's own."""

    kind: str
    """`CachePolicy` or `OriginRequestPolicy`."""
    id: str
    config: Fields
    """As it was sent."""
    etag: str
    modified: float
    """When it was last changed, by the account's clock, in seconds."""


@dataclass
class MotoHealthCheck:
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
class MotoAccount:
    """The state of the account; guard it with the layer's lock.

    Attributes:
        settings: how slow and strict the cloud is.
        clock: seconds that only ever grow.
        changes: when each Route 53 change was submitted, by change id.
        zone_changes: when the last change of each hosted zone was submitted, by zone id.
        buckets: of Route 53's throttles: what is in each, and when that was, by name.
        protections: of records, by zone id: name and type to what else was said.
        distributions: by id.
        policies: of CloudFront, one's own, by id.
        invalidations: when each began, by id.
        validated: when ACM first saw all validation records of a certificate, by ARN.
        health_checks: by id.
        deleted_health_checks: the caller references of those that are gone.
        rule_descriptions: of the security group rules for prefix lists, by id; moto forgets them.
        epoch: when the clock stood at 0, in seconds since 1970.
    """

    settings: MotoSettings = field(default_factory=MotoSettings)
    clock: Callable[[], float] = time.monotonic
    changes: dict[str, float] = field(default_factory=dict[str, float])
    zone_changes: dict[str, float] = field(default_factory=dict[str, float])
    buckets: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    protections: dict[str, dict[tuple[str, str], Fields]] = field(
        default_factory=dict[str, dict[tuple[str, str], Fields]]
    )
    distributions: dict[str, MotoDistribution] = field(default_factory=dict[str, MotoDistribution])
    policies: dict[str, MotoPolicy] = field(default_factory=dict[str, MotoPolicy])
    invalidations: dict[str, float] = field(default_factory=dict[str, float])
    validated: dict[str, float] = field(default_factory=dict[str, float])
    health_checks: dict[str, MotoHealthCheck] = field(default_factory=dict[str, MotoHealthCheck])
    deleted_health_checks: set[str] = field(default_factory=set[str])
    rule_descriptions: dict[str, str] = field(default_factory=dict[str, str])
    epoch: float = field(init=False)

    def __post_init__(self) -> None:
        """Set the clock."""
        self.epoch = time.time() - self.clock()

    def reset(self) -> None:
        """Forget everything, in moto too; the settings go back to their defaults."""
        BackendDict.reset()
        # moto's dashboard would show every object ever made, and so keep it.
        reset_model_data()
        vars(self).update(vars(MotoAccount(clock=self.clock)))

    def state(self) -> tuple[dict[str, Any], MotoState]:
        """Return all that the account holds, in moto too.

        Its clock is the process's own; all processes since the machine was started share it.
        """
        own = {name: value for name, value in vars(self).items() if name != "clock"}
        instances: list[BackendDict[Any]] = vars(BackendDict)["_instances"]
        moto = {
            service.service_name: {account: dict(regions) for account, regions in service.items()}
            for service in instances
        }
        return own, moto

    def put_state(self, state: Any) -> None:
        """Hold what `state` returned, and nothing else."""
        self.reset()
        own, moto = state
        vars(self).update(own)
        for service, accounts in moto.items():
            for account, regions in accounts.items():
                cast("Any", get_backend(service))[account].update(regions)
        reset_model_data()


def now(account: MotoAccount, at: float | None = None) -> datetime:
    """Return a moment of the account's clock, or the present, as a date in UTC."""
    return datetime.fromtimestamp(account.epoch + (account.clock() if at is None else at), UTC)


def route53() -> Route53Backend:
    """Return moto's hosted zones."""
    return route53_backends[ACCOUNT]["aws"]


def cloudfront() -> CloudFrontBackend:
    """Return moto's distributions, tags and functions."""
    return cloudfront_backends[ACCOUNT]["aws"]


def buckets() -> dict[str, bool]:
    """Return the buckets of S3 by name, and whether each takes ACLs, which a new one does not."""
    return {
        name: any(owner in str(bucket.ownership_rule) for owner in ("Preferred", "ObjectWriter"))
        for name, bucket in s3_backends[ACCOUNT]["aws"].buckets.items()
    }


def acm_regions() -> tuple[str, ...]:
    """Return the regions in which ACM was ever used."""
    return tuple(acm_backends[ACCOUNT].keys())


def acm(region: str) -> AWSCertificateManagerBackend:
    """Return moto's certificates of a region."""
    return acm_backends[ACCOUNT][region]


def _certificate_of(fields: dict[str, Any]) -> CertBundle:
    certificate = object.__new__(CertBundle)
    own = vars(certificate)
    own.update(fields)
    own.update(_key=certificate.validate_pk())
    own.update(_cert=cast("Any", certificate).validate_certificate())
    return certificate


def _reduced(certificate: CertBundle) -> tuple[Callable[..., CertBundle], tuple[dict[str, Any]]]:
    """Leave out what moto parsed of a certificate, which cannot be pickled."""
    parsed = ("_key", "_cert")
    fields = {name: value for name, value in vars(certificate).items() if name not in parsed}
    return _certificate_of, (fields,)


copyreg.pickle(CertBundle, _reduced)
