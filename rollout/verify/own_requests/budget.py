"""How many requests the user's own requests may cost, and what is left out to keep to it. Pure.

First everything goes out on each path over each family. Then each further address is afforded, then
the same request more often, as another user and with another query. What is not afforded is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LOOKS: Final = 3
"""How often a request goes out at each address: twice at once, and once more later."""

REPEATS: Final = 5
"""How often more a GET or HEAD goes out at one address of each path over each family: caches may
keep only what is asked for several times."""

MEASURES: Final = 6
"""How often it goes out on direct over IPv4 meanwhile."""

VARIANT_LOOKS: Final = 2
"""How often each variant goes out, on direct over IPv4 as on each other way."""


@dataclass(frozen=True)
class QuestionSize:
    """How much there is to ask about one request."""

    addresses: tuple[int, ...]
    """Number of addresses on each path over each family but direct over IPv4."""
    variants: int
    """Number of its variants."""
    repeats: bool = False
    """Whether it may go out more often."""

    def cost(self, most_addresses: int, *, with_variants: bool) -> int:
        """Return the number of requests that it takes."""
        addresses = sum(min(count, most_addresses) for count in self.addresses)
        variants = self.variants * VARIANT_LOOKS * (1 + len(self.addresses))
        more = REPEATS * len(self.addresses) if self.repeats else 0
        return MEASURES + LOOKS * addresses + (variants + more if with_variants else 0)


@dataclass(frozen=True)
class Allowance:
    """What is afforded for all requests alike."""

    most_addresses: int
    """Addresses on each path over each family."""
    with_variants: bool
    """Whether variants are sent, and what may go out more often does."""


def allowance(sizes: Sequence[QuestionSize], budget: int) -> Allowance:
    """Return what a number of requests affords; one address each way is always asked."""

    def cost(most_addresses: int, *, with_variants: bool) -> int:
        return sum(size.cost(most_addresses, with_variants=with_variants) for size in sizes)

    most = max((count for size in sizes for count in size.addresses), default=1)
    while most > 1 and cost(most, with_variants=False) > budget:
        most -= 1
    return Allowance(most, cost(most, with_variants=True) <= budget)
