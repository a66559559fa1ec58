"""Route 53's health checks as the layer answers them: as they were sent, one version a change.

moto forgets the regions, the alarm and the caller reference of a health check and never counts its
version up. The layer therefore keeps the configuration itself; moto keeps a health check of the
same id, for its tags and its status.

Where this differs from Route 53: nobody checks anything. `GetHealthCheckStatus` is moto's answer,
which is always a success.
"""

from typing import Final

from sandbox.clouds.aws.fields import Fields, ReadOnly, members, part
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules import health_checks as rules
from sandbox.clouds.aws.state import Account, HealthCheck, route53

PAGE: Final = 100
"""How many health checks a list holds at most. Source: API Reference, ListHealthChecks."""

NOT_SETTINGS: Final = frozenset({"HealthCheckId", "HealthCheckVersion", "ResetElements"})
"""The members of an update that are no settings."""


def create_health_check(account: Account, asked: Fields) -> Fields:
    """Create a health check, or answer with the one that the same request made before."""
    reference, config = asked["CallerReference"], dict(part(asked, "HealthCheckConfig"))
    rules.judge(config)
    config = completed(config)
    checks = account.health_checks.values()
    known = next((check for check in checks if check.reference == reference), None)
    deleted = reference in account.deleted_health_checks
    _raise(rules.health_check_reference_is_new(config, known and known.created_as, deleted=deleted))
    if known is None:
        _raise(rules.child_health_checks_exist(config, account.health_checks))
        moto = route53().create_health_check(reference, {"type": config["Type"]})
        known = HealthCheck(moto.id, reference, config, dict(config))
        account.health_checks[known.id] = known
    location = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{known.id}"
    return {"HealthCheck": _described(known), "Location": location}


def get_health_check(account: Account, asked: Fields) -> Fields:
    """Return a health check."""
    return {"HealthCheck": _described(_find(account, asked["HealthCheckId"]))}


def list_health_checks(account: Account, asked: Fields) -> Fields:
    """List the health checks by id, page by page."""
    marker, size = asked.get("Marker") or "", int(asked.get("MaxItems") or PAGE)
    every = sorted(account.health_checks.values(), key=lambda check: check.id)
    left = [check for check in every if check.id >= marker]
    answer: Fields = {
        "HealthChecks": [_described(check) for check in left[:size]],
        "Marker": marker,
        "IsTruncated": len(left) > size,
        "MaxItems": str(size),
    }
    return answer | ({"NextMarker": left[size].id} if len(left) > size else {})


def update_health_check(account: Account, asked: Fields) -> Fields:
    """Change the settings that are given, forget those to be reset, and count the version up."""
    found = _find(account, asked["HealthCheckId"])
    _raise(rules.health_check_version_matches(asked.get("HealthCheckVersion"), found.version))
    given = {
        name: value
        for name, value in asked.items()
        if name not in NOT_SETTINGS and value is not None
    }
    reset = members(asked, "ResetElements")
    config = {name: value for name, value in (found.config | given).items() if name not in reset}
    rules.judge(config)
    _raise(rules.child_health_checks_exist(config, account.health_checks))
    found.config = config
    found.version += 1
    return {"HealthCheck": _described(found)}


def delete_health_check(account: Account, asked: Fields) -> Fields:
    """Delete a health check, whether or not records refer to it.

    Source: Route 53 API Reference, 'DeleteHealthCheck': "Amazon Route 53 does not prevent you from
    deleting a health check even if the health check is associated with one or more resource record
    sets."
    """
    found = _find(account, asked["HealthCheckId"])
    del account.health_checks[found.id]
    account.deleted_health_checks.add(found.reference)
    route53().delete_health_check(found.id)
    return {}


def completed(config: ReadOnly) -> Fields:
    """Return a configuration with the defaults that Route 53 fills in.

    Source: Route 53 API Reference, 'HealthCheckConfig'. Which port a web check without one gets is
    not documented; here it stays without.
    """
    defaults: Fields = {"Inverted": False, "Disabled": False}
    if config["Type"] in rules.ENDPOINT_TYPES:
        defaults |= {
            "RequestInterval": 30,
            "FailureThreshold": 3,
            "MeasureLatency": False,
            "EnableSNI": str(config["Type"]).startswith("HTTPS"),
        }
    return defaults | {name: value for name, value in config.items() if value is not None}


def _described(check: HealthCheck) -> Fields:
    return {
        "Id": check.id,
        "CallerReference": check.reference,
        "HealthCheckConfig": check.config,
        "HealthCheckVersion": check.version,
    }


def _find(account: Account, check_id: str) -> HealthCheck:
    if check_id not in account.health_checks:
        raise Refusal("NoSuchHealthCheck", f"A health check with id {check_id} does not exist.")
    return account.health_checks[check_id]


def _raise(refusal: Refusal | None) -> None:
    if refusal:
        raise refusal
