"""Every change of a pool, with the real engine: no answer leads to an address that nobody has."""

from typing import TYPE_CHECKING, Any, Final

import pytest

from support.answers import answered, watched
from support.engine import holders

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background
    from support.engine import Stack

TTL_SECONDS: Final = 3
"""How long answers that lead to proxies live here; sixty are too long for a test."""

POOL: Final[dict[str, Any]] = {"regions": ["fra1", "ams3"], "readySeconds": 0}
HALF: Final = {"direct": 50, "cdn": 50}


@pytest.fixture
def stack(whole: "Stack") -> "Stack":
    """The stack with its proxies, and answers that live shortly."""
    whole.wrap(
        f"import components.proxy_dns\ncomponents.proxy_dns.ALIAS_TTL_SECONDS = {TTL_SECONDS}"
    )
    whole.configure(traffic=HALF)
    return whole


def test_proxies_are_added_and_removed_while_half_of_the_users_are_on_the_old_path(
    stack: "Stack",
    account: "background.Cloud",
    droplets: "background.Cloud",
    route53: "Route53Client",
) -> None:
    stack.configure(proxy=None)
    stack.up().must()
    with watched(account, droplets) as adding:
        stack.configure(proxy=POOL)
        stack.up().must()
    assert adding.unserved(TTL_SECONDS) == []
    assert answered(route53) == set(holders(droplets))
    with watched(account, droplets) as removing:
        stack.configure(proxy=None)
        said = stack.up().must()
    assert removing.unserved(TTL_SECONDS) == []
    assert f"live for {TTL_SECONDS} s more" in said
    assert (answered(route53), holders(droplets)) == (set(), {})


def test_a_region_is_added_moved_and_removed_and_the_others_stay_as_they_are(
    stack: "Stack",
    account: "background.Cloud",
    droplets: "background.Cloud",
    route53: "Route53Client",
) -> None:
    stack.up().must()
    frankfurt, amsterdam = stack.outputs()["proxyAddresses"]
    before = holders(droplets)
    with watched(account, droplets) as changing:
        stack.configure(proxy={**POOL, "regions": ["lon1", "ams3", "fra1"]})
        stack.up().must()
        assert before.items() <= holders(droplets).items()
        london, *rest = stack.outputs()["proxyAddresses"]
        assert rest == [amsterdam, frankfurt]

        stack.configure(proxy={**POOL, "regions": ["ams3", "lon1"]})
        first = stack.up().must()
        assert "Proxy fra1-1 leaves: no new answer leads to it." in first
        assert stack.outputs()["proxyAddresses"] == [amsterdam, london]
        assert answered(route53) == {amsterdam, london}
        assert set(holders(droplets)) == {amsterdam, london, frankfurt}

        second = stack.up().must()
        assert f"live for {TTL_SECONDS} s more" in second
    assert changing.unserved(TTL_SECONDS) == []
    assert holders(droplets)[amsterdam] == before[amsterdam]
    assert set(holders(droplets)) == {amsterdam, london}
    assert "unchanged" in (third := stack.up().must())
    assert "deleted" not in third


def test_droplets_of_another_size_and_image_replace_the_others_and_every_address_stays_served(
    stack: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    stack.up().must()
    before = holders(droplets)
    with watched(account, droplets) as replacing:
        stack.configure(proxy={**POOL, "size": "s-2vcpu-2gb", "image": "debian-13-x64"})
        stack.up().must()
    assert replacing.unserved(TTL_SECONDS) == []
    assert holders(droplets).keys() == before.keys()
    assert not set(holders(droplets).values()) & set(before.values())
