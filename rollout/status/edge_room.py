"""What `rollout` tells of how things stand: the clouds, the stack, and its edge."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import EntryPoint

from rollout.aws import AccountError, AccountReader, ImpatientSession, reading_account
from rollout.digitalocean import DigitalOceanReader
from rollout.pulumi_command import PulumiError
from rollout.status.asking import installed
from rollout.status.kill_switch import switch_section
from rollout.status.proxies import proxies_section
from rollout.status.reasons import NotToldError, account_reason
from rollout.status.room import STACKS, Ask, OwnStack, SectionFields, SectionNotes, StatusRequest
from rollout.status.stack import CLOUD_SECONDS, Once, StackPlace, StackReader, stack_section
from rollout.status.viewers import certificate_section, distribution_section, logs_section
from rollout.status.weights import weights_section


class EdgeRoom:
    """The sections of the edge, which share what they ask for."""

    def __init__(
        self,
        request: StatusRequest,
        own: Callable[[], Mapping[str, OwnStack]],
        environment: Mapping[str, str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Have asked nothing yet.

        Args:
            request: What the user wants to know.
            own: Returns the stacks that rooms keep themselves, by name.
            environment: The variables of this process.
            now: Returns the time.
        """
        self._environment = environment
        self._seconds = min(CLOUD_SECONDS, request.seconds)
        self._now = now
        self._stack = StackReader(request, own, environment)
        self._account = Once(self._open_account)

    def asks(self) -> Mapping[str, Ask]:
        """Return what asks for each section."""
        stack = self._stack
        of_edge: dict[str, Callable[[AccountReader], SectionFields]] = {
            "weights": lambda account: weights_section(stack, account),
            "switch": lambda account: switch_section(stack, account),
            "certificate": lambda account: certificate_section(stack, account, self._now),
            "distribution": lambda account: distribution_section(stack, account),
            "proxies": lambda account: proxies_section(stack, account, self._droplets()),
            "logs": lambda account: logs_section(stack, account),
        }
        return {
            "clouds": self._clouds,
            "stack": lambda: stack_section(stack, self._now),
            **{name: partial(self._told, section) for name, section in of_edge.items()},
        }

    def _told(self, section: Callable[[AccountReader], SectionFields]) -> SectionFields:
        """Return a section, or why it cannot be told."""
        notes = SectionNotes()
        try:
            return section(self._account.get())
        except AccountError as error:
            notes.cannot_tell(account_reason(error))
        except NotToldError as error:
            notes.cannot_tell(error)
        return notes.section()

    def _variables(self) -> Mapping[str, str]:
        """Return the variables that lead to the stack's clouds beside those of this process."""
        place: StackPlace | None = None
        with suppress(PulumiError):
            place = self._stack.place.get()
        return place.variables if place else {}

    def _open_account(self) -> AccountReader:
        return AccountReader(ImpatientSession(self._variables(), self._seconds))

    def _droplets(self) -> DigitalOceanReader:
        return DigitalOceanReader({**self._environment, **self._variables()}, self._seconds)

    def _clouds(self) -> SectionFields:
        notes = SectionNotes()
        variables = {**self._environment, **self._variables()}
        notes.line("AWS", variables.get("AWS_ENDPOINT_URL") or "at its own endpoints")
        try:
            with reading_account():
                identity = self._account.get().client("sts", "us-east-1").get_caller_identity()
            notes.line("account", str(identity["Account"]))
            notes.line("as", str(identity["Arn"]))
        except AccountError as error:
            notes.line("account", None)
            remedy = " Set AWS_PROFILE, or: aws sso login" if error.is_of_credentials else ""
            notes.cannot_tell(f"AWS has no answer: {str(error).rstrip('.')}.{remedy}")
        with suppress(NotToldError):
            if self._stack.edge().proxy_addresses:
                notes.line("DigitalOcean", self._droplets().endpoint)
        return notes.section()


def own_stacks(
    points: Callable[[str], Iterator[EntryPoint]] = installed,
) -> Mapping[str, OwnStack]:
    """Return the stacks that rooms keep themselves, by name; a room that breaks keeps none."""
    stacks: dict[str, OwnStack] = {}
    for point in points(STACKS):
        with suppress(Exception):
            stacks |= point.load()()
    return stacks


def sections(request: StatusRequest) -> Mapping[str, Ask]:
    """Return the sections of the edge; a `StatusRoom`."""
    return EdgeRoom(request, own_stacks, os.environ).asks()
