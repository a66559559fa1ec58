"""Every change of a pool, with the real engine: no answer leads to an address that nobody has."""

from typing import TYPE_CHECKING, Any, Final

import pytest

from support.engine import TTL_SECONDS, holders
from support.moments import moment, watched

if TYPE_CHECKING:
    from sandbox.clouds import background
    from support.engine import Stack

NAMES: Final = ("api.example.com", "api2.example.com")
POOL: Final[dict[str, Any]] = {"regions": ["fra1", "ams3"], "readySeconds": 0}


@pytest.mark.row("`proxy` set", "`proxy` removed")
def test_proxies_are_removed_and_added_while_half_of_the_users_are_on_the_old_path(
    half_on_cdn: "Stack",
    account: "background.Cloud",
    droplets: "background.Cloud",
) -> None:
    half_on_cdn.configure(proxy=None)
    with watched(half_on_cdn, account, droplets) as removing:
        said = half_on_cdn.up().must()
    assert removing.faults(NAMES, TTL_SECONDS) == []
    assert f"live for {TTL_SECONDS} s more" in said
    assert holders(droplets) == {}
    half_on_cdn.configure(proxy=POOL)
    with watched(half_on_cdn, account, droplets) as adding:
        half_on_cdn.up().must()
    assert adding.faults(NAMES, TTL_SECONDS) == []
    assert adding.shares(NAMES[0]) == [(0.5, 0.5)]
    after = moment(account, droplets)
    assert len(after.addresses()) == 2
    assert after.addresses() == after.assigned


@pytest.mark.row(
    "a region or a node added", "regions in another order", "a region or a node removed"
)
def test_a_region_is_added_moved_and_removed_and_the_others_stay_as_they_are(
    half_on_cdn: "Stack",
    account: "background.Cloud",
    droplets: "background.Cloud",
) -> None:
    frankfurt, amsterdam = half_on_cdn.outputs()["proxyAddresses"]
    before = holders(droplets)
    with watched(half_on_cdn, account, droplets) as changing:
        half_on_cdn.configure(proxy={**POOL, "regions": ["lon1", "ams3", "fra1"]})
        half_on_cdn.up().must()
        assert before.items() <= holders(droplets).items()
        london, *rest = half_on_cdn.outputs()["proxyAddresses"]
        assert rest == [amsterdam, frankfurt]

        half_on_cdn.configure(proxy={**POOL, "regions": ["ams3", "lon1"]})
        first = half_on_cdn.up().must()
        assert "Proxy fra1-1 leaves: no new answer leads to it." in first
        assert half_on_cdn.outputs()["proxyAddresses"] == [amsterdam, london]
        assert moment(account, droplets).addresses() == {amsterdam, london}
        assert set(holders(droplets)) == {amsterdam, london, frankfurt}

        second = half_on_cdn.up().must()
        assert f"live for {TTL_SECONDS} s more" in second
    assert changing.faults(NAMES, TTL_SECONDS) == []
    assert changing.shares(NAMES[0]) == [(0.5, 0.5)]
    assert holders(droplets)[amsterdam] == before[amsterdam]
    assert set(holders(droplets)) == {amsterdam, london}
    assert "unchanged" in (third := half_on_cdn.up().must())
    assert "deleted" not in third


@pytest.mark.row("`proxy.size`, `image` and what else replaces droplets")
def test_droplets_of_another_size_and_image_replace_the_others_and_every_address_stays_served(
    half_on_cdn: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    before = holders(droplets)
    with watched(half_on_cdn, account, droplets) as replacing:
        half_on_cdn.configure(proxy={**POOL, "size": "s-2vcpu-2gb", "image": "debian-13-x64"})
        half_on_cdn.up().must()
    assert replacing.faults(NAMES, TTL_SECONDS) == []
    assert holders(droplets).keys() == before.keys()
    assert not set(holders(droplets).values()) & set(before.values())
