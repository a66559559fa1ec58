"""What DigitalOcean offers: regions, sizes and images; an excerpt that rarely changes.

Source: responses of `/v2/regions`, `/v2/sizes` and `/v2/images` as the API reference and the
fixtures of digitalocean/droplet_kit show them. Regions that are closed to new Droplets are listed
with `available` false; ams1, closed since 2014, has no IPv6 either.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

Json = dict[str, Any]


@dataclass(frozen=True)
class Region:
    """A data centre."""

    slug: str
    name: str
    available: bool
    features: tuple[str, ...]
    number: int
    """Its place in the list; part of the IPv6 addresses given out there."""

    def view(self) -> Json:
        """Return the region as the API shows it."""
        return {
            "name": self.name,
            "slug": self.slug,
            "features": list(self.features),
            "available": self.available,
            "sizes": [size.slug for size in SIZES.values() if self.slug in size.regions],
        }


@dataclass(frozen=True)
class Size:
    """What a Droplet is made of. Memory in megabytes, disk in gigabytes, transfer in terabytes."""

    slug: str
    memory: int
    vcpus: int
    disk: int
    transfer: float
    price_monthly: float
    price_hourly: float
    regions: tuple[str, ...]

    def view(self) -> Json:
        """Return the size as the API shows it."""
        return {
            **asdict(self),
            "regions": list(self.regions),
            "available": True,
            "description": "Basic",
            "disk_info": disk_info(self.disk),
        }


@dataclass(frozen=True)
class Image:
    """An operating system to start from."""

    id: int
    slug: str
    name: str
    distribution: str
    created_at: str

    def view(self) -> Json:
        """Return the image as the API shows it."""
        return {
            **asdict(self),
            "public": True,
            "regions": [region.slug for region in REGIONS.values() if region.available],
            "min_disk_size": 7,
            "type": "base",
            "size_gigabytes": 2.5,
            "description": f"{self.distribution} {self.name}",
            "tags": [],
            "status": "available",
            "error_message": "",
        }


def disk_info(gigabytes: int) -> list[Json]:
    """Return a disk as the API shows it in sizes and Droplets."""
    return [{"type": "local", "size": {"amount": gigabytes, "unit": "gib"}}]


_OPEN: Final = ("backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer")
_CLOSED: Final = ("backups", "ipv6", "metadata", "install_agent")
_FIRST: Final = ("backups",)

_REGION_ROWS: Final = (
    ("nyc1", "New York 1", _OPEN),
    ("sfo1", "San Francisco 1", _CLOSED),
    ("nyc2", "New York 2", _CLOSED),
    ("ams1", "Amsterdam 1", _FIRST),
    ("ams2", "Amsterdam 2", _CLOSED),
    ("sgp1", "Singapore 1", _OPEN),
    ("lon1", "London 1", _OPEN),
    ("nyc3", "New York 3", _OPEN),
    ("ams3", "Amsterdam 3", _OPEN),
    ("fra1", "Frankfurt 1", _OPEN),
    ("tor1", "Toronto 1", _OPEN),
    ("sfo2", "San Francisco 2", _OPEN),
    ("blr1", "Bangalore 1", _OPEN),
    ("sfo3", "San Francisco 3", _OPEN),
    ("syd1", "Sydney 1", _OPEN),
)

REGIONS: Final[Mapping[str, Region]] = {
    slug: Region(slug, name, features is _OPEN, features, number)
    for number, (slug, name, features) in enumerate(_REGION_ROWS, start=1)
}

_EVERYWHERE: Final = tuple(region.slug for region in REGIONS.values() if region.available)
_SMALLEST: Final = ("ams3", "fra1", "nyc1", "sfo3", "sgp1", "syd1")

SIZES: Final[Mapping[str, Size]] = {
    size.slug: size
    for size in (
        Size("s-1vcpu-512mb-10gb", 512, 1, 10, 0.5, 4.0, 0.00595, _SMALLEST),
        Size("s-1vcpu-1gb", 1024, 1, 25, 1.0, 6.0, 0.00893, _EVERYWHERE),
        Size("s-1vcpu-2gb", 2048, 1, 50, 2.0, 12.0, 0.01786, _EVERYWHERE),
        Size("s-2vcpu-2gb", 2048, 2, 60, 3.0, 18.0, 0.02679, _EVERYWHERE),
        Size("s-2vcpu-4gb", 4096, 2, 80, 4.0, 24.0, 0.03571, _EVERYWHERE),
        Size("s-4vcpu-8gb", 8192, 4, 160, 5.0, 48.0, 0.07143, _EVERYWHERE),
        Size("s-8vcpu-16gb", 16384, 8, 320, 6.0, 96.0, 0.14286, _EVERYWHERE),
    )
}

IMAGES: Final[Mapping[str, Image]] = {
    image.slug: image
    for image in (
        Image(133426485, "debian-12-x64", "12 x64", "Debian", "2023-06-12T15:14:29Z"),
        Image(194500111, "debian-13-x64", "13 x64", "Debian", "2025-08-14T09:30:12Z"),
        Image(129211873, "ubuntu-22-04-x64", "22.04 (LTS) x64", "Ubuntu", "2023-03-15T15:38:10Z"),
        Image(155133621, "ubuntu-24-04-x64", "24.04 (LTS) x64", "Ubuntu", "2024-04-26T14:01:52Z"),
    )
}
