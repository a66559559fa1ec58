"""What the DigitalOcean account says about proxies, with the caller's token; nothing changes.

Needs a token with the scopes `droplet:read` and `reserved_ip:read`.

Source: DigitalOcean API Reference, 'List All Droplets', 'List All Reserved IPv6s', 'Links &
Pagination'.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from rollout.aws import Fields

ENDPOINT: Final = "https://api.digitalocean.com"
TOKENS: Final = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN")
"""Variables that a token may stand in, the first that is set."""

_PER_PAGE: Final = 200
"""The most that a page may have."""


class TokenError(Exception):
    """DigitalOcean cannot be asked; the message says why in one line."""


@dataclass(frozen=True)
class AccountDroplet:
    """A droplet."""

    name: str
    """Its name."""
    state: str
    """`new`, `active`, `off` or `archive`."""


class DigitalOceanReader:
    """Reads the account."""

    def __init__(self, variables: Mapping[str, str], seconds: float) -> None:
        """Have a token and an endpoint.

        Args:
            variables: Where both stand.
            seconds: How long an answer may take.
        """
        self.endpoint = (variables.get("DIGITALOCEAN_API_URL") or ENDPOINT).rstrip("/")
        self._token = next(filter(None, map(variables.get, TOKENS)), "")
        self._seconds = seconds

    def droplets(self) -> Mapping[str, AccountDroplet | None]:
        """Return which droplet has each IPv6 address, its own or a reserved one; None: nobody has.

        Raises:
            TokenError: The account cannot be read.
        """
        having: dict[str, AccountDroplet | None] = {}
        for one in self._all("droplets", "droplets"):
            networks: list[Fields] = one.get("networks", {}).get("v6") or []
            for network in networks:
                having[_address(network["ip_address"])] = _droplet(one)
        for one in self._all("reserved_ipv6", "reserved_ipv6s"):
            droplet: Fields | None = one.get("droplet")
            having[_address(one["ip"])] = _droplet(droplet) if droplet else None
        return having

    def _all(self, path: str, key: str) -> Iterator[Fields]:
        """Yield the items of all pages of a collection, which the answers call `key`."""
        page, more = 1, True
        while more:
            answer = self._get(f"{path}?page={page}&per_page={_PER_PAGE}")
            yield from answer.get(key) or ()
            links: Fields = answer.get("links") or {}
            page, more = page + 1, "next" in (links.get("pages") or {})

    def _get(self, path: str) -> Fields:
        if not self._token:
            raise TokenError(f"no token is set: set {TOKENS[0]}")
        request = Request(  # noqa: S310 - the endpoint is the one that the provider is given
            f"{self.endpoint}/v2/{path}", headers={"Authorization": f"Bearer {self._token}"}
        )
        try:
            with urlopen(request, timeout=self._seconds) as answer:  # noqa: S310 - as above
                return cast("Fields", json.load(answer))
        except HTTPError as error:
            error.close()
            raise TokenError(f"{self.endpoint} answers {error.code} {error.reason}") from error
        except (URLError, OSError, ValueError) as error:
            reason: Any = getattr(error, "reason", error)
            raise TokenError(f"{self.endpoint} does not answer ({reason})") from error


def _droplet(one: Fields) -> AccountDroplet:
    return AccountDroplet(str(one["name"]), str(one["status"]))


def _address(text: object) -> str:
    """Return an address in the one form that addresses are compared in."""
    return str(ip_address(str(text)))
