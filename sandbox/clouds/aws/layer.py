"""The layer in front of moto: a WSGI application around moto's.

Every client meets it, whatever it is written in. For each request it finds the operation; one that
a service module of ours handles is answered by it, all others by moto. Requests hold one lock from
the check to the change, so no two of them ever interleave: moto's memory is a plain dictionary that
knows no transactions, and its routes are compiled at first use, which Python 3.11 may not do in two
threads at once ("AST constructor recursion depth mismatch", python/cpython#106905).
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from threading import RLock
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from botocore import xform_name
from moto.core.exceptions import ServiceException
from moto.core.request import Request
from werkzeug.wrappers import Response

from sandbox.clouds import control
from sandbox.clouds.aws import (
    certificates,
    cloudfront_policies,
    constraints,
    distributions,
    dns_answers,
    health_checks,
    load_balancers,
    record_protections,
    record_sets,
    security_groups,
    seed,
    throttles,
)
from sandbox.clouds.aws.fields import Fields
from sandbox.clouds.aws.operations import AwsCall, read, request_of
from sandbox.clouds.aws.rules import metric_alarms
from sandbox.clouds.aws.state import MotoAccount

Handler = Callable[[MotoAccount, Fields], Fields | None]
"""Carries out one operation: the account and the operation's input to its output, or a Refusal.
None leaves it to moto."""

RegionalHandler = Callable[[MotoAccount, str, Fields], Fields | None]
"""The same for a service whose resources lie in a region."""

READING: Final = ("Describe", "Get", "List")
"""How the names of operations begin that change nothing."""

ERROR_HEADER: Final = "X-Amzn-ErrorType"
"""Where the JSON services tell the error code; the others tell it here too, for the log."""

OPERATIONS: Final = (
    (
        *("route53", record_sets),
        *("ChangeResourceRecordSets", "ListResourceRecordSets", "GetChange", "CreateHostedZone"),
        *("DeleteHostedZone", "ListHostedZones", "ListHostedZonesByName"),
    ),
    ("route53", dns_answers, "TestDNSAnswer"),
    (
        *("route53", record_protections),
        *("CreateResourceRecordSetProtections", "DeleteResourceRecordSetProtections"),
        "ListResourceRecordSetProtections",
    ),
    (
        *("route53", health_checks),
        *("CreateHealthCheck", "GetHealthCheck", "ListHealthChecks", "UpdateHealthCheck"),
        *("DeleteHealthCheck", "GetHealthCheckStatus"),
    ),
    (
        *("cloudfront", distributions),
        *("CreateDistribution", "CreateDistributionWithTags", "GetDistribution"),
        *("GetDistributionConfig", "UpdateDistribution", "DeleteDistribution"),
        *("ListDistributions", "CreateInvalidation", "ListConflictingAliases"),
    ),
)
"""The operations that a module carries out, by functions of their names."""

HANDLERS: Final[Mapping[tuple[str, str], Handler]] = {
    **{
        (service, operation): getattr(module, xform_name(operation))
        for service, module, *operations in OPERATIONS
        for operation in operations
    },
    ("cloudfront", "GetInvalidation"): distributions.note_invalidations,
    ("cloudfront", "ListInvalidations"): distributions.note_invalidations,
    **cloudfront_policies.HANDLERS,
}

REGIONAL_HANDLERS: Final[Mapping[tuple[str, str], RegionalHandler]] = {
    ("acm", "DescribeCertificate"): certificates.describe_certificate,
    ("acm", "RequestCertificate"): certificates.request_certificate,
    ("acm", "GetCertificate"): certificates.get_certificate,
    ("acm", "DeleteCertificate"): certificates.delete_certificate,
    ("ec2", "AuthorizeSecurityGroupIngress"): security_groups.authorize_ingress,
    ("ec2", "DescribeSecurityGroupRules"): security_groups.describe_rules,
    ("monitoring", "PutMetricAlarm"): lambda _account, region, sent: metric_alarms.judge(
        sent, region
    ),
}


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


class Layer:
    """The sandbox's AWS: moto, the rules before it, and what moto lacks."""

    def __init__(
        self,
        moto: WSGIApplication,
        account: MotoAccount,
        log: Callable[[str], None] = _print,
        *,
        snapshots: Path | None = None,
    ) -> None:
        """Put the layer in front of an application.

        Args:
            moto: what answers everything that the layer does not.
            account: the state; seeded here.
            log: gets a line for every request: method, service, action, status, error code.
            snapshots: folder of the account's snapshots; None: it keeps none.
        """
        self._moto = moto
        self._account = account
        self._log = log
        self._lock = RLock()
        self._control = control.Control(account, self._reset, snapshots)
        certificates.disarm_moto()
        self._reset()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = request_of(environ)
        if request.path.startswith(control.PATH):
            return self._controlled(request)(environ, start_response)
        with self._lock:
            call = read(request)
            if call is None:
                service, operation = "-", "-"
                response = Response.from_app(self._moto, environ, buffered=True)
            else:
                service, operation = call.service, call.action or request.path
                response = self._answer(call, environ)
            # Of a service whose operations are not told, such as S3, the method says it.
            reads = operation.startswith(READING) or (
                not (call and call.action) and request.method in {"GET", "HEAD"}
            )
            if response.status_code < HTTPStatus.BAD_REQUEST and not reads:
                self._control.changes += 1
        return self._logged(request, service, operation, response)(environ, start_response)

    def _answer(self, call: AwsCall, environ: WSGIEnvironment) -> Response:
        try:
            certificates.refresh(self._account)
            if call.service == "route53" and call.action:
                throttles.throttle(self._account, call.action, call.parameters)
            constraints.check(call)
            result = self._handled(call)
            certificates.refresh(self._account)
        except ServiceException as refusal:
            response = call.answer(refusal)
            response.headers[ERROR_HEADER] = refusal.code
            return response
        if result is not None:
            return call.answer(result)
        response = Response.from_app(self._moto, environ, buffered=True)
        if (call.service, call.action) == ("elasticloadbalancing", "CreateLoadBalancer"):
            body = response.get_data(as_text=True)
            for motos, right in load_balancers.repair().items():
                body = body.replace(motos, right)
            response.set_data(body)
        return response

    def _handled(self, call: AwsCall) -> Fields | None:
        operation = (call.service, call.action)
        if operation in HANDLERS:
            return HANDLERS[operation](self._account, call.parameters)
        if operation in REGIONAL_HANDLERS:
            return REGIONAL_HANDLERS[operation](self._account, call.region, call.parameters)
        return None

    def _logged(self, request: Request, service: str, action: str, response: Response) -> Response:
        code = response.headers.get(ERROR_HEADER, "")
        self._log(f"{request.method} {service} {action} {response.status_code} {code}".rstrip())
        return response

    def _reset(self) -> None:
        self._account.reset()
        seed.seed()

    def _controlled(self, request: Request) -> Response:
        """Answer a request to the control surface; a certificate is issued by the clock alone."""
        with self._lock:
            certificates.refresh(self._account)
            return self._control.answer(request, f".{certificates.count_issued()}")
