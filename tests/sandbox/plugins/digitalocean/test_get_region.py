"""What the function answers, against the cloud."""

from typing import Any

from sandbox.clouds.digitalocean import TOKEN
from sandbox.plugins.digitalocean.digitalocean_session import DigitalOceanSession

GET_REGION = "digitalocean:index/getRegion:getRegion"


def test_a_region_tells_what_it_offers(plugin: Any) -> None:
    region = plugin.invoke(GET_REGION, {"slug": "fra1"})
    assert (region["id"], region["name"], region["available"]) == ("fra1", "Frankfurt 1", True)
    assert "ipv6" in region["features"]
    assert "s-1vcpu-1gb" in region["sizes"]


def test_a_region_that_does_not_exist_is_refused_with_those_that_do(plugin: Any) -> None:
    failed = plugin.failure(lambda: plugin.invoke(GET_REGION, {"slug": "moon1"}))
    assert failed.text.endswith(
        "slug is 'moon1'; that is no region. There are: ams1, ams2, ams3, blr1, fra1, lon1, nyc1, "
        "nyc2, nyc3, sfo1, sfo2, sfo3, sgp1, syd1, tor1."
    )


def test_a_collection_of_many_pages_is_read_to_its_end(cloud: Any) -> None:
    session = DigitalOceanSession({"token": TOKEN, "apiEndpoint": cloud.url}, {})
    regions = session.everything("regions.list", "regions")
    assert len(regions) == 15
    assert session.everything("regions.list", "regions", per_page=4) == regions
