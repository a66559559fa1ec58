"""The regions of the proxies."""

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Final

import pulumi
import pulumi_digitalocean as digitalocean

from components.faults import Fault
from components.last_deployment import DropletKind
from components.lookups.answers import OriginError, UnansweredError, answer_of, words_of
from components.proxy.upgrades import REGIONS
from components.settings import NAMESPACE, Proxies

_NONE_THERE: Final = re.compile("Region does not exist|that is no region")
"""There is no such region. Source: terraform-provider-digitalocean, data source
digitalocean_region; the second is the stand-in's."""


def check_regions(
    pool: Proxies | None, options: pulumi.InvokeOptions, standing: Collection[DropletKind] = ()
) -> None:
    """Refuse regions that cannot have a proxy.

    It also is how a token that is missing or refused is noticed before anything is made.

    Args:
        pool: The settings.
        options: What the look-ups are made with.
        standing: What kinds of droplets the proxies are already; DigitalOcean is not asked for
            those again.

    Raises:
        OriginError: A region is none, is closed, or does not offer the droplets' size.
        UnansweredError: DigitalOcean did not answer, or not to this token.
    """
    faults: list[Fault] = []
    for index, slug in enumerate(pool.regions if pool else ()):
        if pool and DropletKind(slug, pool.size) in standing:
            continue
        key = f"{NAMESPACE}:proxy.regions[{index}]"
        answer = answer_of(lambda slug=slug: digitalocean.get_region(slug=slug, opts=options))
        if isinstance(answer, Exception):
            unclear = _region_unclear(key, slug, answer)
            if faults or _NONE_THERE.search(str(answer)):
                raise OriginError(*faults, unclear) from answer
            raise UnansweredError(unclear) from answer
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
            "a region that is open to new droplets and reserved IPv6 addresses, such as "
            f"{', '.join(slug for slug in REGIONS if slug != region.slug)}",
            f"Set it with: pulumi config set --path '{key}' {_another(region.slug)}",
        )
    elif size not in region.sizes:
        near = get_close_matches(size, region.sizes, n=1) or sorted(region.sizes) or [size]
        yield Fault(
            f"{NAMESPACE}:proxy.size",
            f'"{size}", which {region.slug} does not offer',
            f"one of {', '.join(sorted(region.sizes))}",
            f"Set it with: pulumi config set --path {NAMESPACE}:proxy.size {near[0]}",
        )


def _another(slug: str) -> str:
    """Return another region, in the same city where that has one."""
    others = [region for region in REGIONS if region != slug]
    return next((region for region in reversed(others) if region[:3] == slug[:3]), "fra1")


def _region_unclear(key: str, slug: str, cause: Exception) -> Fault:
    return Fault(
        key,
        f'"{slug}", which could not be looked up',
        f"a region that DigitalOcean knows, asked with a token it accepts ({words_of(cause)})",
        "List the regions with: doctl compute region list. Set the token with: "
        "pulumi config set --secret digitalocean:token TOKEN",
    )
