"""Who asks, through which caches: resolvers, clients, address families.

Each number carries where it comes from, as `Provenance` beside the field. What nobody measured is
an assumption with its range: `rollout.simulate.assumptions` says what each end of it would change.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

DAY: Final = 86_400
MOST_SECONDS: Final = 90 * DAY
"""The longest time that a population may name; nothing that is known keeps an answer for longer."""

MOST_CACHES: Final = 100_000_000
"""The most caches of one kind: ten times what is measured in docs/benchmarks.md."""


@dataclass(frozen=True)
class Provenance:
    """Where a number comes from."""

    source: str
    """Who says so."""
    low: float | None = None
    """Least value to reckon with, where nobody measured it."""
    high: float | None = None
    """Largest one."""


class PopulationPart(BaseModel):
    """A part of a population: frozen, nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


# Strict, as the schema is: a number is no text, and text no number.
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False, strict=True)]
Life = Annotated[float, Field(ge=1, le=MOST_SECONDS, allow_inf_nan=False, strict=True)]
Flag = Annotated[bool, Field(strict=True)]


class Resolvers(PopulationPart):
    """Resolvers of one behaviour, each with one cache."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    """What they are called in figures."""
    share: Share
    """Their part of all requests. The shares of all kinds add up to 1."""
    caches: Annotated[int, Field(ge=1, le=MOST_CACHES, strict=True)] = 1_000
    """How many caches they are. Only `sizes` given one by one says it otherwise."""
    sizes: Literal["equal", "zipf"] | Annotated[tuple[Share, ...], Field(min_length=1)] = "zipf"
    """How the requests of the kind are spread over its caches: `equal`; `zipf`: the one of rank i
    has a part as 1/i; or each one's part, which add up to 1."""
    floor_seconds: Annotated[
        Seconds,
        Provenance(
            "floors in public configurations: 60, 300 and 3600. 8.74 % of 8,524 resolvers lengthen "
            "TTLs: PAM 2023, doi 10.1007/978-3-031-28486-1_23, not weighted by users"
        ),
    ] = 0
    """The shortest time that an answer is kept; 0: its TTL is obeyed."""
    kept_seconds: Annotated[
        Life | None,
        Provenance("anecdotes only: an hour to three days, serverfault.com/q/72363 and others"),
    ] = None
    """How long every answer is kept, whatever its TTL says. None: as the TTL and the floor say."""
    negative_most_seconds: Annotated[
        Life, Provenance("unbound.conf(5): cache-max-negative-ttl")
    ] = 3_600
    """The longest time that an empty answer is kept."""
    prefetch: Annotated[
        Flag, Provenance("unbound.conf(5): in the last tenth of the TTL; default no")
    ] = False
    """Whether a query in the last tenth of an answer's life has it fetched anew."""
    serve_expired: Annotated[Flag, Provenance("unbound.conf(5): default no; RFC 8767")] = False
    """Whether the first query after an answer's life is over gets that answer, without an age
    limit, and only then has it fetched anew."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if isinstance(self.sizes, tuple) and not math.isclose(sum(self.sizes), 1, abs_tol=1e-6):
            raise ValueError(f"its sizes should add up to 1, and add up to {sum(self.sizes):g}")
        return self

    @property
    def cache_count(self) -> int:
        """How many caches they are."""
        return len(self.sizes) if isinstance(self.sizes, tuple) else self.caches

    def life_seconds(self, ttl_seconds: float, *, negative: bool = False) -> float:
        """Return how long an answer is kept before it is fetched anew.

        Args:
            ttl_seconds: The answer's TTL.
            negative: Whether it is empty.
        """
        life = max(ttl_seconds, self.floor_seconds)
        if self.kept_seconds is not None:
            life = self.kept_seconds
        if negative:
            # A resolver that keeps answers for long on purpose keeps the empty ones like the
            # others.
            life = max(min(life, self.negative_most_seconds), self.kept_seconds or 0)
        return life * (0.9 if self.prefetch else 1)


class Clients(PopulationPart):
    """Clients of one behaviour: what lies between a request and the resolver's answer."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    """What they are called in figures."""
    share: Share
    """Their part of all requests. The shares of all kinds add up to 1."""
    request_gap_seconds: Annotated[
        Seconds,
        Provenance("assumption: depends on the API; look at the access logs", 1, 600),
    ] = 30
    """Mean time between two requests of one client while it is in use; 0: it never pauses."""
    cache_seconds: Annotated[
        Seconds,
        Provenance(
            "Chromium net/dns: 60 whatever the TTL, through the system's resolver; Firefox 60 + 60 "
            "of grace; OpenJDK 30, with a SecurityManager for ever"
        ),
    ] = 0
    """How long the client's own cache keeps an answer, counted from when the client got it. 0: it
    has none, or obeys what is left of the TTL, which adds nothing."""
    connection_seconds: Annotated[
        Seconds,
        Provenance("ELB guide: client_keep_alive.seconds, 3600 by default, 60 s to 7 days"),
    ] = 0
    """The longest life of a connection, whose requests go where it goes. 0: one for each
    request."""
    idle_seconds: Annotated[
        Seconds | None, Provenance("ELB guide: idle timeout, 60 by default; nginx stream: 600")
    ] = None
    """After how long without a request a connection is closed; None: not before its life is
    over."""
    reuse_share: Annotated[
        Share,
        Provenance(
            "assumption; Apple `expiredDNSBehavior`, Android `StaleDnsOptions`: no figure is known",
            0,
            0.3,
        ),
    ] = 0
    """The part of its requests that goes where an expired answer leads, which the client got at its
    visit before: iOS and Android try it first, and it works as long as both paths do."""
    visit_seconds: Annotated[
        Seconds, Provenance("assumption: an app that is opened daily", 3600, 604800)
    ] = DAY
    """Mean time between two visits of such a client."""

    @property
    def connection_mean_seconds(self) -> float:
        """How long a connection lives in the mean, until its life is over or nobody uses it."""
        life, run = self.connection_seconds, self.busy_run_seconds
        return life if math.isinf(run) else -run * math.expm1(-life / run) if run else 0.0

    @property
    def busy_run_seconds(self) -> float:
        """Mean time until a client pauses for longer than a connection may be idle."""
        gap, idle = self.request_gap_seconds, self.idle_seconds
        if idle is None or gap == 0 or idle / gap > 500:  # noqa: PLR2004 - e^500 seconds is never
            return math.inf
        return gap * math.expm1(idle / gap)

    @property
    def lookup_gap_seconds(self) -> float:
        """Mean time between two look-ups of a client: a connection's, or a request's."""
        return max(self.request_gap_seconds, self.connection_mean_seconds)

    @property
    def own_answer_share(self) -> float:
        """The part of its look-ups that its own cache answers."""
        total = self.cache_seconds + self.lookup_gap_seconds
        return self.cache_seconds / total if total else 0.0

    @property
    def queries_per_request(self) -> float:
        """How many queries a request sends to the resolver, in the mean."""
        gap = self.lookup_gap_seconds
        return (1 - self.own_answer_share) * (self.request_gap_seconds / gap if gap else 1.0)


class AddressFamilies(PopulationPart):
    """Who uses which address family."""

    ipv6_share: Annotated[
        Share,
        Provenance("Google 50.1 % (28 March 2026), APNIC 42 %; by country 5 to 86 %", 0.05, 0.86),
    ] = 0.45
    """The part of all requests that comes from clients with both families. They prefer IPv6, and
    use A where AAAA is empty (RFC 8305). Clients behind DNS64 and NAT64 count among them."""
    ipv6_only_share: Annotated[
        Share, Provenance("assumption: nobody published a figure", 0, 0.01)
    ] = 0
    """The part that comes from clients with IPv6 alone and without NAT64: an empty AAAA is no
    answer for them."""
    broken_share: Annotated[
        Share,
        Provenance("APNIC: 1.4 % of IPv6 connections fail (2019); 6 to 10 % in some networks"),
    ] = 0.014
    """The part of those with both families whose IPv6 fails, so that they end on A."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.ipv6_share + self.ipv6_only_share > 1:
            total = self.ipv6_share + self.ipv6_only_share
            raise ValueError(f"ipv6Share and ipv6OnlyShare should be 1 at most, and are {total:g}")
        return self

    @property
    def prefer_ipv6(self) -> float:
        """The part of all requests of clients that have both and reach IPv6."""
        return self.ipv6_share * (1 - self.broken_share)

    @property
    def use_ipv4(self) -> float:
        """The part of all requests that follows A, whatever AAAA says."""
        return 1 - self.prefer_ipv6 - self.ipv6_only_share


def _some(kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return kinds, at least one; `min_length` would count those that are wrong as missing."""
    if not kinds:
        raise ValueError("it should have at least one entry")
    return kinds


class Population(PopulationPart):
    """Who asks: resolvers, clients behind them, and their address families."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    """What it is called."""
    note: str = ""
    """What it stands for, and what it does not show."""
    resolvers: Annotated[tuple[Resolvers, ...], AfterValidator(_some)]
    """The kinds of resolvers."""
    clients: Annotated[tuple[Clients, ...], AfterValidator(_some)]
    """The kinds of clients. Each kind is behind every resolver."""
    families: AddressFamilies = AddressFamilies()
    """Who uses which address family."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        totals = {"resolvers": self.resolvers, "clients": self.clients}
        wrong = [
            f"the shares of {kind} should add up to 1, and add up to {total:g}"
            for kind, parts in totals.items()
            if not math.isclose(total := sum(part.share for part in parts), 1, abs_tol=1e-6)
        ]
        for kind, parts in totals.items():
            names = [part.name for part in parts]
            repeated = sorted({name for name in names if names.count(name) > 1})
            wrong += [
                f"the names of {kind} should differ, and {', '.join(repeated)} is there twice"
            ] * bool(repeated)
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def cache_count(self) -> int:
        """How many caches there are."""
        return sum(kind.cache_count for kind in self.resolvers)

    @property
    def queries_per_request(self) -> float:
        """How many queries a request sends to its resolver, in the mean over the clients."""
        return sum(kind.share * kind.queries_per_request for kind in self.clients)

    @property
    def is_busy(self) -> bool:
        """Whether some client never pauses: an answer is fetched as soon as it has ended."""
        return any(kind.share and not kind.lookup_gap_seconds for kind in self.clients)


def known_fields(part: type[BaseModel]) -> Iterator[tuple[str, Provenance]]:
    """Yield the fields of a part that say where they come from."""
    for name, field in part.model_fields.items():
        yield from ((name, item) for item in field.metadata if isinstance(item, Provenance))
