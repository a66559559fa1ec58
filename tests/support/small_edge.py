"""A stack, its zone and its state, all of them small, for the verbs that exchange records."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rollout.adopt.plan import adoption, notes
from rollout.handover.carrying_out import HandoverReport
from rollout.handover.exchange import HandoverVerb
from rollout.handover.situation import Stack
from rollout.handover.verb import HandoverOptions, hand_over
from rollout.records.zone import Zone
from rollout.release.plan import letting_go
from rollout.stack_file import find_stack_file
from support.small_route53 import SmallRoute53
from support.small_state import BALANCER, SmallState, edge

Fields = Mapping[str, Any]
NAMES = ("api.example.com",)
FILE = """\
config:
  # What users call it.
  dualstack-edge:hostnames: [{names}]
  dualstack-edge:zone: example.com
  dualstack-edge:origin: {{domainName: {balancer}, hostedZoneId: ZLB}}
  dualstack-edge:traffic: {{direct: {direct}, cdn: {cdn}}}
  dualstack-edge:dns:
    records: {declared} # see docs/adopt.md
"""
ADDRESSES = {
    BALANCER: {"192.0.2.1", "192.0.2.2", "2001:db8::1"},
    "lb.other.test": {"192.0.2.2"},
    "away.other.test": {"203.0.113.9"},
}


def addresses(name: str) -> frozenset[str]:
    """Return the addresses of a name, as a resolver would."""
    if name not in ADDRESSES:
        raise OSError(f"{name} is not known")
    return frozenset(ADDRESSES[name])


class SmallEdge:
    """A stack that is deployed, with what it acts on."""

    def __init__(
        self,
        folder: Path,
        records: Sequence[Fields],
        *,
        names: Sequence[str] = NAMES,
        declared: str = "none",
        traffic: tuple[int, int] = (100, 0),
        resources: Sequence[Fields] | None = None,
    ) -> None:
        self.folder = folder
        self.route53 = SmallRoute53(records)
        self.state = SmallState(resources if resources is not None else edge(names))
        direct, cdn = traffic
        (folder / "Pulumi.yaml").write_text("name: dualstack-edge\n")
        self.file = folder / "Pulumi.prod.yaml"
        self.file.write_text(
            FILE.format(
                names=", ".join(names), balancer=BALANCER, direct=direct, cdn=cdn, declared=declared
            )
        )

    def stack(self, _: str | None = None) -> Stack:
        return Stack("prod", find_stack_file("prod", self.folder), self.state)

    def run(
        self,
        verb: HandoverVerb,
        *,
        yes: bool = True,
        undo: Path | None = None,
        backup: Path | None = None,
        session: Any = None,
        watch: Callable[[str], None] = lambda _: None,
    ) -> HandoverReport:
        """Run a verb as its command does, without what asks the account."""

        def quick(session: Any, zone_id: str) -> Zone:
            ticks = iter(range(100_000))
            return Zone(session, zone_id, sleep=lambda _: None, clock=lambda: float(next(ticks)))

        def plan(situation: Any, _: Any) -> Any:
            if verb == "adopt":
                return adoption(situation, addresses), notes(situation)
            return letting_go(situation), ()

        self.route53.pending = 2
        return hand_over(
            verb,
            HandoverOptions("prod", yes, as_json=False, backup=backup or self.backup(), undo=undo),
            plan,
            session or self.route53,
            watch,
            zone_of=quick,
            stack_of=self.stack,
        )

    def backup(self) -> Path:
        """Return a file that is not there yet."""
        return self.folder / f"backup-{len(list(self.folder.glob('backup-*')))}.json"

    def zone(self) -> list[Fields]:
        """Return the records of the zone, in an order of their own."""
        return sorted(self.route53.held, key=repr)
