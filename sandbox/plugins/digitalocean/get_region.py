"""The function `getRegion`.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/region/datasource_region.go`.
"""

from sandbox.plugins.digitalocean.digitalocean_session import DigitalOceanSession
from sandbox.plugins.resource import Function, PluginError
from sandbox.plugins.values import Props


def _get_region(session: DigitalOceanSession, args: Props) -> Props:
    """Return a region by its slug."""
    regions = {region["slug"]: region for region in session.everything("regions.list", "regions")}
    slug = args.get("slug")
    if slug not in regions:
        raise PluginError(
            f"slug is {slug!r}; that is no region. There are: {', '.join(sorted(regions))}."
        )
    names = ("available", "features", "name", "sizes", "slug")
    return {"id": slug} | {name: regions[slug][name] for name in names}


def functions() -> list[Function[DigitalOceanSession]]:
    """Return the functions."""
    return [Function("digitalocean:index/getRegion:getRegion", _get_region, frozenset({"slug"}))]
