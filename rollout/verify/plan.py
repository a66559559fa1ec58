"""What a run does: which edge, which checks, which requests."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from components.faults import Fault, shown
from rollout.edge import of_source, pulumi_outputs, read_text
from rollout.faults import WrongUseError
from rollout.probe.model import EdgeTarget
from rollout.requests import documents, har, requests_file
from rollout.requests.catalogue import (
    Catalogue,
    CatalogueEntry,
    IgnoreRule,
    ignore_rule,
    merge,
    patient,
    root_request,
)
from rollout.verify.check import Check, VerifyOptions
from rollout.verify.checks import CHECKS, opaque
from rollout.verify.settings import VerifySettings

T = TypeVar("T")

MARGIN_SECONDS: Final = 15.0
"""How much longer than the longest wait that is tried an answer to a request of the user's may
take: no request that direct answers in time is given up on another way."""


@dataclass(frozen=True)
class VerifyPlan:
    """Everything that a run needs, validated."""

    target: EdgeTarget
    """What is verified."""
    options: VerifyOptions
    """How."""
    checks: tuple[Check, ...]
    """The checks that run, in the report's order."""
    catalogue: Catalogue
    """The user's own requests."""
    only: tuple[tuple[str, ...], ...] = ()
    """Names of the checks that each `--only` stands for; empty where there is none."""


class _FaultCollector:
    """Goes on after a fault, so that one error holds all of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)

    def attempt(self, step: Callable[[], T]) -> T | None:
        """Return what a step returns; keep its faults and return None where it raises."""
        try:
            return step()
        except WrongUseError as error:
            self.faults += error.faults
            return None


def make_plan(settings: VerifySettings) -> VerifyPlan:
    """Return what is to be done.

    Raises:
        WrongUseError: It cannot be done; with every fault.
    """
    collector = _FaultCollector(settings.faults())
    rules = collector.attempt(lambda: _ignore_rules(settings.files.ignore)) or ()
    target = collector.attempt(lambda: of_source(settings.source, read_text, pulumi_outputs))
    catalogue = _catalogue(settings, target.hostnames if target else (), collector)
    checks = (*CHECKS, opaque.check(catalogue, rules))
    idle = _idle(checks, settings)
    if not settings.only:
        # Without any requests it says that nothing was compared.
        idle.pop("opaque", None)
    names = [check.name for check in checks]
    stands_for = collector.attempt(lambda: _chosen(names, idle, settings.only)) or ()
    if collector.faults or target is None:
        raise WrongUseError(collector.faults)
    running = {name for each in stands_for for name in each} or set(names) - idle.keys()
    chosen = tuple(check for check in checks if check.name in running)
    return VerifyPlan(target, settings.options, chosen, catalogue, stands_for)


def _catalogue(
    settings: VerifySettings, hostnames: Collection[str], collector: _FaultCollector
) -> Catalogue:
    """Return the requests of all files; what is wrong with them goes to the collector."""
    files, unsafe = settings.files, settings.options.unsafe
    catalogues: list[Catalogue] = []

    def take(name: str | None, read: Callable[[documents.Document], Catalogue]) -> None:
        if name is None:
            return
        document = collector.attempt(lambda: documents.load(name))
        # Without the hostnames it cannot be told which of a file's requests are for the API.
        catalogue = collector.attempt(lambda: read(document)) if document and hostnames else None
        if catalogue:
            catalogues.append(catalogue)

    take(files.requests, lambda document: requests_file.read(document, unsafe=unsafe))
    take(files.openapi, lambda document: _operations(document, hostnames, unsafe=unsafe))
    take(files.har, lambda document: har.read(document, hostnames, unsafe=unsafe))
    if settings.options.echo is not None:
        catalogues.append(Catalogue((CatalogueEntry("GET /", root_request()),)))
    return patient(merge(catalogues), settings.options.slowest_seconds + MARGIN_SECONDS)


def _operations(
    document: documents.Document, hostnames: Collection[str], *, unsafe: bool
) -> Catalogue:
    from rollout.requests import openapi  # noqa: PLC0415 - its packages take long to import

    return openapi.read(document, hostnames, unsafe=unsafe)


def _ignore_rules(texts: Sequence[str]) -> tuple[IgnoreRule, ...]:
    faults: list[Fault] = []
    rules: list[IgnoreRule] = []
    for text in texts:
        try:
            rules.append(ignore_rule(text))
        except ValueError as error:
            faults.append(Fault("--ignore", shown(text), str(error), "See docs/verify.md."))
    if faults:
        raise WrongUseError(faults)
    return tuple(rules)


def _idle(checks: Sequence[Check], settings: VerifySettings) -> dict[str, str]:
    """Return the checks that have nothing to do, each with what would give it something."""
    echoes = settings.options.echo is not None
    unmet = {
        "echo": "" if echoes else "It needs --echo.",
        "no echo": "It is for an API without --echo; the other cache checks tell more."
        if echoes
        else "",
        "requests": "" if echoes or settings.files else "It needs --requests, --openapi or --har.",
        "account": "" if settings.options.account else "It needs --account.",
    }
    return {
        check.name: unmet[check.needs] for check in checks if check.needs and unmet[check.needs]
    }


def _chosen(
    names: Sequence[str], idle: Mapping[str, str], only: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Return the names of the checks that each `--only` stands for.

    It stands for a check, or for all whose names begin with it: `cache`, `cache-errors`. A check
    that is named in full has to have something to do, or nothing would be checked and that would
    pass. Of several that begin so, those that have something to do are meant.

    Args:
        names: Names of all checks.
        idle: Those that have nothing to do, each with what would give it something.
        only: What the user named.

    Raises:
        WrongUseError: No check has that name, or it has nothing to do.
    """
    busy = [name for name in names if name not in idle]

    def beginning_with(prefix: str, candidates: Collection[str]) -> tuple[str, ...]:
        return tuple(name for name in candidates if f"{name}-".startswith(f"{prefix}-"))

    faults = [
        Fault(
            "--only",
            shown(name),
            f"it should be one of {', '.join(busy)}, or what several of them begin with",
            next(
                (idle[each] for each in beginning_with(name, idle)),
                "See docs/verify.md for what each of them checks.",
            ),
        )
        for name in only
        if name in idle or not beginning_with(name, busy)
    ]
    if faults:
        raise WrongUseError(faults)
    return tuple(beginning_with(name, busy) for name in only)
