"""The regions of the proxies."""

from collections.abc import Iterator

import pulumi
import pulumi_digitalocean as digitalocean

from components.faults import Fault
from components.lookups.answers import OriginError, answer_of, words_of
from components.settings import NAMESPACE, Proxies


def check_regions(pool: Proxies | None, options: pulumi.InvokeOptions) -> None:
    """Refuse regions that cannot have a proxy.

    It also is how a token that is missing or refused is noticed before anything is made.
    """
    faults: list[Fault] = []
    for index, slug in enumerate(pool.regions if pool else ()):
        key = f"{NAMESPACE}:proxy.regions[{index}]"
        answer = answer_of(lambda slug=slug: digitalocean.get_region(slug=slug, opts=options))
        if isinstance(answer, Exception):
            raise OriginError(*faults, _region_unclear(key, slug, answer)) from answer
        faults += _region_faults(key, answer, pool.size if pool else "")
    if faults:
        raise OriginError(*faults)


def _region_faults(
    key: str, region: digitalocean.AwaitableGetRegionResult, size: str
) -> Iterator[Fault]:
    """Say what a region lacks.

    Nothing in DigitalOcean's API tells whether a region has reserved IPv6 addresses. Its
    documentation says that all do, but addresses are reserved in regions that are open only.

    Source: DigitalOcean, 'Reserved IPs Availability'; API Reference, 'Regions'.
    """
    if not region.available:
        yield Fault(
            key,
            f'"{region.slug}", which is closed',
            "a region that is open to new droplets and reserved IPv6 addresses",
            f"Set it with: pulumi config set --path '{key}' fra1",
        )
    elif size not in region.sizes:
        yield Fault(
            f"{NAMESPACE}:proxy.size",
            f'"{size}", which {region.slug} does not offer',
            f"one of {', '.join(sorted(region.sizes))}",
            f"Set it with: pulumi config set --path {NAMESPACE}:proxy.size s-1vcpu-1gb",
        )


def _region_unclear(key: str, slug: str, cause: Exception) -> Fault:
    return Fault(
        key,
        f'"{slug}", which could not be looked up',
        f"a region that DigitalOcean knows, asked with a token it accepts ({words_of(cause)})",
        "List the regions with: doctl compute region list. Set the token with: "
        "pulumi config set --secret digitalocean:token TOKEN",
    )
