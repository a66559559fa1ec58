"""Route 53's health checks as the layer answers them: as they were sent, one version a change.

moto forgets the regions, the alarm and the caller reference of a health check and never counts its
version up. The layer therefore keeps the configuration itself; moto keeps a health check of the
same id, for its tags and its status.

Where this differs from Route 53: nobody checks anything but the checkers of an open lab, which say
what they see. What nobody has seen has no observations.
"""

from typing import Final

from sandbox.clouds.aws.fields import Fields, ReadOnly, members, part
from sandbox.clouds.aws.refusal import Refusal, raise_if
from sandbox.clouds.aws.rules import health_check_config as rules
from sandbox.clouds.aws.rules.batches import page_has_a_size
from sandbox.clouds.aws.state import MotoAccount, MotoHealthCheck, now, route53

PAGE: Final = 100
"""How many health checks a list holds at most. Source: API Reference, ListHealthChecks."""

CHECKER: Final = "198.18.3.3"
"""The address of all checkers, which is that of the lab's."""

NOT_SETTINGS: Final = frozenset({"HealthCheckId", "HealthCheckVersion", "ResetElements"})
"""The members of an update that are no settings."""


def create_health_check(account: MotoAccount, sent: Fields) -> Fields:
    """Create a health check, or answer with the one that the same request made before."""
    reference, config = sent["CallerReference"], dict(part(sent, "HealthCheckConfig"))
    rules.judge(config)
    config = completed(config)
    checks = account.health_checks.values()
    existing = next((check for check in checks if check.reference == reference), None)
    deleted = reference in account.deleted_health_checks
    raise_if(
        rules.health_check_reference_is_new(
            config, existing and existing.created_as, deleted=deleted
        )
    )
    if existing is None:
        raise_if(rules.child_health_checks_exist(config, account.health_checks))
        moto = route53().create_health_check(reference, {"type": config["Type"]})
        existing = MotoHealthCheck(moto.id, reference, config, dict(config))
        account.health_checks[existing.id] = existing
    location = f"https://route53.amazonaws.com/2013-04-01/healthcheck/{existing.id}"
    return {"HealthCheck": _described(existing), "Location": location}


def get_health_check(account: MotoAccount, sent: Fields) -> Fields:
    """Return a health check."""
    return {"HealthCheck": _described(_find(account, sent["HealthCheckId"]))}


def list_health_checks(account: MotoAccount, sent: Fields) -> Fields:
    """List the health checks by id, page by page."""
    raise_if(page_has_a_size(sent.get("MaxItems")))
    marker, size = sent.get("Marker") or "", min(int(sent.get("MaxItems") or PAGE), PAGE)
    every = sorted(account.health_checks.values(), key=lambda check: check.id)
    left = [check for check in every if check.id >= marker]
    answer: Fields = {
        "HealthChecks": [_described(check) for check in left[:size]],
        "Marker": marker,
        "IsTruncated": len(left) > size,
        "MaxItems": str(size),
    }
    return answer | ({"NextMarker": left[size].id} if len(left) > size else {})


def get_health_check_status(account: MotoAccount, sent: Fields) -> Fields:
    """Return what checkers see: of an endpoint alone, and nothing where nobody looks.

    Source: Route 53 API Reference, 'GetHealthCheckStatus'.
    """
    check = _find(account, sent["HealthCheckId"])
    healthy = account.settings.health.get(check.id)
    if check.config["Type"] not in rules.ENDPOINT_TYPES or healthy is None:
        return {"HealthCheckObservations": []}
    web = check.config["Type"] in rules.WEB_TYPES
    endpoint = check.config.get("IPAddress") or check.config["FullyQualifiedDomainName"]
    status = (
        f"Success: {'HTTP Status Code 200, OK' if web else 'TCP connection established'}"
        if healthy != check.config["Inverted"]
        else f"Failure: {endpoint} does not answer. The endpoint or the internet connection is "
        "down, or requests are being blocked by your firewall."
    )
    report = {"Status": status, "CheckedTime": now(account)}
    regions = check.config.get("Regions") or rules.every_region()
    observed = [{"Region": each, "IPAddress": CHECKER, "StatusReport": report} for each in regions]
    return {"HealthCheckObservations": observed}


def update_health_check(account: MotoAccount, sent: Fields) -> Fields:
    """Change the settings that are given, forget those to be reset, and count the version up."""
    check = _find(account, sent["HealthCheckId"])
    raise_if(rules.health_check_version_matches(sent.get("HealthCheckVersion"), check.version))
    given = {
        name: value
        for name, value in sent.items()
        if name not in NOT_SETTINGS and value is not None
    }
    reset = members(sent, "ResetElements")
    config = {name: value for name, value in (check.config | given).items() if name not in reset}
    rules.judge(config)
    raise_if(rules.child_health_checks_exist(config, account.health_checks))
    check.config = config
    check.version += 1
    return {"HealthCheck": _described(check)}


def delete_health_check(account: MotoAccount, sent: Fields) -> Fields:
    """Delete a health check, whether or not records refer to it.

    Source: Route 53 API Reference, 'DeleteHealthCheck': "Amazon Route 53 does not prevent you from
    deleting a health check even if the health check is associated with one or more resource record
    sets."
    """
    check = _find(account, sent["HealthCheckId"])
    del account.health_checks[check.id]
    account.deleted_health_checks.add(check.reference)
    route53().delete_health_check(check.id)
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


def _described(check: MotoHealthCheck) -> Fields:
    return {
        "Id": check.id,
        "CallerReference": check.reference,
        "HealthCheckConfig": check.config,
        "HealthCheckVersion": check.version,
    }


def _find(account: MotoAccount, check_id: str) -> MotoHealthCheck:
    if check_id not in account.health_checks:
        raise Refusal("NoSuchHealthCheck", f"A health check with id {check_id} does not exist.")
    return account.health_checks[check_id]
