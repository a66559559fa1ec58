"""From HTTP to an AWS operation and back, by the service models that botocore carries.

moto's own request router, parsers and serializers do the work, so the layer speaks exactly the
formats that moto speaks: rest-xml for Route 53 and CloudFront, JSON 1.1 for ACM.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Final, cast
from wsgiref.types import WSGIEnvironment

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel, StructureShape
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from sandbox.clouds.aws.fields import Fields
from sandbox.clouds.aws.refusal import Refusal

REST_SERVICES: Final = frozenset({"cloudfront", "route53"})
"""The services of the layer whose operation follows from method and path."""

MALFORMED: Final = {
    "acm": "SerializationException",
    "cloudfront": "MalformedXML",
    "ec2": "MalformedQueryString",
    "elasticloadbalancing": "MalformedQueryString",
    "monitoring": "SerializationException",
    "route53": "InvalidInput",
}
"""How each service calls a request that it can't read."""

MODELS: Final = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2"}
"""What the model of a service is called where it is not what requests are signed for."""

CLASSIC_VERSION: Final = "2012-06-01"
"""The version of the API of classic load balancers, which share their name with the others."""

CREDENTIAL_SCOPE: Final = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)")
"""Where a signed request says which service of which region it is for.

Source: IAM User Guide, 'Elements of an AWS API request signature'.
"""


@dataclass(frozen=True)
class AwsCall:
    """One request to one operation of one service."""

    service: str
    """As requests are signed for it, e.g. `route53`, `elasticloadbalancing`."""

    region: str

    action: str
    """The operation, e.g. `ChangeResourceRecordSets`; empty where it is unknown."""

    request: Request

    path_values: dict[str, str]

    def input_shape(self) -> StructureShape | None:
        """Return what the model says of the operation's input; None where it has no such thing."""
        try:
            return cast("StructureShape | None", self._operation().input_shape)
        except (OperationNotFoundError, UnknownServiceError):
            return None

    @cached_property
    def parameters(self) -> Fields:
        """The operation's input as boto3 knows it.

        Raises:
            Refusal: the body can't be read.
        """
        operation = self._operation()
        protocol = determine_request_protocol(operation.service_model, self.request.content_type)
        parser = PROTOCOL_PARSERS[protocol](operation)
        try:
            return parser.parse(
                {
                    "method": self.request.method,
                    "values": self.request.values,
                    "headers": self.request.headers,
                    "body": self.request.get_data(),
                    "url_path": self.request.path,
                    "url_params": self.path_values,
                }
            )
        except (RequestParserError, ValueError) as fault:
            raise Refusal(MALFORMED[self.service], f"Invalid request: {fault}") from fault

    def answer(self, result: Fields | ServiceException) -> Response:
        """Return the HTTP response for an operation's output, or for its refusal."""
        operation = self._operation()
        protocol = determine_request_protocol(operation.service_model, self.request.content_type)
        serializer = get_serializer_class(self._model(), protocol)(operation)
        written = serializer.serialize(result)
        return Response(
            written["body"], status=written["status_code"], headers=dict(written["headers"])
        )

    def _operation(self) -> OperationModel:
        return get_service_model(self._model()).operation_model(self.action)

    def _model(self) -> str:
        if self.request.values.get("Version") == CLASSIC_VERSION:
            return "elb"
        return MODELS.get(self.service, self.service)


def read(request: Request) -> AwsCall | None:
    """Tell which operation a request is for; None if it is not signed for any service."""
    scope = CREDENTIAL_SCOPE.search(request.headers.get("Authorization", ""))
    if scope is None:
        return None
    service, region = scope["service"], scope["region"]
    target = request.headers.get("X-Amz-Target")
    if target:
        return AwsCall(service, region, target.rpartition(".")[2], request, {})
    if request.mimetype == "application/x-www-form-urlencoded" and request.content_length:
        return AwsCall(service, region, request.form.get("Action", ""), request, {})
    if service not in REST_SERVICES:
        return AwsCall(service, region, "", request, {})
    try:
        operation, path_values = get_service_router(service).match(request)
    except HTTPException:
        return AwsCall(service, region, "", request, {})
    return AwsCall(service, region, str(operation.name), request, path_values)


def request_of(environ: WSGIEnvironment) -> Request:
    """Return a request whose body can be read here and once more by moto.

    Only bodies that tell their length are kept; a chunked one (an upload to S3) is left alone.
    """
    request = Request(environ)
    if request.content_length:
        environ["wsgi.input"] = BytesIO(request.get_data(cache=True))
    return request
