"""What DigitalOcean's account has, asked without Pulumi's provider.

The provider has no look-up that lists VPCs, firewalls, reserved IPv6 addresses or alert policies,
so the API itself is asked, with the same token and at the same endpoint: those of the stack's
configuration, else those of the environment.

Where it differs from the provider: nothing is asked a second time.

Source: DigitalOcean API Reference, 'Links & Pagination'; terraform-provider-digitalocean,
`digitalocean/provider.go`.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from components.faults import Fault
from components.lookups.answers import NoAccessError, UnansweredError
from components.lookups.left_behind import FreeAddress, Named

if TYPE_CHECKING:
    from pydantic import Secret

_ENDPOINT: Final = "https://api.digitalocean.com"
_TOKENS: Final = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
_PER_PAGE: Final = 200
"""The most that a page may have."""

_PATIENCE_SECONDS: Final = 20


@dataclass(frozen=True)
class HttpDigitalOcean:
    """The account itself."""

    endpoint: str
    """Where the API is."""
    token: str
    """Who asks."""

    def vpcs(self) -> Sequence[Named]:
        """Return the VPCs."""
        return self._named("vpcs", "vpcs")

    def firewalls(self) -> Sequence[Named]:
        """Return the firewalls."""
        return self._named("firewalls", "firewalls")

    def droplets(self) -> Sequence[Named]:
        """Return the droplets."""
        return self._named("droplets", "droplets")

    def alerts(self) -> Sequence[Named]:
        """Return the alert policies."""
        return self._named("monitoring/alerts", "policies", id_="uuid", name="description")

    def free_addresses(self) -> Sequence[FreeAddress]:
        """Return the reserved IPv6 addresses that no droplet has."""
        return [
            FreeAddress(item["ip"], item["region_slug"])
            for item in self._all("reserved_ipv6", "reserved_ipv6s")
            if not item.get("droplet")
        ]

    def _named(self, path: str, key: str, id_: str = "id", name: str = "name") -> Sequence[Named]:
        return [Named(str(item[id_]), item[name]) for item in self._all(path, key)]

    def _all(self, path: str, key: str) -> Iterator[Mapping[str, Any]]:
        """Yield the items of all pages of a collection, which the answers call `key`."""
        page, more = 1, True
        while more:
            answer = self._get(f"{path}?page={page}&per_page={_PER_PAGE}")
            yield from answer.get(key) or ()
            links: Mapping[str, Any] = answer.get("links") or {}
            page, more = page + 1, "next" in (links.get("pages") or {})

    def _get(self, path: str) -> Mapping[str, Any]:
        request = Request(  # noqa: S310 - the endpoint is the one that the provider is given
            f"{self.endpoint}/v2/{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        try:
            with urlopen(request, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 - as above
                return cast("Mapping[str, Any]", json.load(answer))
        except HTTPError as error:
            if error.code == HTTPStatus.UNAUTHORIZED:
                raise _no_token(self.token) from error
            raise _unanswered(path.partition("?")[0], error) from error
        except URLError as error:
            raise _nobody_there(self.endpoint, error) from error
        except (OSError, ValueError) as error:
            raise _unanswered(path.partition("?")[0], error) from error


def open_digitalocean(arguments: Mapping[str, Any]) -> HttpDigitalOcean:
    """Return the account that the provider of a stack leads to.

    Args:
        arguments: As `Settings.digitalocean` has them.
    """
    token: Any = arguments.get("token")
    given = cast("Secret[str]", token).get_secret_value() if token else None
    endpoint = arguments.get("apiEndpoint") or os.environ.get("DIGITALOCEAN_API_URL") or _ENDPOINT
    tokens = (given, *map(os.environ.get, _TOKENS))
    return HttpDigitalOcean(endpoint.rstrip("/"), next(filter(None, tokens), ""))


def _no_token(token: str) -> NoAccessError:
    return NoAccessError(
        Fault(
            "DigitalOcean's token",
            "one that DigitalOcean refuses" if token else "not set",
            "a token of the account that the proxies are in, valid and not run out",
            "Make one at https://cloud.digitalocean.com/account/api/tokens and set it: "
            "pulumi config set --secret digitalocean:token, or DIGITALOCEAN_TOKEN",
        )
    )


def _nobody_there(endpoint: str, cause: URLError) -> NoAccessError:
    return NoAccessError(
        Fault(
            "DigitalOcean's API",
            f"{endpoint}, where nobody answers",
            f"{_ENDPOINT}, or a cloud that runs ({' '.join(str(cause.reason).split())})",
            "Look at the network, and at DIGITALOCEAN_API_URL or digitalocean:apiEndpoint; the "
            "sandbox starts with: make up",
        )
    )


def _unanswered(kind: str, cause: Exception) -> UnansweredError:
    return UnansweredError(
        Fault(
            f"DigitalOcean's list of {kind}",
            "one that could not be read",
            "one that can: it says what an earlier deployment left behind "
            f"({' '.join(str(cause).split())})",
            "See that the token may read them.",
        )
    )
