"""The setting of the kill switch: where the object is whose presence drains cdn."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator

from components.facts import ROUTE_53_REGION, S3_OBJECT
from components.settings import values
from components.settings.fields import Group, Says, refusal

_URL: Final = re.compile(r"(https?)://([^/?#@:]+)(:[1-9][0-9]{0,4})?(/[!-~]+)")
_LONGEST_PATH: Final = 255
"""Source: Route 53 API Reference, HealthCheckConfig, ResourcePath."""

_GLOBAL_S3: Final = re.compile(r"(.+\.)?s3\.amazonaws\.com")


def switch_url(text: str) -> str:
    """Return the address of the kill switch's object, its host in lower case.

    Source: Route 53 Developer Guide, 'Values that you specify when you create or update health
    checks'; Amazon S3 User Guide, 'Making requests to general purpose buckets' (redirection).
    """
    parts = _URL.fullmatch(text)
    if parts is None or len(parts[4]) > _LONGEST_PATH or not values.is_port(parts[3]):
        raise ValueError(text)
    if set(parts[4]) & set("?#"):
        raise refusal("an address without ? and #: it names one object")
    host = values.dns_name(parts[2])
    if _GLOBAL_S3.fullmatch(host):
        raise refusal(
            "an address that names its region, BUCKET.s3.REGION.amazonaws.com: S3's global one "
            "depends on us-east-1, and redirects"
        )
    url = f"{parts[1]}://{host}{parts[3] or ''}{parts[4]}"
    at_s3 = S3_OBJECT.fullmatch(url)
    if at_s3 and at_s3["region"] == ROUTE_53_REGION:
        raise refusal(
            f"in another region than {ROUTE_53_REGION}: Route 53's control plane is there, and the "
            "switch is for when that does not answer"
        )
    return url


class KillSwitch(Group):
    """A health check by which cdn can be drained without Route 53's control plane."""

    url: Annotated[
        Annotated[str, AfterValidator(switch_url)],
        Says(
            "an http or https address with a path, of an object at S3 or a server of yours",
            "https://example-edge-switch.s3.eu-west-1.amazonaws.com/drain",
        ),
    ]
    """Address of an object that is not there. Once it is there and begins with
    `dualstack-edge: drain cdn`, health checkers find it within half a minute, and no answer leads
    to cdn any more, whatever its weight; what keeps them from it moves nobody. They ask for it
    about three times a second from all over the world, and without credentials. A bucket should be
    for this alone, and has to be in another region than us-east-1."""

    @property
    def host(self) -> str:
        """The name of the server."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port of the server."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def path(self) -> str:
        """The path of the object there."""
        return urlsplit(self.url).path

    @property
    def is_secure(self) -> bool:
        """Whether it is asked for over TLS. No health check looks at the certificate."""
        return self.url.startswith("https:")
