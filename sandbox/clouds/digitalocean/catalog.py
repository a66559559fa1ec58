"""What DigitalOcean offers: regions, sizes and images; an excerpt that rarely changes.

Source: responses of `/v2/regions`, `/v2/sizes` and `/v2/images` as the API reference and the
fixtures of digitalocean/droplet_kit show them. Regions that are closed to new Droplets are listed
with `available` false; ams1, closed since 2014, has no IPv6 either.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

Json = dict[str, Any]


@dataclass(frozen=True)
class Offered:
    """Something on offer."""

    shown: Json
    """As the API shows it."""
    number: int
    """Its place in the list; that of a region is part of the IPv6 addresses given out there."""

    def __getattr__(self, name: str) -> Any:
        """Return a field of what the API shows."""
        if name.startswith("_") or name not in self.shown:
            raise AttributeError(name)
        return self.shown[name]

    def view(self) -> Json:
        """Return it as the API shows it."""
        return deepcopy(self.shown)


Region: TypeAlias = Offered
Size: TypeAlias = Offered
Image: TypeAlias = Offered

_CATALOG: Final[Mapping[str, list[Json]]] = json.loads(
    Path(__file__).with_suffix(".json").read_text()
)


def _by_slug(kind: str) -> Mapping[str, Offered]:
    return {shown["slug"]: Offered(shown, place) for place, shown in enumerate(_CATALOG[kind], 1)}


REGIONS: Final[Mapping[str, Region]] = _by_slug("regions")
SIZES: Final[Mapping[str, Size]] = _by_slug("sizes")
IMAGES: Final[Mapping[str, Image]] = _by_slug("images")


def disk_info(gigabytes: int) -> list[Json]:
    """Return a disk as the API shows it in sizes and Droplets."""
    return [{"type": "local", "size": {"amount": gigabytes, "unit": "gib"}}]
